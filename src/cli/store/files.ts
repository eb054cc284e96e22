// The files of export and import: written for their owner only, read whole. Reads and writes the files that the user names.
import { existsSync, fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { replaceFile } from "../../durable-file.ts";
import { messageOf, OrchestraError } from "../../model/errors.ts";

/** Anybody's but the owner's. */
const othersMode = 0o077;
const stdoutDescriptor = 1;

/** Writes a new file, readable by its owner only. Throws `conflict` for one that is there: it may be the store itself. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  if (existsSync(path)) {
    throw new OrchestraError("conflict", `${path} exists already`, { hint: "give another name, or remove it first" });
  }
  await replaceFile(path, text).catch((error: unknown) => {
    throw new OrchestraError("unavailable", `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  });
}

/** Who besides its owner can read what is written to standard output; undefined: nobody, as far as it can be told. */
export function readersOfStdout(): string | undefined {
  if (process.stdout.isTTY) return "it is shown on this terminal";
  const found = fstatSync(stdoutDescriptor);
  const mode = (found.mode & 0o777).toString(8);
  return found.isFile() && (found.mode & othersMode) !== 0 ? `others can read the file (mode ${mode})` : undefined;
}

/** The text of a file, or of standard input for `-`. */
export async function readWhole(path: string): Promise<string> {
  try {
    return path === "-" ? await textOf(process.stdin) : await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code === "ENOENT" ? "not-found" : "invalid";
    const what = code === "not-found" ? `there is no file ${path}` : `${path} cannot be read: ${messageOf(error)}`;
    throw new OrchestraError(code, what, { hint: "give the file that orchestra store export wrote", cause: error });
  }
}
