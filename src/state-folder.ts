// Where things lie in the state folder: what belongs to the machine at its root, what belongs to a cluster in a folder
// named by the cluster's id, so that two stores on one machine never meet. Reads the records of what runs here.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type RoleName, roleNames } from "./model/role.ts";
import { type ProcessRecord, readProcessRecord } from "./process-record.ts";

/** A process that has roles of a cluster on this machine, or had them last. */
export interface RolesRecord extends ProcessRecord {
  /** The store's URL, as `absoluteUrl` gives it. */
  readonly store: string;
  readonly cluster: string;
  readonly node: string;
  /** ISO 8601, for people. */
  readonly since: string;
  /** Absent in records of earlier releases: all. */
  readonly roles?: readonly RoleName[];
  /** After how long an absence of a node's worker its pods are moved. Absent: no master, or an earlier release's. */
  readonly lostAfterMs?: number;
  /** What is followed in the same process, by `up --sync`; `flags`: how, as it was said. */
  readonly sync?: { readonly source: string; readonly flags: readonly string[] };
}

export function clusterFolder(stateDir: string, cluster: string): string {
  return join(stateDir, cluster);
}

/** Of the last `orchestra up`. It stays when that process ends: `down` still has CoreDNS to stop. */
export function upRecordPath(stateDir: string, cluster: string): string {
  return join(clusterFolder(stateDir, cluster), "up.json");
}

/** Of the last `orchestra run` with these roles. */
export function runRecordPath(stateDir: string, cluster: string, roles: readonly RoleName[]): string {
  return join(clusterFolder(stateDir, cluster), `run-${roles.join("-")}.json`);
}

/** What the store said of this cluster last: roles that start while it is away go on from there. */
export function clusterFilePath(stateDir: string, cluster: string): string {
  return join(clusterFolder(stateDir, cluster), "cluster.json");
}

/** What a detached `up` writes: its log, and a stack trace should it die of a bug. */
export function upLogPath(stateDir: string, cluster: string): string {
  return join(clusterFolder(stateDir, cluster), "up.log");
}

/** Every cluster that had an `up` on this store, found without the store: it may be gone. More than one when the store was replaced. */
export function upRecordsOf(stateDir: string, store: string): RolesRecord[] {
  return clustersIn(stateDir)
    .map((cluster) => readProcessRecord<RolesRecord>(upRecordPath(stateDir, cluster)))
    .filter((record) => record !== undefined)
    .filter((record) => record.store === store);
}

/** The same of every `run`. */
export function runRecordsOf(stateDir: string, store: string): RolesRecord[] {
  return clustersIn(stateDir)
    .flatMap((cluster) =>
      namesIn(clusterFolder(stateDir, cluster))
        .filter((name) => /^run-[a-z-]+\.json$/.test(name))
        .map((name) => readProcessRecord<RolesRecord>(join(clusterFolder(stateDir, cluster), name))),
    )
    .filter((record) => record !== undefined)
    .filter((record) => record.store === store);
}

/** What the process of a record does, or did. */
export function rolesOf({ roles }: RolesRecord): readonly RoleName[] {
  return roles ?? roleNames;
}

/** The clusters that have a folder here, by their ids. */
export function clustersIn(stateDir: string): string[] {
  return entriesIn(stateDir)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function namesIn(folder: string): string[] {
  return entriesIn(folder)
    .map(({ name }) => name)
    .sort();
}

function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
