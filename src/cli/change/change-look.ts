// What the store holds, what a change would make of it, and what that does to the pods: one look, the same for diff and apply.
import { knownState } from "../../apply/commit.ts";
import { followSelectors, observationOf } from "../../apply/follow.ts";
import { type Forecasts, forecast, noForecasts } from "../../apply/forecast.ts";
import { changesAnything, type KnownState, type Plan } from "../../apply/plan.ts";
import type { ClusterDocument } from "../../model/cluster.ts";
import { type ClusterState, clusterState } from "../../model/cluster-state.ts";
import { clusterKey } from "../../model/keys.ts";
import type { Selector, Snapshot, Store } from "../../store/store.ts";

export interface Look {
  readonly plan: Plan;
  readonly forecasts: Forecasts;
  /** Whether a worker is alive on this store. */
  readonly running: boolean;
  /** Absent where there is no store yet. */
  readonly snapshot?: Snapshot;
  /** Absent where the first write is to make it. */
  readonly cluster?: ClusterDocument;
}

/** What a look reads. */
export const lookSelectors: readonly Selector[] = [...followSelectors, clusterKey];

/** Reads everything once. No store: there is nothing yet. */
export async function lookAt(store: Store | undefined, plan: (state: KnownState) => Plan): Promise<Look> {
  return lookInto(await store?.list(lookSelectors), plan);
}

/** The same of what was read already: a snapshot of `lookSelectors`. */
export function lookInto(snapshot: Snapshot | undefined, plan: (state: KnownState) => Plan): Look {
  if (!snapshot) {
    const planned = plan({ deployments: new Map(), revisions: new Map() });
    return { plan: planned, forecasts: forecastOf(emptyState(), planned, false), running: false };
  }
  const running = snapshot.list("presence").length > 0;
  const cluster = snapshot.get(clusterKey)?.value;
  const looked = { running, snapshot, ...(cluster ? { cluster } : {}) };
  const planned = plan(knownState(snapshot));
  // Most applies of a large folder change little or nothing: then the state need not even be put together.
  if (!changesAnything(planned)) return { plan: planned, forecasts: noForecasts, ...looked };
  const { state } = observationOf(snapshot);
  return { plan: planned, forecasts: forecastOf(state, planned, running), ...looked };
}

function forecastOf(state: ClusterState, plan: Plan, running: boolean): Forecasts {
  return forecast(state, plan, { wall: new Date().toISOString(), running });
}

function emptyState(): ClusterState {
  return clusterState({ list: () => [], verdicts: () => undefined });
}
