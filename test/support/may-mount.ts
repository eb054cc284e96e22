// Whether a test may mount file systems here.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { tempFolder } from "./temp-folder.ts";

const run = promisify(execFile);

/** Why nothing can be mounted here; undefined: it can. */
export async function whyNoMount(): Promise<string | undefined> {
  const cleaners: (() => Promise<void>)[] = [];
  const folder = await tempFolder({ after: (clean) => cleaners.push(clean) });
  try {
    await run("mount", ["-t", "tmpfs", "none", folder]);
    await run("umount", [folder]);
    return undefined;
  } catch {
    return "nothing may be mounted here: that needs root, and a container with CAP_SYS_ADMIN";
  } finally {
    for (const clean of cleaners) await clean();
  }
}
