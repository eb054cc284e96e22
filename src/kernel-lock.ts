// Locks that the kernel frees with their process, whatever ends that; a process that is stopped keeps them: an exclusive transaction
// held open on an empty database of its own. Writes that file.
import { DatabaseSync } from "node:sqlite";

export interface KernelLock {
  /** Later calls do nothing. */
  readonly release: () => void;
}

/** What nobody refers to is collected, and its lock with it. */
const held = new Set<DatabaseSync>();

/** Takes the lock on the file, which is made. Throws SQLite's own error: `isBusy` when another process has it. */
export function lockFile(path: string): KernelLock {
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
