// What every command has in common: where the store is, how output is printed, and how a failure ends it.
// Commands are shells: parse, call one function, print. Whatever is heavy they import inside `run`: start-up time is counted.
import { Command, Errors, Flags } from "@oclif/core";
import { type Config, readConfig, wantsDebug } from "../config.ts";
import type { OrchestraError } from "../model/errors.ts";
import type { OpenOptions } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import { asOrchestraError, exitCodes, failureDocument, failureText, wantsJson } from "./failure.ts";

export const outputs = ["table", "wide", "json", "yaml", "name", "markdown"] as const;
export type Output = (typeof outputs)[number];

/** `-o`, for the commands that list or show; each names the forms that make sense for it, the default first. */
export function outputFlag(first: Output, ...others: readonly Output[]) {
  const options = [first, ...others];
  const parse = async (text: string) => options.find((option) => option === text) ?? first;
  return Flags.custom<Output>({ parse })({
    char: "o",
    options,
    default: async () => first,
    defaultHelp: async () => first,
    summary: "How to print the result.",
  });
}

export const showValuesFlag = Flags.boolean({
  summary: "Show the values of environment variables, which are masked otherwise.",
});

export abstract class BaseCommand extends Command {
  static override baseFlags = {
    store: Flags.string({
      summary: "Where the documents are. Default: ORCHESTRA_STORE, else store.db in the state folder.",
      helpGroup: "GLOBAL",
      helpValue: "file:PATH|zk://HOST,…/PATH",
    }),
    "insecure-store": Flags.boolean({
      summary: "Use a store on other machines without credentials: everyone who reaches it can run any image.",
      helpGroup: "GLOBAL",
    }),
  };

  #config: Config | undefined;
  #store: Promise<Store> | undefined;

  /** The settings, read at the first use: a command that needs none works with a broken environment too. */
  protected get settings(): Config {
    this.#config ??= this.#readConfig();
    return this.#config;
  }

  /**
   * Opens the store that the flags or the settings name, once; it is closed when the command ends, however it ends.
   * Only commands that write Deployments create it: a listing of nothing must not leave a file behind.
   */
  protected openStore(
    flags: { readonly store: string | undefined },
    create = false,
    options: Pick<OpenOptions, "unfinished"> = {},
  ): Promise<Store> {
    this.#store ??= this.#open(flags.store ?? this.settings.storeUrl, { create, ...options });
    return this.#store;
  }

  /** One line, or several, on standard output. */
  protected print(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** A result in the form that was asked for; YAML holds the same data as JSON. */
  protected async printDocument(output: Output, document: unknown, text: () => string): Promise<void> {
    if (output === "json" || output === "yaml") {
      const { json, yaml } = await import("./print.ts");
      this.print(output === "json" ? json(document) : await yaml(document));
    } else this.print(text());
  }

  /** For people only, on standard error: it never mixes with what a program reads. */
  protected note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Whether the person agrees, or has said so with `yes`. A no is told, and has its exit code. Throws as `confirm` does. */
  protected async agreed(yes: boolean, question: string, doing: string): Promise<boolean> {
    if (yes) return true;
    const { confirm, declinedExitCodes } = await import("./change/confirm.ts");
    const answer = await confirm(question, doing);
    if (answer === "yes") return true;
    this.print("Nothing was changed.");
    process.exitCode = declinedExitCodes[answer];
    return false;
  }

  /** The exit code of a failure; commands with a table of their own override it. */
  protected exitCodeFor(error: OrchestraError): number {
    return exitCodes[error.code];
  }

  protected override async init(): Promise<void> {
    // oclif swallows EPIPE and lets the command go on: a `-w` or `-f` whose reader has left would then never end. Any other error
    // it throws where nobody catches it: the command would end with a stack trace.
    process.stdout.prependListener("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      this.note(`Error: standard output cannot be written: ${error.message}`);
      process.exit(exitCodes.unavailable);
    });
    await super.init();
  }

  protected override async catch(thrown: unknown): Promise<void> {
    // `this.exit()` and `--help` end a command by throwing; that is no failure.
    if (thrown instanceof Errors.ExitError) throw thrown;
    const error = asOrchestraError(thrown);
    process.exitCode = this.exitCodeFor(error);
    reportFailure(error, this.argv);
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
    await super.finally(error);
  }

  /** The flag counts for every command in the same way, so it is looked for here and not in each of them. */
  #readConfig(): Config {
    const config = readConfig();
    const end = this.argv.indexOf("--");
    const words = end < 0 ? this.argv : this.argv.slice(0, end);
    return words.includes("--insecure-store")
      ? { ...config, storeAccess: { ...config.storeAccess, insecure: true } }
      : config;
  }

  async #open(url: string, options: OpenOptions): Promise<Store> {
    const { openStore } = await import("../store/open-store.ts");
    try {
      return await openStore(url, { ...options, access: () => this.settings.storeAccess });
    } catch (error) {
      // It may be tried again, to create what was not found.
      this.#store = undefined;
      throw error;
    }
  }
}

/** Prints a failure where its reader looks for it: as JSON on standard output, or for people on standard error. */
export function reportFailure(error: OrchestraError, argv: readonly string[]): void {
  if (wantsJson(argv)) process.stdout.write(`${JSON.stringify(failureDocument(error), undefined, 2)}\n`);
  else process.stderr.write(`${failureText(error, wantsDebug())}\n`);
}
