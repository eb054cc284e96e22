// That a machine runs each role of a cluster once: an exclusive transaction held open on an empty database in the cluster's folder.
// The kernel frees it with its process, whatever ends that; a process that is stopped keeps it. Writes the lock's file.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { OrchestraError } from "./model/errors.ts";
import type { RoleName } from "./model/role.ts";

/** What nobody refers to is collected, and its lock with it. */
const held = new Set<DatabaseSync>();

/** Returns the release. Throws `conflict` when another process has the role here. */
export function lockRole(folder: string, role: RoleName): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${role}.lock`);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // In memory: the lock must not need a journal beside it, and nothing is ever written.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isHeld(error)) throw error;
    throw new OrchestraError("conflict", `another process is the ${role} of this cluster on this machine`, {
      hint: "stop it first; orchestra status tells what runs here",
      cause: error,
    });
  }
  held.add(database);
  return () => {
    if (held.delete(database)) database.close();
  };
}

/** SQLITE_BUSY, https://sqlite.org/rescode.html#busy */
const busy = 5;

function isHeld(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === busy;
}
