// The one loop that master, worker and dns share: never two passes at once, woken without data, patient with what fails.
// Laws 2 and 3 of docs/architecture.md live here, so that no room has to repeat them.
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { isOrchestraError, messageOf } from "./model/errors.ts";

/** While busy, wake-ups are gathered until none came for this long … */
const gatherMs = 20;
/** … but never for longer than this. */
const gatherCapMs = 250;
/** A failing pass is tried again after 100 ms, doubling up to this. A wake-up shortens it to `gatherCapMs`: it may tell that the store is back, and may as well be our own half-done work. */
const backoffFirstMs = 100;
const backoffMaxMs = 5_000;
/** An outage is over when nothing has failed for so long: what shuts down or starts up answers now and then, and is spoken of once. */
const calmMs = 2_000;

export interface PassResult {
  /** Look again after so long even if nothing wakes the loop: a deadline or back-off that the pass knows of. */
  readonly againInMs?: number;
}

export interface LoopOptions {
  readonly name: string;
  /** Looks, decides, acts. Must end soon after `signal` fires. */
  readonly pass: (signal: AbortSignal) => Promise<PassResult>;
  readonly clock: Clock;
  readonly log: Log;
  /** A pass at least this often, whatever was missed. */
  readonly resyncMs: number;
}

export interface Loop {
  wake(): void;
  /** Ends after the pass under way. */
  close(): Promise<void>;
}

/** Starts with a pass at once. An error of a pass never ends the loop: it is logged once, and once more when it is over. */
export function startLoop({ name, pass, clock, log, resyncMs }: LoopOptions): Loop {
  const stop = new AbortController();
  let failures = 0;
  let conflicts = 0;
  let outage: { failures: number; lastAt: number } | undefined;
  let running: Promise<void> | undefined;
  let woken = false;
  let gatheringSince: number | undefined;
  let nextAt = 0;
  let cancelTimer = () => {};

  const schedule = (ms: number) => {
    nextAt = clock.now() + ms;
    cancelTimer();
    cancelTimer = clock.after(ms, run);
  };

  const gather = () => {
    gatheringSince ??= clock.now();
    const left = gatheringSince + gatherCapMs - clock.now();
    schedule(Math.max(0, Math.min(gatherMs, left)));
  };

  const run = () => {
    if (running || stop.signal.aborted) return;
    cancelTimer();
    woken = false;
    gatheringSince = undefined;
    running = runPass().then((next) => {
      // In one go: a wake-up between the end of a pass and this would be lost otherwise.
      running = undefined;
      if (stop.signal.aborted) return;
      if (!woken) schedule(next);
      else if (failures === 0) gather();
      else schedule(Math.min(next, gatherCapMs));
    });
  };

  /** Gives the milliseconds until the next pass. */
  const runPass = async (): Promise<number> => {
    try {
      const result = await pass(stop.signal);
      failures = 0;
      conflicts = 0;
      return Math.min(resyncMs, result.againInMs ?? resyncMs, calmInMs());
    } catch (error) {
      return stop.signal.aborted ? 0 : onError(error);
    }
  };

  /** How long until the outage counts as over, if there is one; says so when it is. */
  const calmInMs = (): number => {
    if (!outage) return Number.POSITIVE_INFINITY;
    const leftMs = outage.lastAt + calmMs - clock.now();
    if (leftMs > 0) return leftMs;
    log.info(`${name} goes on`, { afterFailures: outage.failures });
    outage = undefined;
    return Number.POSITIVE_INFINITY;
  };

  const onError = (error: unknown): number => {
    // Someone knew better: an ordinary result. The next look sees what they wrote.
    if (isOrchestraError(error, "conflict")) {
      conflicts += 1;
      log.debug(`${name} met a conflict and looks again`, { error: messageOf(error) });
      return Math.min(gatherMs * 2 ** (conflicts - 1), gatherCapMs);
    }
    failures += 1;
    const hint = isOrchestraError(error) ? error.hint : undefined;
    const fields = { error: messageOf(error), ...(hint === undefined ? {} : { hint }) };
    if (outage) log.debug(`${name} still cannot go on`, fields);
    else log.warn(`${name} cannot go on now and tries again`, fields);
    outage = { failures: (outage?.failures ?? 0) + 1, lastAt: clock.now() };
    return Math.min(backoffFirstMs * 2 ** (failures - 1), backoffMaxMs);
  };

  run();
  return {
    wake() {
      if (stop.signal.aborted) return;
      if (running) woken = true;
      else if (gatheringSince !== undefined) gather();
      else if (failures > 0) schedule(Math.min(gatherCapMs, Math.max(0, nextAt - clock.now())));
      else run();
    },
    async close() {
      stop.abort(new Error(`${name} is closing`));
      cancelTimer();
      await running;
    },
  };
}
