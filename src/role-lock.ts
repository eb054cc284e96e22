// That a machine runs each role of a cluster once: a lock in the cluster's folder. Writes the lock's file.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isBusy, lockFile } from "./kernel-lock.ts";
import { OrchestraError } from "./model/errors.ts";
import type { RoleName } from "./model/role.ts";

/** Returns the release. Throws `conflict` when another process has the role here. */
export function lockRole(folder: string, role: RoleName): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return lockFile(join(folder, `${role}.lock`)).release;
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw new OrchestraError("conflict", `another process is the ${role} of this cluster on this machine`, {
      hint: "stop it first; orchestra status tells what runs here",
      cause: error,
    });
  }
}
