// The start of every command: hands the command line to oclif. `bin/dev.js` and the bundle call it with their own places.
import { type Config, flush, handle, run } from "@oclif/core";

type PackageJson = Config["pjson"];

export interface Program {
  /** The folder that `commands` is relative to; a manifest of the commands is read from it where there is one. */
  readonly root: string;
  readonly commands: string;
  readonly packageJson: Readonly<Record<string, unknown>>;
}

/** Runs the command line and ends the process with its exit code when it fails. */
export async function main({ root, commands, packageJson }: Program): Promise<void> {
  const oclif = { ...(packageJson["oclif"] as object), commands };
  const pjson = { ...packageJson, oclif } as unknown as PackageJson;
  try {
    await run(process.argv.slice(2), { root, pjson });
    await flush();
  } catch (error) {
    await handle(error instanceof Error ? error : new Error(String(error)));
  }
}
