// Keeps the table's picture of the engine true: lists at the start, after every gap and once a while, follows events in between.
// With every new beginning of the engine, and when in doubt, it also has the node prepared. Nobody waits long for an engine that is silent.
import type { Clock } from "../clock.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import type { EngineSilence } from "../model/pod.ts";
import type { Trouble } from "../trouble.ts";
import type { PodView } from "./decide.ts";
import type { NodeSetup } from "./node-setup.ts";
import { type Runtime, type RuntimeEvent, unansweredMs } from "./runtime.ts";
import type { PodTable } from "./table.ts";

export interface PictureOptions {
  readonly runtime: Runtime;
  readonly table: PodTable;
  readonly setup: NodeSetup;
  readonly clock: Clock;
  /** How patient to be with an engine that is silent. */
  readonly trouble: Trouble;
  readonly wake: () => void;
}

/** What the picture is worth now. */
export interface Sight {
  /** The table has been listed at least once: before that it knows of no container. */
  readonly hasListed: boolean;
  /** The engine has answered everything that was asked: what needs it may be decided. */
  readonly answers: boolean;
  /** It has been silent for long enough to tell others. */
  readonly silence?: EngineSilence;
  /** When to look again (monotonic). */
  readonly nextAt: number;
}

export interface Picture {
  /** The first look; throws what makes this node impossible, and `unavailable` while the engine is silent. */
  first(signal: AbortSignal): Promise<void>;
  /** Lists if something may have been missed, or `afterMs` have passed, and waits a moment for it. Wakes when it took longer. */
  refresh(afterMs: number, signal: AbortSignal): Promise<Sight>;
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
/** Most listings take less, and what is decided right after them is decided on what is true. */
const waitMs = 250;
/** A listing is a quick read even on a busy engine: one that takes so long has met a silent one. */
const silentAfterMs = 10_000;
const reasonLength = 200;

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
  /** The listing under way. */
  #listing: { readonly done: Promise<void>; readonly askedAt: number; readonly since: string } | undefined;
  /** The last listing failed; not tried again before. */
  #isFailing = false;
  #retryAt = Number.NEGATIVE_INFINITY;
  /** The log has a word to say then. */
  #calmAt = Number.POSITIVE_INFINITY;
  #silence: EngineSilence | undefined;

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  async first(signal: AbortSignal): Promise<void> {
    const since = this.#options.clock.wall();
    await this.#list(signal).catch((error: unknown) => {
      if (isOrchestraError(error, "unavailable")) this.#failed(error, since);
      throw error;
    });
  }

  async refresh(afterMs: number, signal: AbortSignal): Promise<Sight> {
    const { clock, trouble } = this.#options;
    if (clock.now() >= this.#calmAt) this.#calmAt = clock.now() + trouble.passed();
    const isDue = this.#isDue || clock.now() - this.#listedAt >= afterMs;
    const mayAsk = !this.#isFailing || clock.now() >= this.#retryAt;
    if (!this.#listing && isDue && mayAsk) await this.#patiently(this.#begin(signal));
    return this.#sight(afterMs);
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
    // It talks again: nobody waits for the next try.
    if (event.kind === "gap") this.#retryAt = Number.NEGATIVE_INFINITY;
    if (event.kind === "lost") this.onSilence();
    else if (event.kind === "network-gone") this.onDoubt();
    else if (event.kind === "gap" || table.event(event, clock.now())) this.#isDue = true;
  }

  /** Begins a listing; whoever waits no longer is woken at its end. */
  #begin(signal: AbortSignal): Promise<void> {
    const { clock, trouble } = this.#options;
    const since = clock.wall();
    const done = this.#list(signal).then(
      () => {
        this.#listing = undefined;
        this.#silence = undefined;
        this.#isFailing = false;
        this.#calmAt = clock.now() + trouble.passed();
      },
      (error: unknown) => {
        this.#listing = undefined;
        if (!signal.aborted) this.#failed(error, since);
      },
    );
    this.#listing = { done, askedAt: clock.now(), since };
    return done;
  }

  #failed(error: unknown, since: string): void {
    const { clock, trouble } = this.#options;
    this.onSilence();
    this.#isFailing = true;
    this.#calmAt = Number.POSITIVE_INFINITY;
    this.#retryAt = clock.now() + trouble.failed(error);
    if (isOrchestraError(error, "conflict")) return;
    const hint = isOrchestraError(error) ? error.hint : undefined;
    this.#silent(since, `${messageOf(error)}${hint === undefined ? "" : `; ${hint}`}`);
  }

  #silent(since: string, reason: string): void {
    this.#silence ??= { since, reason: reason.slice(0, reasonLength) };
  }

  async #patiently(done: Promise<void>): Promise<void> {
    const { clock, wake } = this.#options;
    await new Promise<void>((resolve) => {
      let isLate = false;
      const cancel = clock.after(waitMs, () => {
        isLate = true;
        resolve();
      });
      void done.then(() => {
        cancel();
        if (isLate) wake();
        else resolve();
      });
    });
  }

  #sight(afterMs: number): Sight {
    const { clock } = this.#options;
    const listing = this.#listing;
    if (listing && clock.now() - listing.askedAt >= silentAfterMs) {
      this.#silent(listing.since, `Docker does not list its containers; see the engine's log (journalctl -u docker)`);
    }
    let nextAt = this.#isFailing ? this.#retryAt : this.#listedAt + afterMs;
    if (listing) nextAt = this.#silence ? Number.POSITIVE_INFINITY : listing.askedAt + silentAfterMs;
    return {
      hasListed: this.#listedAt > Number.NEGATIVE_INFINITY,
      answers: !listing && !this.#isFailing,
      ...(this.#silence ? { silence: this.#silence } : {}),
      nextAt: Math.min(nextAt, this.#calmAt),
    };
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
