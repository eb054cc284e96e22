// Waiting for a condition, with a limit, or watching that one holds: a test never sleeps for a fixed time.
import { setTimeout as delay } from "node:timers/promises";

/** How long anything may take that a machine under load does in the end. */
const limitMs = 10_000;

/** Resolves with the first truthy result of `look`; rejects after the limit, naming `what` it waited for. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  limit = limitMs,
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const end = performance.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<T, undefined | null | false | 0 | "">;
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`);
    await delay(5);
  }
}

/** Looks again and again for so long; `look` throws what must not be. At least twice: at the beginning and at the end. */
export async function throughout(lastsMs: number, look: () => unknown): Promise<void> {
  const end = performance.now() + lastsMs;
  do {
    await look();
    await delay(50);
  } while (performance.now() < end);
  await look();
}

/** Resolves when `signal` has fired. */
export function fired(what: string, signal: AbortSignal): Promise<boolean> {
  return eventually(what, () => signal.aborted);
}
