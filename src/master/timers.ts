// Durations for pure decisions: the loop keeps when it saw each marker first, a decision asks how long ago that was.
import type { Timers } from "../controller/facts.ts";

/** What a decision knows of time. A new leader begins with an empty map and so restarts every timer: none is ever shortened. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** When this leader saw each marker first. */
  readonly firstSeen: ReadonlyMap<string, number>;
  /** The wall clock as ISO 8601, for what people read. */
  readonly wall: string;
  /** A preview shows what comes of it all: what is only done slowly is done at once. */
  readonly preview?: true;
}

export interface OpenTimers extends Timers {
  /** The markers that were asked for: the next moment's `firstSeen`. The others are over. */
  readonly seen: ReadonlyMap<string, number>;
}

/** Timers at this moment. */
export function openTimers({ now, firstSeen, wall }: Moment): OpenTimers {
  const seen = new Map<string, number>();
  return {
    elapsed(marker) {
      const first = firstSeen.get(marker) ?? now;
      seen.set(marker, first);
      return now - first;
    },
    wall,
    seen,
  };
}
