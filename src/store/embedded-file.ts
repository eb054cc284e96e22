// The file under the embedded store: the one that was opened, or the one that somebody has put in its place since. Opens and closes it.
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { openDatabase } from "./embedded-database.ts";
import { type DocumentTable, type IsHeld, openDocumentTable } from "./embedded-documents.ts";
import { discardFormerLog, noteLog } from "./embedded-log.ts";

export interface OpenedFile {
  readonly database: DatabaseSync;
  readonly documents: DocumentTable;
}

export interface StoreFile {
  /** What steps work on. */
  readonly now: OpenedFile;
  /** Whether the file is still the one that was opened. Where it is not, the one that is there is opened: false once, and true from then on.
   * Throws `unavailable` while there is none that can be used. */
  isSame(): boolean;
  close(): void;
}

/** A file that somebody copies to its place is whole when it has not changed for so long. */
const settledMs = 1_000;

/** `database` is open on the file at `path`. */
export function openStoreFile(path: string, database: DatabaseSync, isHeld: IsHeld): StoreFile {
  let now: OpenedFile = { database, documents: openDocumentTable(database, isHeld) };
  let identity = lookAt(path)?.identity;
  let found: { readonly print: string; readonly since: number } | undefined;
  noteLog(path);

  const isSettled = (print: string): boolean => {
    if (found?.print !== print) found = { print, since: performance.now() };
    return performance.now() - found.since >= settledMs;
  };
  return {
    get now() {
      return now;
    },
    isSame() {
      const there = lookAt(path);
      if (there?.identity === identity) return true;
      if (!there) throw gone(path);
      if (!isSettled(there.print)) throw unsettled(path);
      discardFormerLog(path);
      const next = openWhole(path);
      const before = now;
      now = { database: next, documents: openDocumentTable(next, isHeld) };
      identity = there.identity;
      found = undefined;
      noteLog(path);
      // SQLite sees that its file has moved away, and leaves what belongs to the one in its place alone.
      before.database.close();
      return false;
    },
    close: () => now.database.close(),
  };
}

/** Which file lies at `path` (device and inode), and what changes while it is written. */
function lookAt(path: string): { readonly identity: string; readonly print: string } | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  const identity = `${stat.dev}:${stat.ino}`;
  return { identity, print: `${identity}:${stat.size}:${stat.mtimeMs}` };
}

/** Throws `unavailable` for a file that is no sound store of ours: what was known counts until there is one. */
function openWhole(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(path, false);
    const found = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (found === "ok") return database;
    throw new Error(`it is damaged: ${String(found)}`);
  } catch (error) {
    database?.close();
    throw new OrchestraError(
      "unavailable",
      `the store ${path} has been replaced under this process, and what is there cannot be used: ${messageOf(error)}`,
      { hint: "put a sound copy in its place; what runs goes on meanwhile", cause: error },
    );
  }
}

function gone(path: string): OrchestraError {
  return new OrchestraError("unavailable", `the store ${path} has been deleted under this process`, {
    hint: "put the file back, or begin with an empty one: orchestra store accept-rollback; what runs goes on meanwhile",
  });
}

function unsettled(path: string): OrchestraError {
  return new OrchestraError("unavailable", `the store ${path} has been replaced by another file under this process`, {
    hint: "it is looked at in a moment, when nobody writes to it any more",
  });
}
