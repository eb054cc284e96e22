// Keeps the table's picture of the engine true: lists at the start, after every gap and once a while, follows events in between.
// With every new beginning of the engine, and when in doubt, it also has the node prepared.
import type { Clock } from "../clock.ts";
import { isOrchestraError } from "../model/errors.ts";
import type { PodView } from "./decide.ts";
import type { NodeSetup } from "./node-setup.ts";
import { type Runtime, type RuntimeEvent, unansweredMs } from "./runtime.ts";
import type { PodTable } from "./table.ts";

export interface PictureOptions {
  readonly runtime: Runtime;
  readonly table: PodTable;
  readonly setup: NodeSetup;
  readonly clock: Clock;
  readonly wake: () => void;
}

export interface Picture {
  /** Lists if something may have been missed, or `afterMs` have passed; returns when it is due again. Throws `unavailable` while the engine is silent. */
  refresh(afterMs: number, signal: AbortSignal): Promise<number>;
  /** Follows the engine's events until the signal. */
  watch(signal: AbortSignal): Promise<void>;
  /** A call was not answered. */
  onSilence(): void;
  /** One call was not answered in time: listing tells whether any is. */
  onSlow(): void;
  /** The node's network may be gone, or no longer its own: it is seen to again. */
  onDoubt(): void;
}

/** Looks at once: they are quick reads. */
const looksAtATime = 8;

export function openPicture(options: PictureOptions): Picture {
  return new EnginePicture(options);
}

class EnginePicture implements Picture {
  readonly #options: PictureOptions;
  #isDue = true;
  /** The engine was silent (or we were): what has ended since ended with it. */
  #wasSilent = true;
  #isDoubted = false;
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  async refresh(afterMs: number, signal: AbortSignal): Promise<number> {
    const { clock } = this.#options;
    if (this.#isDue || clock.now() - this.#listedAt >= afterMs) {
      try {
        await this.#list(signal);
      } catch (error) {
        this.onSilence();
        throw error;
      }
    }
    return this.#listedAt + afterMs;
  }

  async watch(signal: AbortSignal): Promise<void> {
    const { runtime, wake } = this.#options;
    await runtime.watch((event) => {
      this.#heard(event);
      wake();
    }, signal);
  }

  onSilence(): void {
    const { table, clock } = this.#options;
    if (!this.#wasSilent) table.silent(clock.now());
    this.#wasSilent = true;
    this.#isDue = true;
  }

  onSlow(): void {
    this.#isDue = true;
  }

  onDoubt(): void {
    this.#isDoubted = true;
    this.#isDue = true;
  }

  #heard(event: RuntimeEvent): void {
    const { table, clock } = this.#options;
    if (event.kind === "lost") this.onSilence();
    else if (event.kind === "network-gone") this.onDoubt();
    else if (event.kind === "gap" || table.event(event, clock.now())) this.#isDue = true;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { runtime, table, setup, clock } = this.#options;
    const afterSilence = this.#wasSilent;
    const isDoubted = this.#isDoubted;
    // What comes from now on is not seen to by this listing.
    this.#isDue = false;
    this.#isDoubted = false;
    if (afterSilence || isDoubted) await setup.prepare(this.#listedAt === Number.NEGATIVE_INFINITY, signal);
    const asOf = table.asOf;
    const containers = await runtime.list(signal);
    table.listed(containers, asOf, afterSilence, clock.now());
    await this.#lookAtStale(signal);
    // A silence that began meanwhile is still to be looked at.
    if (!this.#isDue) this.#answers();
    this.#listedAt = clock.now();
  }

  #answers(): void {
    const { table, clock } = this.#options;
    if (this.#wasSilent) table.heard(clock.now());
    this.#wasSilent = false;
  }

  async #lookAtStale(signal: AbortSignal): Promise<void> {
    const stale = this.#options.table.views().filter((view) => view.stale && view.container && !view.busy);
    const next = async () => {
      for (let view = stale.pop(); view; view = stale.pop()) await this.#look(view, signal);
    };
    await Promise.all(Array.from({ length: looksAtATime }, next));
  }

  async #look({ id, container }: PodView, signal: AbortSignal): Promise<void> {
    const { runtime, table, clock } = this.#options;
    const asOf = table.asOf;
    try {
      table.looked(id, await runtime.inspect(container?.id ?? "", signal), asOf, clock.now());
    } catch (error) {
      // One container that is not told of stays to be looked at: that is no silence of the engine.
      if (unansweredMs(error) !== undefined) return;
      if (!isOrchestraError(error, "not-found")) throw error;
      table.gone(id, clock.now());
    }
  }
}
