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
const calmMs = 10_000;

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
export function startLoop(options: LoopOptions): Loop {
  const loop = new PassLoop(options);
  loop.wake();
  return loop;
}

/** When the next pass comes. */
class PassLoop implements Loop {
  readonly #options: LoopOptions;
  readonly #trouble: Trouble;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** While a pass was running. */
  #woken = false;
  #gatheringSince: number | undefined;
  #nextAt = 0;
  #cancelTimer = () => {};

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options);
  }

  wake(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#running) this.#woken = true;
    else if (this.#gatheringSince !== undefined) this.#gather();
    else if (this.#trouble.isFailing) this.#schedule(Math.min(gatherCapMs, Math.max(0, this.#nextAt - this.#now())));
    else this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error(`${this.#options.name} is closing`));
    this.#cancelTimer();
    await this.#running;
  }

  #run(): void {
    if (this.#running || this.#stop.signal.aborted) return;
    this.#cancelTimer();
    this.#woken = false;
    this.#gatheringSince = undefined;
    this.#running = this.#runPass().then((nextMs) => {
      // In one go: a wake-up between the end of a pass and this would be lost otherwise.
      this.#running = undefined;
      if (this.#stop.signal.aborted) return;
      if (!this.#woken) this.#schedule(nextMs);
      else if (this.#trouble.isFailing) this.#schedule(Math.min(nextMs, gatherCapMs));
      else this.#gather();
    });
  }

  /** Gives the milliseconds until the next pass. */
  async #runPass(): Promise<number> {
    const { pass, resyncMs } = this.#options;
    try {
      const { againInMs = resyncMs } = await pass(this.#stop.signal);
      return Math.min(resyncMs, againInMs, this.#trouble.passed());
    } catch (error) {
      return this.#stop.signal.aborted ? 0 : this.#trouble.failed(error);
    }
  }

  #gather(): void {
    this.#gatheringSince ??= this.#now();
    const leftMs = this.#gatheringSince + gatherCapMs - this.#now();
    this.#schedule(Math.max(0, Math.min(gatherMs, leftMs)));
  }

  #schedule(ms: number): void {
    this.#nextAt = this.#now() + ms;
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(ms, () => this.#run());
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

/** What went wrong of late, how long to be patient with it, and what has been said of it. */
class Trouble {
  readonly #options: LoopOptions;
  #failures = 0;
  #conflicts = 0;
  #outage: { failures: number; lastAt: number } | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Whether a pass has failed since one last went through; a conflict is no failure. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Gives in how many milliseconds to look again for the outage's sake: it counts as over then. */
  passed(): number {
    this.#failures = 0;
    this.#conflicts = 0;
    if (!this.#outage) return Number.POSITIVE_INFINITY;
    const { name, clock, log } = this.#options;
    const leftMs = this.#outage.lastAt + calmMs - clock.now();
    if (leftMs > 0) return leftMs;
    log.info(`${name} goes on`, { afterFailures: this.#outage.failures });
    this.#outage = undefined;
    return Number.POSITIVE_INFINITY;
  }

  /** Gives the milliseconds until the next try. */
  failed(error: unknown): number {
    const { name, clock, log } = this.#options;
    // Someone knew better: an ordinary result. The next look sees what they wrote.
    if (isOrchestraError(error, "conflict")) {
      this.#conflicts += 1;
      log.debug(`${name} met a conflict and looks again`, { error: messageOf(error) });
      return Math.min(gatherMs * 2 ** (this.#conflicts - 1), gatherCapMs);
    }
    this.#failures += 1;
    const hint = isOrchestraError(error) ? error.hint : undefined;
    const fields = { error: messageOf(error), ...(hint === undefined ? {} : { hint }) };
    if (this.#outage) log.debug(`${name} still cannot go on`, fields);
    else log.warn(`${name} cannot go on now and tries again`, fields);
    this.#outage = { failures: (this.#outage?.failures ?? 0) + 1, lastAt: clock.now() };
    return Math.min(backoffFirstMs * 2 ** (this.#failures - 1), backoffMaxMs);
  }
}
