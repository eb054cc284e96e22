// The start of every command: hands the command line to oclif. `bin/dev.js` and the bundle call it with their own places.
import { Config, flush, handle, run } from "@oclif/core";
import { reportFailure } from "./base.ts";
import { asOrchestraError, exitCodes } from "./failure.ts";

type PackageJson = Config["pjson"];

export interface Program {
  /** The folder that `commands` is relative to; a manifest of the commands is read from it where there is one. */
  readonly root: string;
  readonly commands: string;
  readonly packageJson: Readonly<Record<string, unknown>>;
}

/** Runs the command line. A command reports its own failures; what comes here is what no command could take, such as an unknown name. */
export async function main({ root, commands, packageJson }: Program): Promise<void> {
  const oclif = { ...(packageJson["oclif"] as object), commands };
  const pjson = { ...packageJson, oclif } as unknown as PackageJson;
  const argv = process.argv.slice(2);
  try {
    await run(argv, { root, pjson });
    await flush();
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIT") return handle(thrown);
    const { commandIDs } = await Config.load({ root, pjson });
    const error = asOrchestraError(thrown, commandIDs);
    process.exitCode = exitCodes[error.code];
    reportFailure(error, argv);
  }
}
