// Waits until a drained node has no pods, or until it is clear that it will have some for long. Follows a view of the store.

import type { Clock } from "../clock.ts";
import { type ClusterState, clusterState, stateCollections } from "../model/cluster-state.ts";
import { type JoinedPod, joinPods } from "../model/joined-pod.ts";
import { verdictsKey } from "../model/keys.ts";
import { presentNodes } from "../model/presence.ts";
import type { Snapshot, Store } from "../store/store.ts";
import { stuckReason } from "./show/stuck.ts";

export interface Drained {
  /** `stopping`: the node is away, and what is left there is stopped when it is back. `stuck`: nothing that is left moves by itself. */
  readonly end: "empty" | "stopping" | "uncordoned" | "stuck" | "timeout";
  /** Pods that are still there, by name. */
  readonly left: readonly string[];
  /** Those of them that do not move by themselves, each with its reason. */
  readonly stuck: readonly (readonly [JoinedPod, string])[];
}

export interface DrainOptions {
  readonly node: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Called whenever other pods are left. */
  readonly onLeft: (names: readonly string[]) => void;
}

export async function waitDrained(store: Store, { node, clock, timeoutMs, onLeft }: DrainOptions): Promise<Drained> {
  const view = await store.view([...stateCollections, verdictsKey, "presence"]);
  const { promise, resolve } = Promise.withResolvers<Drained>();
  let told = "";
  const look = () => {
    const { end, left, stuck } = judge(view.snapshot(), node);
    if (left.join() !== told) onLeft(left);
    told = left.join();
    if (end) resolve({ end, left, stuck });
  };
  const cancel = clock.after(timeoutMs, () => resolve({ ...judge(view.snapshot(), node), end: "timeout" }));
  const unsubscribe = view.onChange(look);
  // The clock's timers keep no process alive, and a view need not either.
  const alive = setInterval(() => {}, 60_000);
  try {
    look();
    return await promise;
  } finally {
    clearInterval(alive);
    unsubscribe();
    cancel();
    view.close();
  }
}

function judge(snapshot: Snapshot, node: string): Omit<Drained, "end"> & { readonly end: Drained["end"] | undefined } {
  const state: ClusterState = clusterState({
    list: (collection) => snapshot.list(collection),
    verdicts: () => snapshot.get(verdictsKey)?.value,
  });
  const pods = joinPods(state).filter((pod) => pod.node === node);
  const left = [...new Set(pods.map(({ name }) => name))];
  const stuck = stuckOn(state, node);
  const isThere = presentNodes(snapshot).has(node);
  const end = endOf(state, node, pods, isThere);
  return { end: end ?? (stuck.length === pods.length ? "stuck" : undefined), left, stuck };
}

/** What does not leave the node until somebody does something, each with the reason. */
export function stuckOn(state: ClusterState, node: string): [JoinedPod, string][] {
  return joinPods(state).flatMap((pod): [JoinedPod, string][] => {
    const reason = pod.node === node ? stuckReason(state, pod) : undefined;
    return reason === undefined ? [] : [[pod, reason]];
  });
}

function endOf(
  { controls }: ClusterState,
  node: string,
  pods: readonly JoinedPod[],
  isThere: boolean,
): Drained["end"] | undefined {
  if (!controls.get(node)?.drained) return "uncordoned";
  if (pods.length === 0) return "empty";
  return !isThere && pods.every(({ pod }) => pod.stop) ? "stopping" : undefined;
}
