// What a sync counts of its own work, for whoever watches over it. Pure: times come from the caller.
import type { SyncDocument } from "../model/sync.ts";

export interface Reading {
  readonly source: string;
  readonly leads: boolean;
  readonly passes: number;
  /** Of these, those that ended with an error: the store did not answer, say. */
  readonly failures: number;
  /** Whether the last one did. */
  readonly fails: boolean;
  readonly passMs: number;
  /** When the last pass ended, by the monotonic clock; undefined: none has. */
  readonly lastAt?: number;
  /** Deployments written and pruned since the process began. */
  readonly applied: number;
  readonly pruned: number;
  /** What the sync tells of itself, once it leads. */
  readonly document?: SyncDocument;
}

export class Meter {
  #reading: Reading;

  constructor(source: string) {
    this.#reading = { source, leads: false, passes: 0, failures: 0, fails: false, passMs: 0, applied: 0, pruned: 0 };
  }

  get reading(): Reading {
    return this.#reading;
  }

  leads(leads: boolean): void {
    this.#reading = { ...this.#reading, leads };
  }

  passed(took: { readonly ms: number; readonly at: number; readonly fails: boolean }): void {
    const { passes, failures, passMs } = this.#reading;
    this.#reading = {
      ...this.#reading,
      passes: passes + 1,
      failures: failures + (took.fails ? 1 : 0),
      fails: took.fails,
      passMs: passMs + took.ms,
      lastAt: took.at,
    };
  }

  /** A pass has failed and said so itself. */
  failed(): void {
    this.#reading = { ...this.#reading, failures: this.#reading.failures + 1 };
  }

  wrote(what: "applied" | "pruned", count: number): void {
    this.#reading = { ...this.#reading, [what]: this.#reading[what] + count };
  }

  told(document: SyncDocument): void {
    this.#reading = { ...this.#reading, document };
  }
}
