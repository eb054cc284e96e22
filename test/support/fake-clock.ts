// A clock that a test turns: nothing happens until it does.
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../src/clock.ts";

export interface FakeClock extends Clock {
  /** Lets `ms` pass: runs every timer that falls due, in order, each with what follows from it. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  waiting(): number;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Starts at 0, and at `wall` for people. */
export function fakeClock(wall = "2026-01-02T03:04:05.000Z"): FakeClock {
  const started = Date.parse(wall);
  const timers = new Set<Timer>();
  let now = 0;
  const next = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    wall: () => new Date(started + now).toISOString(),
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let timer = next(until); timer; timer = next(until)) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.run();
        await settle();
      }
      now = until;
    },
    waiting: () => timers.size,
  };
}

/** Lets promises that can go on without time go on. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await turn();
}
