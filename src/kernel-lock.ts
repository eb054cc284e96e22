// Locks that the kernel frees with their process, whatever ends that; a process that is stopped keeps them: an exclusive transaction
// held open on an empty database of its own. Writes that file.
import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

export interface KernelLock {
  /** Later calls do nothing. */
  readonly release: () => void;
}

/** What nobody refers to is collected, and its lock with it. */
const held = new Set<DatabaseSync>();

/** Takes the lock on the file, which is made for this user only. Throws SQLite's own error: `isBusy` when another process has it. */
export function lockFile(path: string): KernelLock {
  makeOwn(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // In memory: the lock must not need a journal beside it, and nothing is ever written.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw error;
  }
  held.add(database);
  return {
    release() {
      if (held.delete(database)) database.close();
    },
  };
}

/** SQLite would make it readable to all, and so did earlier releases. What keeps us from it SQLite tells better when it opens the file. */
function makeOwn(path: string): void {
  try {
    // Only ever opened when new: closing a descriptor of a file that this process has locked would drop the lock (fcntl(2)).
    closeSync(openSync(path, "wx", 0o600));
  } catch {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && (found.mode & 0o077) !== 0 && found.uid === process.geteuid?.()) chmodSync(path, 0o600);
  }
}

/** The primary result code of an error from `node:sqlite` (sqlite.org/rescode.html); the extended ones carry it in their low byte. Undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

const sqliteBusy = 5;
const sqliteLocked = 6;

/** Somebody else holds the lock right now. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === sqliteBusy || code === sqliteLocked;
}
