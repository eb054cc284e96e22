// The one loop that master, worker and dns share: never two passes at once, woken without data, patient with what fails.
// Laws 2 and 3 of docs/architecture.md live here, so that no room has to repeat them.
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { Trouble } from "./trouble.ts";

/** While busy, wake-ups are gathered until none came for this long … */
const gatherMs = 20;
/** … but never for longer than this. */
const gatherCapMs = 250;

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
    const { name, clock, log } = options;
    const words = {
      begins: `${name} cannot go on now and tries again`,
      lasts: `${name} still cannot go on`,
      ends: `${name} goes on`,
      conflict: `${name} met a conflict and looks again`,
    };
    this.#trouble = new Trouble({ clock, log, words });
  }

  wake(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#running) this.#woken = true;
    else if (this.#gatheringSince !== undefined) this.#gather();
    // It may tell that the store is back, and may as well be our own half-done work.
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
