// What is wrong with a manifest, and where: the sentence that a user reads, and the one error that carries all of them.
import { OrchestraError } from "../model/errors.ts";

/** Keys and indexes from the top of a document: `["spec", "ports", 0, "hostPort"]`. */
export type Path = readonly (string | number)[];

/** A problem before its place is known. `at`: a map's key or its value. */
export interface Finding {
  readonly path: Path;
  readonly at: "key" | "value";
  readonly message: string;
  readonly hint?: string | undefined;
}

export interface Place {
  /** As the user named it, or `stdin`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A problem of a file. `path` is empty when it is about the file or document as a whole. */
export interface Problem extends Partial<Omit<Place, "file">> {
  readonly file: string;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** So many problems are written out; a hundred screens of errors help nobody. */
const problemsShown = 100;

/** Whether values there may be secrets: they are in no message. */
export function isSecret(path: Path): boolean {
  return path.includes("env") || path.includes("headers");
}

/** `spec.ports[0].hostPort`, `spec.labels["a.b"]`. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) return index === 0 ? part : `.${part}`;
      return `[${JSON.stringify(part.length > 64 ? `${part.slice(0, 64)}…` : part)}]`;
    })
    .join("");
}

/** `file:line:column path: what is wrong; what to do`. */
export function problemText({ file, line, column, path, message, hint }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return printable(`${place}${path === "" ? "" : ` ${path}`}: ${message}${hint === undefined ? "" : `; ${hint}`}`);
}

/** Keys, names and file names come from outside: what would move a terminal's cursor or turn its text around is written as an escape. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** One error for all of them, sorted by place; `details.errors` holds the list. */
export function problemsError(problems: readonly Problem[]): OrchestraError {
  const sorted = sortProblems(problems);
  const lines = sorted.slice(0, problemsShown).map(problemText);
  if (sorted.length > problemsShown) lines.push(`and ${sorted.length - problemsShown} more`);
  return new OrchestraError("invalid", lines.join("\n"), { details: { errors: sorted } });
}

export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) =>
      compareText(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compareText(a.path, b.path) ||
      compareText(a.message, b.message),
  );
}

/** By code unit: the same order on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
