// Patience with what fails: how long to wait before the next try, and one word when it begins and one when it is over.
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { isOrchestraError, messageOf } from "./model/errors.ts";

/** Tried again after this, doubling up to the second. */
const backoffFirstMs = 100;
const backoffMaxMs = 5_000;
/** A conflict is tried again after this, doubling up to the second. */
const conflictFirstMs = 20;
const conflictMaxMs = 250;
/** An outage is over when nothing has failed for so long: what shuts down or starts up answers now and then, and is spoken of once. */
const calmMs = 10_000;

export interface TroubleOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** For the log. */
  readonly words: {
    readonly begins: string;
    readonly lasts: string;
    readonly ends: string;
    readonly conflict?: string;
  };
}

/** What went wrong of late, how long to be patient with it, and what has been said of it. */
export class Trouble {
  readonly #options: TroubleOptions;
  #failures = 0;
  #conflicts = 0;
  #outage: { failures: number; lastAt: number } | undefined;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  /** Whether a try has failed since one last went through; a conflict is no failure. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Gives in how many milliseconds to look again for the outage's sake: it counts as over then. */
  passed(): number {
    this.#failures = 0;
    this.#conflicts = 0;
    if (!this.#outage) return Number.POSITIVE_INFINITY;
    const { clock, log, words } = this.#options;
    const leftMs = this.#outage.lastAt + calmMs - clock.now();
    if (leftMs > 0) return leftMs;
    log.info(words.ends, { afterFailures: this.#outage.failures });
    this.#outage = undefined;
    return Number.POSITIVE_INFINITY;
  }

  /** Gives the milliseconds until the next try. */
  failed(error: unknown): number {
    const { clock, log, words } = this.#options;
    // Someone knew better: an ordinary result. The next look sees what they wrote.
    if (isOrchestraError(error, "conflict")) {
      this.#conflicts += 1;
      log.debug(words.conflict ?? words.lasts, { error: messageOf(error) });
      return Math.min(conflictFirstMs * 2 ** (this.#conflicts - 1), conflictMaxMs);
    }
    this.#failures += 1;
    const hint = isOrchestraError(error) ? error.hint : undefined;
    const fields = { error: messageOf(error), ...(hint === undefined ? {} : { hint }) };
    if (this.#outage) log.debug(words.lasts, fields);
    else log.warn(words.begins, fields);
    this.#outage = { failures: (this.#outage?.failures ?? 0) + 1, lastAt: clock.now() };
    return Math.min(backoffFirstMs * 2 ** (this.#failures - 1), backoffMaxMs);
  }
}
