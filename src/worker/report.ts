// What this worker tells: `statuses/<node>` and `failures/<node>`, written together, only when something changed,
// at once when it is quiet and gathered while it is not.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { failuresKey, statusesKey } from "../model/keys.ts";
import {
  type EngineSilence,
  type Failure,
  failuresBytes,
  failuresPerNode,
  type PodStatus,
  type WorkerHold,
} from "../model/pod.ts";
import { type Change, overwrite, type Store } from "../store/store.ts";
import { afterBoot, isOfFormerBoot } from "./former-boot.ts";

export interface Report {
  /** What is true now; written soon if it differs from what was written last. Returns whether it differs from what was told last. */
  statuses(told: Told): boolean;
  failure(failure: Failure): void;
  /** The store answers again: what waits for its next try is written now. */
  hurry(): void;
  /** Looks whether the store still has what was written last, and writes it again if not: nobody else should have touched it. */
  compare(): void;
  /** Writes what is waiting, if the store takes it. */
  close(): Promise<void>;
}

/** Two writes are at least so far apart: fifty pods that start together are a few commits, and nobody waits noticeably for one. */
const spacingMs = 40;
const backoffFirstMs = 100;
const backoffMaxMs = 5_000;

export interface Told {
  /** Absent: as the store has them. */
  readonly statuses?: readonly PodStatus[] | undefined;
  readonly hold?: WorkerHold | undefined;
  readonly engine?: EngineSilence | undefined;
}

export interface ReportOptions {
  readonly store: Store;
  readonly node: string;
  /** Of `Identity`. */
  readonly boot?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export function openReport(options: ReportOptions): Report {
  return new StoreReport(options);
}

class StoreReport implements Report {
  readonly #options: ReportOptions;
  #wanted: Told | undefined;
  #wantedText: string | undefined;
  #written: string | undefined;
  #fresh: Failure[] = [];
  #writing: Promise<void> | undefined;
  #cancel = () => {};
  #notBefore = 0;
  /** A write under way may still fail for what is over. */
  #isHurried = false;
  #failures = 0;
  #closed = false;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  statuses(told: Told): boolean {
    const text = JSON.stringify(told);
    if (text === this.#wantedText) return false;
    this.#wanted = told;
    this.#wantedText = text;
    this.#schedule();
    return true;
  }

  failure(failure: Failure): void {
    this.#fresh.push(failure);
    this.#schedule();
  }

  hurry(): void {
    this.#isHurried = true;
    this.#notBefore = 0;
    this.#schedule();
  }

  compare(): void {
    if (this.#wantedText === undefined) return;
    this.#written = undefined;
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#writing;
    if (this.#isDue()) await this.#write();
  }

  #isDue(): boolean {
    return this.#fresh.length > 0 || this.#wantedText !== this.#written;
  }

  #schedule(): void {
    if (this.#writing || this.#closed || !this.#isDue()) return;
    this.#cancel();
    const { clock } = this.#options;
    const waitMs = this.#notBefore - clock.now();
    if (waitMs <= 0) this.#run();
    else this.#cancel = clock.after(waitMs, () => this.#run());
  }

  #run(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      this.#schedule();
    });
  }

  async #write(): Promise<void> {
    this.#isHurried = false;
    const text = this.#wantedText;
    const told = this.#fresh;
    this.#fresh = [];
    try {
      await this.#commit(await this.#changes(text === this.#written ? undefined : this.#wanted, told));
      this.#written = text;
      this.#succeeded();
    } catch (error) {
      this.#fresh = [...told, ...this.#fresh].slice(-failuresPerNode);
      this.#failed(error);
    }
  }

  async #changes(told: Told | undefined, failures: readonly Failure[]): Promise<Change[]> {
    const { store, node, clock } = this.#options;
    return [
      ...(told ? await statusesChange(this.#options, told, clock.wall()) : []),
      ...(failures.length > 0 ? [await failuresChange(store, node, failures)] : []),
    ];
  }

  /** Together, so that whoever reads of a crash finds its last words; but what cannot be written of those keeps no status back. */
  async #commit(changes: readonly Change[]): Promise<void> {
    const { store, node, log } = this.#options;
    if (changes.length === 0) return;
    try {
      await store.commit({ changes });
    } catch (error) {
      const others = changes.filter(({ key }) => key !== failuresKey(node));
      if (others.length === changes.length || !isOrchestraError(error, "invalid")) throw error;
      if (others.length > 0) await store.commit({ changes: others });
      log.warn("the last words of pods cannot be written and are left out", { error: messageOf(error) });
    }
  }

  #succeeded(): void {
    const { clock, log } = this.#options;
    if (this.#failures > 0) log.info("statuses are written again", { afterFailures: this.#failures });
    this.#failures = 0;
    this.#notBefore = clock.now() + spacingMs;
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#options;
    this.#failures += 1;
    const waitMs = this.#isHurried ? 0 : Math.min(backoffFirstMs * 2 ** Math.min(this.#failures - 1, 10), backoffMaxMs);
    this.#notBefore = clock.now() + waitMs;
    if (this.#failures === 1 && !isOrchestraError(error, "conflict")) {
      log.warn("statuses cannot be written now; trying again", { error: messageOf(error) });
    }
  }
}

/** Nothing when the store has it already: after a restart of ours usually everything is as it was. */
async function statusesChange({ store, node, boot }: ReportOptions, told: Told, at: string): Promise<Change[]> {
  const key = statusesKey(node);
  const snapshot = await store.list([key]);
  // What the store has is not known, so nothing can be kept of it.
  if (!told.statuses && snapshot.damaged.has(key)) return [];
  const { at: _last, ...last } = snapshot.get(key)?.value ?? { at, statuses: [] };
  const kept = isOfFormerBoot(last.boot, boot) ? afterBoot(last.statuses) : last.statuses;
  const { statuses = kept, hold, engine } = told;
  const next = {
    ...(boot === undefined ? {} : { boot }),
    ...(hold ? { hold } : {}),
    ...(engine ? { engine } : {}),
    statuses,
  };
  if (!snapshot.damaged.has(key) && JSON.stringify(last) === JSON.stringify(next)) return [];
  return [overwrite(snapshot, key, { at, ...next })];
}

async function failuresChange(store: Store, node: string, told: readonly Failure[]): Promise<Change> {
  const key = failuresKey(node);
  const snapshot = await store.list([key]);
  return overwrite(snapshot, key, { failures: mergeFailures(snapshot.get(key)?.value.failures ?? [], told) });
}

/** Newest first, one for each slot, and no more than a document may hold: the oldest are left out. */
export function mergeFailures(old: readonly Failure[], told: readonly Failure[]): Failure[] {
  const bySlot = new Map<string, Failure>();
  for (const failure of [...told.toReversed(), ...old]) {
    const slot = `${failure.deployment}/${failure.slot}`;
    if (!bySlot.has(slot)) bySlot.set(slot, failure);
  }
  const merged = [...bySlot.values()].slice(0, failuresPerNode);
  let bytes = 0;
  const over = merged.findIndex((failure) => {
    bytes += Buffer.byteLength(JSON.stringify(failure)) + 1;
    return bytes > failuresBytes;
  });
  return over < 0 ? merged : merged.slice(0, over);
}
