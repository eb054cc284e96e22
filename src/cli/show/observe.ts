// What listing commands look at: the documents at one position, who is present, and what time it is.
// Reads the store, and which processes of syncs run here; works while nothing runs.

import { type ClusterState, clusterState, stateCollections } from "../../model/cluster-state.ts";
import { verdictsKey } from "../../model/keys.ts";
import type { Failure } from "../../model/pod.ts";
import { presentNodes } from "../../model/presence.ts";
import type { SyncDocument } from "../../model/sync.ts";
import type { Selector, Snapshot, Store } from "../../store/store.ts";
import { runs } from "../sync/sync-process.ts";

export interface Observation {
  readonly state: ClusterState;
  /** Nodes whose worker is alive now. A verdict cannot tell: without a master nobody renews it. */
  readonly present: ReadonlySet<string>;
  readonly nowMs: number;
  /** What keeps folders and branches applied, or did. */
  readonly syncs: readonly SyncDocument[];
  /** Sources of those whose process is gone from this machine without having said so. */
  readonly killedSyncs: ReadonlySet<string>;
}

/** What a view or a list must hold to make an Observation. Of ranges only the damage is told. */
export const observedSelectors: readonly Selector[] = [...stateCollections, verdictsKey, "presence", "ranges", "syncs"];

export async function observe(store: Store): Promise<Observation> {
  return observation(await store.list(observedSelectors), Date.now());
}

export function observation(snapshot: Snapshot, nowMs: number): Observation {
  const state = clusterState({
    list: (collection) => snapshot.list(collection),
    verdicts: () => snapshot.get(verdictsKey)?.value,
    damaged: snapshot.damaged,
  });
  const syncs = snapshot.list("syncs").map(({ value }) => value);
  const killed = syncs.filter(({ lead }) => lead.ended === undefined && runs(lead) === false);
  const killedSyncs = new Set(killed.map(({ source }) => source));
  return { state, present: presentNodes(snapshot), nowMs, syncs, killedSyncs };
}

/** The last failures of all nodes; apart from the rest, because they are long and only a few commands show them. */
export async function readFailures(store: Store): Promise<Failure[]> {
  return (await store.list(["failures"])).list("failures").flatMap(({ value }) => value.failures);
}
