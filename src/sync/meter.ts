// What a sync knows of its own work, for whoever watches over it. Pure: times come from the caller.
import type { SyncDocument } from "../model/sync.ts";

/**
 * - `starts`: it asks the store who leads
 * - `stands-by`: another sync leads
 * - `leads`: it follows the source
 */
export type Part = "starts" | "stands-by" | "leads";

/** What the store shows of the source just now. */
export interface Shown {
  /** False: the store does not answer. */
  readonly fresh: boolean;
  readonly document?: SyncDocument | undefined;
}

export interface Reading {
  readonly source: string;
  readonly part: Part;
  /** Since when, by the monotonic clock. */
  readonly since: number;
  /** Why it cannot take part, or why the last pass has ended: the store refused, say. */
  readonly trouble?: string | undefined;
  /** Absent: the store has not answered yet. */
  readonly shown?: Shown | undefined;
  readonly passes: number;
  /** Of these, those that failed. */
  readonly failures: number;
  readonly passMs: number;
  /** When the last pass ended, by the monotonic clock; undefined: none has. */
  readonly lastAt?: number;
  /** Deployments written and pruned since the process began. */
  readonly applied: number;
  readonly pruned: number;
}

type Counted = Omit<Reading, "shown">;

export class Meter {
  #reading: Counted;
  #look: (() => Shown) | undefined;

  constructor(source: string) {
    const counts = { passes: 0, failures: 0, passMs: 0, applied: 0, pruned: 0 };
    this.#reading = { source, part: "starts", since: 0, ...counts };
  }

  get reading(): Reading {
    return { ...this.#reading, shown: this.#look?.() };
  }

  /** `look` as long as this holds; without one the store is not looked at. */
  takes(part: Part, since: number, look: (() => Shown) | undefined): void {
    this.#look = look;
    this.#reading = { ...this.#reading, part, since, trouble: undefined };
  }

  troubled(trouble: string): void {
    this.#reading = { ...this.#reading, trouble };
  }

  passed(took: { readonly ms: number; readonly at: number; readonly trouble: string | undefined }): void {
    const { passes, passMs } = this.#reading;
    this.#reading = {
      ...this.#reading,
      passes: passes + 1,
      passMs: passMs + took.ms,
      lastAt: took.at,
      trouble: took.trouble,
    };
  }

  /** Counts one that failed. */
  failed(): void {
    this.#reading = { ...this.#reading, failures: this.#reading.failures + 1 };
  }

  wrote(what: "applied" | "pruned", count: number): void {
    this.#reading = { ...this.#reading, [what]: this.#reading[what] + count };
  }
}
