// How many pods of each Deployment are ready while a model of the cluster changes, and what takes the last one away. Holds state, but reads and writes
// nothing outside itself. Counted as things happen: a look at all pods after each step would cost as much as the step.
import type { StopFirst } from "../master/decision.ts";
import type { StopReason } from "../model/pod.ts";

/** Pods that were ready and are told to stop at one moment. */
export interface Fall {
  /** Sorted. */
  readonly slots: readonly number[];
  readonly reason: StopReason;
  /** They had to make way for their successors, which need this. */
  readonly holds?: StopFirst["holds"];
}

/** The ready pods of one Deployment, from now to the end. */
export interface ReadyPods {
  readonly now: number;
  readonly least: number;
  readonly after: number;
  /** What left none, where there were some at first. */
  readonly fall?: Fall;
}

type Counting = { -readonly [Field in keyof ReadyPods]: ReadyPods[Field] };

/** A ready pod that is told to stop. */
export interface ReadyStop {
  readonly slot: number;
  readonly reason: StopReason;
  readonly holds: StopFirst["holds"] | undefined;
}

export interface ReadyCount {
  /** One more is ready. */
  rise(deployment: string): void;
  /** All that are told to stop at one moment. */
  fall(deployment: string, stops: readonly ReadyStop[]): void;
  of(deployment: string): ReadyPods;
}

/** `first`: how many are ready now, by Deployment. */
export function openReadyCount(first: ReadonlyMap<string, number>): ReadyCount {
  const counts = new Map<string, Counting>();
  const countOf = (deployment: string) => {
    const known = counts.get(deployment);
    if (known) return known;
    const now = first.get(deployment) ?? 0;
    const count: Counting = { now, least: now, after: now };
    counts.set(deployment, count);
    return count;
  };
  return {
    rise(deployment) {
      countOf(deployment).after += 1;
    },
    fall(deployment, stops) {
      const count = countOf(deployment);
      count.after -= stops.length;
      count.least = Math.min(count.least, count.after);
      if (count.now > 0 && count.after === 0 && stops.length > 0) count.fall ??= fallOf(stops);
    },
    of: countOf,
  };
}

/** One reason speaks for all: that a place has to be made free is told before that the strategy allows it. */
function fallOf(stops: readonly ReadyStop[]): Fall {
  const sorted = [...stops].sort((a, b) => a.slot - b.slot);
  const [first] = sorted.filter(({ holds }) => holds !== undefined).concat(sorted);
  const { reason, holds } = first as ReadyStop;
  return { slots: sorted.map(({ slot }) => slot), reason, ...(holds === undefined ? {} : { holds }) };
}
