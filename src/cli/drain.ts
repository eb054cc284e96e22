// Waits until a drained node has no pods, or until it is clear that it will not be soon. Follows a view of the store.
import type { Clock } from "../clock.ts";
import { type ClusterState, clusterState, stateCollections } from "../model/cluster-state.ts";
import { type JoinedPod, joinPods } from "../model/joined-pod.ts";
import { nameOf, verdictsKey } from "../model/keys.ts";
import type { Snapshot, Store } from "../store/store.ts";

export interface Drained {
  /** `stopping`: the node is away, and what is left there is stopped when it is back. */
  readonly end: "empty" | "stopping" | "uncordoned" | "timeout";
  /** Pods that are still there, by name. */
  readonly left: readonly string[];
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
    const { end, left } = judge(view.snapshot(), node);
    if (left.join() !== told) onLeft(left);
    told = left.join();
    if (end) resolve({ end, left });
  };
  const cancel = clock.after(timeoutMs, () => resolve({ end: "timeout", left: judge(view.snapshot(), node).left }));
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

function judge(
  snapshot: Snapshot,
  node: string,
): { readonly end: Drained["end"] | undefined; readonly left: string[] } {
  const state: ClusterState = clusterState({
    list: (collection) => snapshot.list(collection),
    verdicts: () => snapshot.get(verdictsKey)?.value,
  });
  const pods = joinPods(state).filter((pod) => pod.node === node);
  const left = [...new Set(pods.map(({ name }) => name))];
  const isThere = snapshot.list("presence").some(({ key }) => nameOf(key) === node);
  return { end: endOf(state, node, pods, isThere), left };
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
