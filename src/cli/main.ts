// The start of every command: hands the command line to oclif. `bin/dev.js` and `bin/run.js` call it with their own places.
import { Config, Errors, flush, handle, run } from "@oclif/core";
import { reportFailure } from "./base.ts";
import { asOrchestraError, exitCodes } from "./failure.ts";

export interface Program {
  /** The folder that `commands` is relative to; a manifest of the commands is read from it where there is one. */
  readonly root: string;
  readonly commands: string;
  readonly packageJson: Readonly<Record<string, unknown>>;
}

/** Runs the command line. A failure is reported and sets the exit code; the process ends when nothing is left to do. */
export async function main({ root, commands, packageJson }: Program): Promise<void> {
  silenceUrlParse();
  const oclif = { ...(packageJson["oclif"] as object), commands };
  const options = { root, pjson: { ...packageJson, oclif } as unknown as Config["pjson"] };
  const words = process.argv.slice(2);
  // What people type first elsewhere: `orchestra help get`.
  const argv = words[0] === "help" ? [...words.slice(1), "--help"] : words;
  try {
    await run(argv, options);
    await flush();
  } catch (thrown) {
    // `this.exit()` and `--help` end a command by throwing; that is no failure.
    if (thrown instanceof Errors.ExitError) return handle(thrown);
    const { commandIDs } = await Config.load(options);
    // As they are typed: oclif joins a topic and its command with a colon.
    const commands = commandIDs.map((id) => id.replaceAll(":", " "));
    const error = asOrchestraError(thrown, commands);
    process.exitCode = exitCodes[error.code];
    reportFailure(error, argv);
  }
}

/**
 * Docker's client still reads DOCKER_HOST with `url.parse`, and Node warns of that in front of our own message. Node spares users this
 * warning for code below node_modules; in the bundle it cannot tell. Only this one: every other warning is news.
 */
function silenceUrlParse(): void {
  const emit = process.emitWarning.bind(process) as (...words: unknown[]) => void;
  const isUrlParse = (words: readonly unknown[]) => words.includes("DEP0169");
  process.emitWarning = (...words: unknown[]) => {
    if (!isUrlParse(words)) emit(...words);
  };
}
