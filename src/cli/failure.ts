// What a failed command says and exits with: one table from error codes to exit codes, one form for people, one for programs.
import { type ErrorCode, isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { shellWord } from "../model/shell-word.ts";
import { printable } from "./print.ts";

/** DESIGN section 9. A command with a table of its own (diff, apply) overrides `exitCodeFor`. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = Object.freeze({
  invalid: 2,
  conflict: 3,
  "not-found": 1,
  unavailable: 1,
  bug: 1,
});

/** The shape of every error with `-o json`: on standard output, and alone there. */
export interface FailureDocument {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

export function failureDocument(error: OrchestraError): FailureDocument {
  const { code, message, hint, details } = error;
  return {
    error: { code, message, ...(hint === undefined ? {} : { hint }), ...(details === undefined ? {} : { details }) },
  };
}

/** Lines for people; names of files and words of other programs in them move no cursor. The stack only where it was asked for: it tells a user nothing that they could act on. */
export function failureText(error: OrchestraError, withStack: boolean): string {
  const lines = [`Error: ${error.message}`];
  if (error.hint !== undefined) lines.push(`Hint: ${error.hint}${/[.?!]$/.test(error.hint) ? "" : "."}`);
  if (error.code === "bug" && !withStack) lines.push("Hint: set ORCHESTRA_DEBUG=1 to see where it happened.");
  if (withStack) lines.push(stackOf(error));
  return printable(lines.join("\n"));
}

/** Whether the command line asks for JSON: decided on the words themselves, because parsing them may be what failed. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  return words.some((word, index) => {
    if (word === "-o" || word === "--output") return words[index + 1] === "json";
    return word === "-ojson" || word === "-o=json" || word === "--output=json";
  });
}

/** Anything thrown as one of ours: what oclif refuses is the user's input, what nobody expected is a bug. */
export function asOrchestraError(error: unknown, commands: readonly string[] = []): OrchestraError {
  if (isOrchestraError(error)) return error;
  const unknownCommand = /^command (.+) not found$/s.exec(messageOf(error))?.[1];
  if (unknownCommand !== undefined && isParserError(error)) return noSuchCommand(unknownCommand, commands);
  if (isParserError(error)) return usageError(error);
  return new OrchestraError("bug", messageOf(error), { cause: error });
}

/** What oclif's parser throws, as far as we look at it. */
interface ParserError extends Error {
  readonly oclif: object;
  readonly flags?: readonly string[];
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, unknown>> } };
}

function isParserError(error: unknown): error is ParserError {
  return error instanceof Error && "oclif" in error && typeof error.oclif === "object";
}

function usageError(error: ParserError): OrchestraError {
  const [flag] = error.flags ?? [];
  const message = plain(error.message);
  if (flag === undefined) return new OrchestraError("invalid", message, { hint: "see --help", cause: error });
  const known = Object.keys(error.parse?.input?.flags ?? {}).map((name) => `--${name}`);
  const meant = nearest(flag.replace(/=.*/s, ""), known);
  const hint = meant === undefined ? "see --help" : `did you mean ${meant}? See --help`;
  return new OrchestraError("invalid", `unknown flag ${flag}`, { hint, cause: error });
}

function noSuchCommand(id: string, commands: readonly string[]): OrchestraError {
  const command = id.replaceAll(":", " ");
  const owner = commands.find((one) => command.startsWith(`${one} `));
  if (owner !== undefined) return noArgument(owner, id.slice(owner.length + 1).split(":"));
  const meant = nearest(command, commands);
  const hint = meant === undefined ? "see orchestra --help" : `did you mean "orchestra ${meant}"? See orchestra --help`;
  return new OrchestraError("invalid", `unknown command "${command}"`, { hint });
}

/** For commands without arguments oclif takes what follows for a part of their name. Most often it is a path that `-f` was forgotten for. */
function noArgument(command: string, words: readonly string[]): OrchestraError {
  const isPath = words.every((word) => word === "-" || /[./]/.test(word));
  const files = words.map((word) => `-f ${shellWord(word)}`).join(" ");
  const hint = isPath ? `did you mean "orchestra ${command} ${files}"?` : `see orchestra ${command} --help`;
  return new OrchestraError("invalid", `${command} does not know what to do with "${words.join(" ")}"`, { hint });
}

/** oclif's messages span lines and end with a pointer to --help; ours are one sentence and keep that for the hint. */
function plain(message: string): string {
  const text = message
    .replace(/\s*See more help with --help\s*$/, "")
    .replace(/\s*\nNote: .*$/s, "")
    .replace(/^The following errors? occurred:\s*/, "")
    .replace(/^Missing required flag (\S+)$/, "--$1 is missing")
    .replace(/^Missing 1 required arg:\s*(\S+)\s+/, (_all, name: string) => `${name.toUpperCase()} is missing: `)
    .replace(/\s*\n\s*/g, " ");
  return /^[A-Z]+ /.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

function stackOf(error: OrchestraError): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${error.cause.stack ?? error.cause.message}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
