// What listing commands look at: the documents at one position, who is present, and what time it is.
// Reads the store; works while nothing runs.

import { type ClusterState, clusterState, stateCollections } from "../../model/cluster-state.ts";
import { verdictsKey } from "../../model/keys.ts";
import type { Failure } from "../../model/pod.ts";
import { presentNodes } from "../../model/presence.ts";
import type { SyncDocument } from "../../model/sync.ts";
import type { Selector, Snapshot, Store } from "../../store/store.ts";
import { leaderless } from "../sync/leaders.ts";

export interface Observation {
  readonly state: ClusterState;
  /** Nodes whose worker is alive now. A verdict cannot tell: without a master nobody renews it. */
  readonly present: ReadonlySet<string>;
  readonly nowMs: number;
  /** What keeps folders and branches applied, or did. */
  readonly syncs: readonly SyncDocument[];
  /** Sources of those that nobody follows now although their leader has not said that it ended. */
  readonly leaderlessSyncs: ReadonlySet<string>;
}

/** What a view or a list must hold to make an Observation. Of ranges only the damage is told. */
export const observedSelectors: readonly Selector[] = [...stateCollections, verdictsKey, "presence", "ranges", "syncs"];

export async function observe(store: Store): Promise<Observation> {
  const snapshot = await store.list(observedSelectors);
  return observation(snapshot, Date.now(), await leaderlessIn(store, snapshot));
}

/** Of the syncs that the snapshot holds. */
export function leaderlessIn(store: Store, snapshot: Snapshot): Promise<Observation["leaderlessSyncs"]> {
  return leaderless(
    store,
    snapshot.list("syncs").map(({ value }) => value),
  );
}

/** `leaderlessSyncs`: what the snapshot cannot tell. */
export function observation(
  snapshot: Snapshot,
  nowMs: number,
  leaderlessSyncs: Observation["leaderlessSyncs"] = new Set(),
): Observation {
  const state = clusterState({
    list: (collection) => snapshot.list(collection),
    verdicts: () => snapshot.get(verdictsKey)?.value,
    damaged: snapshot.damaged,
  });
  const syncs = snapshot.list("syncs").map(({ value }) => value);
  return { state, present: presentNodes(snapshot), nowMs, syncs, leaderlessSyncs };
}

/** The last failures of all nodes; apart from the rest, because they are long and only a few commands show them. */
export async function readFailures(store: Store): Promise<Failure[]> {
  return (await store.list(["failures"])).list("failures").flatMap(({ value }) => value.failures);
}
