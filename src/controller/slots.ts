// One slot: which of its pods is the one to keep, which is its predecessor, and which have no business there any more.
import type { StopReason } from "../model/pod.ts";
import { hasFailed, isReady, isStale, type PodFacts } from "./facts.ts";

export interface Slot {
  readonly slot: number;
  /** The pod of the wanted kind. */
  readonly keeper?: PodFacts;
  /** A pod of an older kind that stays until the keeper is ready. */
  readonly predecessor?: PodFacts;
  /** Pods that stop now, whatever the rollout's limits say: nothing is lost with them. */
  readonly stops: readonly { readonly pod: PodFacts; readonly reason: StopReason }[];
  /** Pods on lost nodes, or under lost engines: they count for nothing, and stay until the keeper is ready. */
  readonly lost: readonly PodFacts[];
  /** A superseded successor is still stopping: the slot gets no other one before it has gone. */
  readonly waits: boolean;
}

/**
 * Sorts the pods of one slot. `frozen`: a failed rollout stays as it is, so a predecessor stays even beside a ready successor.
 * A pod that runs and is of the wanted kind is kept, however old: so a way back to an earlier revision costs nothing.
 */
export function sortSlot(slot: number, pods: readonly PodFacts[], revision: string, frozen: boolean): Slot {
  const wanted = pods.filter(({ record }) => !record.stop);
  const running = wanted.filter((pod) => !pod.lost);
  const [keeper, ...twins] = running.filter((pod) => !isStale(pod, revision)).sort(byWorth);
  const stale = running.filter((pod) => isStale(pod, revision)).sort(byWorth);
  // In a failed rollout what is not ready may be the successor of a lost predecessor.
  const staysAsItIs = frozen && !(keeper && isReady(keeper));
  const hopeless = staysAsItIs ? [] : stale.filter((pod) => !pod.record.wasReady || hasFailed(pod));
  const [predecessor, ...others] = stale.filter((pod) => !hopeless.includes(pod));
  const replaced = keeper !== undefined && isReady(keeper) && !frozen;
  const done = replaced && predecessor ? [predecessor, ...others] : others;
  return {
    slot,
    ...(keeper ? { keeper } : {}),
    ...(predecessor && !replaced ? { predecessor } : {}),
    stops: [
      ...twins.map((pod) => ({ pod, reason: "superseded" }) as const),
      ...hopeless.map(
        (pod) => ({ pod, reason: pod.record.wasReady ? staleReason(pod, revision) : "superseded" }) as const,
      ),
      ...done.map((pod) => ({ pod, reason: staleReason(pod, revision) })),
    ],
    lost: wanted.filter((pod) => pod.lost),
    waits:
      pods.some(({ record, live, lost }) => record.stop?.reason === "superseded" && live && !lost) ||
      running.some((pod) => willWait(pod, hopeless)),
  };
}

/** In a failed rollout: the revision that served in this slot on a lost node, and that nothing serves there since. */
export function lostRevision({ keeper, predecessor, lost }: Slot, wanted: string): string | undefined {
  if (predecessor || (keeper && isReady(keeper))) return undefined;
  return lost.findLast(({ record }) => record.wasReady && record.revision !== wanted)?.record.revision;
}

/** Why a pod of an older kind stops. */
export function staleReason({ record, drained }: PodFacts, revision: string): StopReason {
  if (record.revision !== revision) return "rollout";
  return drained ? "drain" : "misplaced";
}

/** A hopeless pod that has a node stops first. One that has none is gone at once. */
function willWait(pod: PodFacts, hopeless: readonly PodFacts[]): boolean {
  return hopeless.includes(pod) && pod.live && !pod.record.wasReady;
}

/** The most worth keeping first: ready, then not given up on, then one that was ready, then placed; of equals the oldest, which has come furthest. */
function byWorth(a: PodFacts, b: PodFacts): number {
  return worth(b) - worth(a) || a.record.serial - b.record.serial;
}

function worth(pod: PodFacts): number {
  if (isReady(pod)) return 8;
  return (hasFailed(pod) ? 0 : 4) + (pod.record.wasReady ? 2 : 0) + (pod.node === undefined ? 0 : 1);
}
