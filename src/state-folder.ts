// Where things lie in the state folder: what belongs to the machine at its root, what belongs to a cluster in a folder
// named by the cluster's id, so that two stores on one machine never meet. Reads and writes the record of `up`.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type ProcessRecord, readProcessRecord } from "./process-record.ts";

/** The last `orchestra up` of a cluster on this machine. It stays when that process ends: `down` still has CoreDNS to stop. */
export interface UpRecord extends ProcessRecord {
  /** The store's URL, with the absolute path. */
  readonly store: string;
  readonly cluster: string;
  readonly node: string;
  /** ISO 8601, for people. */
  readonly since: string;
}

export function clusterFolder(stateDir: string, cluster: string): string {
  return join(stateDir, cluster);
}

export function upRecordPath(stateDir: string, cluster: string): string {
  return join(clusterFolder(stateDir, cluster), "up.json");
}

/** What a detached `up` writes: its log, and a stack trace should it die of a bug. */
export function upLogPath(stateDir: string, cluster: string): string {
  return join(clusterFolder(stateDir, cluster), "up.log");
}

/** Every cluster that had an `up` on this store, found without the store: it may be gone. More than one when the store was replaced. */
export function upRecordsOf(stateDir: string, store: string): UpRecord[] {
  return foldersIn(stateDir)
    .map((cluster) => readProcessRecord<UpRecord>(upRecordPath(stateDir, cluster)))
    .filter((record) => record !== undefined)
    .filter((record) => record.store === store);
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}
