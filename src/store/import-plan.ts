// What an import would do to a store, and why it is refused. Pure.
import type { ClusterDocument } from "../model/cluster.ts";
import { OrchestraError } from "../model/errors.ts";
import { collectionOf, type Key, nameOf } from "../model/keys.ts";
import { type KnownStore, whyStrange } from "../model/known-store.ts";
import type { PlacementsDocument } from "../model/pod.ts";
import type { ExportFile } from "./export-file.ts";
import type { Document } from "./snapshot.ts";
import { type Change, type Position, put, remove, type Versioned } from "./store.ts";

/** The store that is imported into, at one position. */
export interface ImportTarget {
  readonly url: string;
  readonly position: Position;
  readonly cluster: Versioned<ClusterDocument> | undefined;
  readonly documents: readonly Document[];
  /** Keys of the presence documents of those who are alive. */
  readonly present: readonly string[];
}

export interface ImportOptions {
  /** What this machine's roles have seen of the file's cluster. */
  readonly known: readonly KnownStore[];
  /** Put the file's documents in the place of those that the cluster has there. */
  readonly replace: boolean;
  /** Go back to an older state of the cluster. */
  readonly acceptRollback: boolean;
}

export interface ImportPlan {
  /** What the cluster's document becomes, with the last of the changes. */
  readonly cluster: ClusterDocument;
  /** Of the document that is there now. */
  readonly clusterVersion: number | "absent";
  /** All but the cluster's document. */
  readonly changes: readonly Change[];
  readonly created: number;
  readonly changed: number;
  readonly removed: number;
  /** The very file has been imported and nothing was written since. */
  readonly done: boolean;
}

/** A store that is not there yet. */
export const emptyTarget = (url: string): ImportTarget => ({
  url,
  position: 0,
  cluster: undefined,
  documents: [],
  present: [],
});

/** Throws `conflict` with the first reason that forbids it, and the flag that allows it where there is one. */
export function planImport(file: ExportFile, target: ImportTarget, options: ImportOptions): ImportPlan {
  refuseStrangers(file, target, options);
  const changes = changesTo(target.documents, file);
  const done = isDone(file, target, changes);
  if (!done) {
    refuseFull(file, target, options);
    refuseOlder(file, target, options);
  }
  const puts = changes.filter((change) => change.do === "put");
  const created = puts.filter(({ version }) => version === "absent").length;
  return {
    cluster: done && target.cluster ? target.cluster.value : clusterAfter(file, target, options),
    clusterVersion: target.cluster?.version ?? "absent",
    changes,
    created,
    changed: puts.length - created,
    removed: changes.length - puts.length,
    done,
  };
}

function refuseStrangers({ cluster }: ExportFile, target: ImportTarget, { replace }: ImportOptions): void {
  const there = target.cluster?.value;
  if (there !== undefined && there.id !== cluster.id) {
    const details = { found: there.id, file: cluster.id };
    if (there.importing === undefined) {
      throw new OrchestraError("conflict", `${target.url} holds the cluster ${there.id}, and the file ${cluster.id}`, {
        hint: "import into a store that is empty: give another path with --store",
        details,
      });
    }
    // Half an import opens for nobody, so it may go when that is asked for.
    if (!replace) {
      const halves = `half an import of the cluster ${there.id}, and the file the cluster ${cluster.id}`;
      throw new OrchestraError("conflict", `${target.url} holds ${halves}`, {
        hint: "repeat the import that was begun, with its own file: it goes on where it stopped; or give --replace to put this file in its place",
        details,
      });
    }
  }
  if (target.present.length > 0) {
    const nodes = target.present.map(nameOf);
    throw new OrchestraError("conflict", `orchestra runs on ${target.url}: ${nodes.join(", ")}`, {
      hint: "end it there first with orchestra down",
      details: { nodes },
    });
  }
}

function refuseFull({ sha256 }: ExportFile, { url, cluster, documents }: ImportTarget, options: ImportOptions): void {
  // Revisions may be left over from a commit that failed: a store may write them first.
  const foreign = documents.filter(({ key }) => collectionOf(key) !== "revisions");
  if (foreign.length === 0 && !cluster) return;
  if (cluster?.value.importing === sha256 || (cluster && options.replace)) return;
  if (!cluster) {
    throw new OrchestraError("conflict", `${url} holds ${foreign.length} documents that belong to no cluster`, {
      hint: "import into a store that is empty: give another path with --store",
    });
  }
  const what =
    cluster.value.importing === undefined ? "this cluster" : "half an import of another file of this cluster";
  throw new OrchestraError("conflict", `${url} holds ${what} already`, {
    hint: "give --replace to put what the file holds in its place",
  });
}

/** An export that was made before the last change would undo it, and workers would stop what has been started since. */
function refuseOlder(file: ExportFile, target: ImportTarget, { acceptRollback, known }: ImportOptions): void {
  if (acceptRollback) return;
  const exported = { cluster: file.cluster, position: file.header.position, written: writtenIn(file) };
  const isLater = (seen: KnownStore) => whyStrange(exported, seen) !== undefined;
  const there = target.cluster?.value;
  // Half an import tells nothing: what it replaces was compared when it began.
  const isThereLater =
    there !== undefined &&
    there.importing === undefined &&
    isLater({ incarnation: there.incarnation, position: target.position });
  const who = known.some(isLater) ? "this machine has seen" : isThereLater ? `${target.url} holds` : undefined;
  if (who === undefined) return;
  const { exportedAt } = file.header;
  throw new OrchestraError("conflict", `${who} a later state of the cluster than the file's, of ${exportedAt}`, {
    hint: "to move it, end orchestra first and export again; to go back to that state, give --accept-rollback",
  });
}

/** How often its placements had been written, as machines remember it of a store. */
function writtenIn({ documents }: ExportFile): number {
  const placements = documents.filter(({ key }) => collectionOf(key) === "placements");
  return placements.reduce((sum, { value }) => sum + ((value as Partial<PlacementsDocument>).count ?? 0), 0);
}

function changesTo(there: readonly Document[], { documents }: ExportFile): Change[] {
  const before = new Map(there.map((document) => [document.key as string, document]));
  const puts = documents.flatMap(({ key, value }): Change[] => {
    const found = before.get(key);
    before.delete(key);
    if (found && JSON.stringify(found.value) === JSON.stringify(value)) return [];
    return [put(key as Key<unknown>, value, found?.version ?? "absent")];
  });
  return [...puts, ...[...before.values()].map(({ key, version }) => remove(key, version))];
}

function isDone({ sha256 }: ExportFile, { cluster }: ImportTarget, changes: readonly Change[]): boolean {
  return changes.length === 0 && cluster?.value.importing === undefined && cluster?.value.imported === sha256;
}

/** Above every incarnation that anybody may have seen: who follows it follows a deliberate act. */
function clusterAfter(
  { header, cluster, sha256 }: ExportFile,
  target: ImportTarget,
  { known, acceptRollback }: ImportOptions,
): ClusterDocument {
  const { continues: _before, ...own } = cluster;
  const seen = [cluster.incarnation, target.cluster?.value.incarnation ?? 0, ...known.map((one) => one.incarnation)];
  const continues = { incarnation: cluster.incarnation, position: header.position };
  // Without it also who has seen more follows: that is what was asked for.
  const bound = acceptRollback ? {} : { continues };
  return { ...own, incarnation: Math.max(...seen) + 1, ...bound, imported: sha256 };
}
