// What this machine has to do with a cluster: what it has seen of its store, and whether it runs any role of it.
// Reads the state folder; while roles are kept from starting it holds their locks.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isOrchestraError, OrchestraError } from "../../model/errors.ts";
import type { KnownStore } from "../../model/known-store.ts";
import { roleNames } from "../../model/role.ts";
import { shellWord } from "../../model/shell-word.ts";
import { isRunning, readProcessRecord } from "../../process-record.ts";
import { lockRole } from "../../role-lock.ts";
import { readStateFile } from "../../state-file.ts";
import { clusterFolder, type RolesRecord, upRecordPath } from "../../state-folder.ts";
import { rememberingRoles, storeMemoryPath } from "../../store-memory.ts";

/** What the roles on this machine have seen of the cluster's store. */
export async function knownHere(stateDir: string, cluster: string): Promise<KnownStore[]> {
  const folder = clusterFolder(stateDir, cluster);
  const paths = [...rememberingRoles(folder).map((role) => storeMemoryPath(folder, role)), join(folder, "worker.json")];
  const known = await Promise.all(paths.map((path) => readStateFile<KnownStore>(path)));
  return known.filter((one) => one !== undefined);
}

/** Keeps every role of the cluster from starting on this machine; returns the release. Throws `conflict` when one runs. */
export function keepRolesAway(stateDir: string, cluster: string): () => void {
  const folder = clusterFolder(stateDir, cluster);
  // Where there is no folder there has never been a role, and a look must not make one.
  if (!existsSync(folder)) return () => {};
  const releases: (() => void)[] = [];
  const release = () => {
    for (const one of releases) one();
  };
  try {
    for (const role of roleNames) releases.push(lockRole(folder, role));
    return release;
  } catch (error) {
    release();
    if (!isOrchestraError(error, "conflict")) throw error;
    const up = readProcessRecord<RolesRecord>(upRecordPath(stateDir, cluster));
    const end = up && isRunning(up) ? `orchestra down --store ${shellWord(up.store)}` : "as it was started";
    throw new OrchestraError("conflict", `orchestra runs on this machine for the cluster ${cluster}`, {
      hint: `end it first (${end}), then export again: it goes on changing its store`,
      cause: error,
    });
  }
}
