// Time as the loops see it. Pure files get numbers; only loops and adapters get a clock, so that tests can turn it.

export interface Clock {
  /** Monotonic milliseconds: for every duration that decides something. A changed wall clock does not move it. */
  now(): number;
  /** Wall-clock time as ISO 8601: for people only. */
  wall(): string;
  /** Calls `run` once after `ms`, or after 24 days where that is longer; the result cancels it. Does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
}

/** What is longer Node takes for no time at all. */
const timerLimitMs = 2 ** 31 - 1;

export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wall: () => new Date().toISOString(),
  after(ms: number, run: () => void) {
    const timer = setTimeout(run, Math.min(ms, timerLimitMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
});

/** Resolves after `ms`, or rejects with the signal's reason as soon as it fires. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Resolves when the signal fires, or has fired. */
export function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
