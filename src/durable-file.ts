// Files that must survive a power cut: replaced as a whole, so that a reader sees the old text or the new one.
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes `text` to `path`, readable by us only, and returns when it is on the disk. Missing folders are made. Of several processes the last one stays. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await throughTemporary(path, text, (temporary) => rename(temporary, path));
}

/** The same, where nothing is yet: returns false, and leaves what is there, when another process was first. */
export async function createFile(path: string, text: string): Promise<boolean> {
  try {
    await throughTemporary(path, text, (temporary) => link(temporary, path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function throughTemporary(path: string, text: string, put: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Its own: roles that start at once, as processes of one machine, write the same file. No name that somebody else can guess, and nothing that is
  // there already: in a folder that others may write to it might be their link. What a killed process leaves is in nobody's way.
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await put(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The text of a file; undefined where there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
