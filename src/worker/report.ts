// What this worker tells: `statuses/<node>` and `failures/<node>`, written together, only when something changed,
// at once when it is quiet and gathered while it is not.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { failuresKey, statusesKey } from "../model/keys.ts";
import { type Failure, failuresPerNode, type PodStatus, type StatusesDocument, type WorkerHold } from "../model/pod.ts";
import { type Change, overwrite, type Store } from "../store/store.ts";

export interface Report {
  /** What is true now; written soon if it differs from what was written last. Returns whether it differs from what was told last. */
  statuses(statuses: readonly PodStatus[], hold?: WorkerHold): boolean;
  failure(failure: Failure): void;
  /** Looks whether the store still has what was written last, and writes it again if not: nobody else should have touched it. */
  compare(): void;
  /** Writes what is waiting, if the store takes it. */
  close(): Promise<void>;
}

/** Two writes are at least so far apart: fifty pods that start together are a few commits, and nobody waits noticeably for one. */
const spacingMs = 40;
const backoffFirstMs = 100;
const backoffMaxMs = 5_000;

type Told = Omit<StatusesDocument, "at">;

export interface ReportOptions {
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function openReport({ store, node, clock, log }: ReportOptions): Report {
  let wanted: Told | undefined;
  let wantedText: string | undefined;
  let written: string | undefined;
  let fresh: Failure[] = [];
  let writing: Promise<void> | undefined;
  let cancel = () => {};
  let notBefore = 0;
  let failures = 0;
  let closed = false;

  const isDue = () => fresh.length > 0 || wantedText !== written;

  const write = async () => {
    const text = wantedText;
    const told = fresh;
    fresh = [];
    try {
      const changes = [
        ...(wanted && text !== written ? await statusesChange(store, node, wanted, clock.wall()) : []),
        ...(told.length > 0 ? [await failuresChange(store, node, told)] : []),
      ];
      if (changes.length > 0) await store.commit({ changes });
      written = text;
      if (failures > 0) log.info("statuses are written again", { afterFailures: failures });
      failures = 0;
      notBefore = clock.now() + spacingMs;
    } catch (error) {
      fresh = [...told, ...fresh].slice(-failuresPerNode);
      failures += 1;
      notBefore = clock.now() + Math.min(backoffFirstMs * 2 ** Math.min(failures - 1, 10), backoffMaxMs);
      if (failures === 1 && !isOrchestraError(error, "conflict")) {
        log.warn("statuses cannot be written now; trying again", { error: messageOf(error) });
      }
    }
  };

  const schedule = () => {
    if (writing || closed || !isDue()) return;
    cancel();
    const run = () => {
      writing ??= write().finally(() => {
        writing = undefined;
        schedule();
      });
    };
    const waitMs = notBefore - clock.now();
    if (waitMs <= 0) run();
    else cancel = clock.after(waitMs, run);
  };

  return {
    statuses(statuses, hold) {
      const told = { ...(hold ? { hold } : {}), statuses };
      const text = JSON.stringify(told);
      if (text === wantedText) return false;
      wanted = told;
      wantedText = text;
      schedule();
      return true;
    },
    failure(failure) {
      fresh.push(failure);
      schedule();
    },
    compare() {
      if (wantedText === undefined) return;
      written = undefined;
      schedule();
    },
    async close() {
      closed = true;
      cancel();
      await writing;
      if (isDue()) await write();
    },
  };
}

/** Nothing when the store has it already: after a restart of ours usually everything is as it was. */
async function statusesChange(store: Store, node: string, told: Told, at: string): Promise<Change[]> {
  const key = statusesKey(node);
  const snapshot = await store.list([key]);
  const { at: _last, ...last } = snapshot.get(key)?.value ?? { at, statuses: [] };
  if (!snapshot.damaged.has(key) && JSON.stringify(last) === JSON.stringify(told)) return [];
  return [overwrite(snapshot, key, { at, ...told })];
}

async function failuresChange(store: Store, node: string, told: readonly Failure[]): Promise<Change> {
  const key = failuresKey(node);
  const snapshot = await store.list([key]);
  return overwrite(snapshot, key, { failures: mergeFailures(snapshot.get(key)?.value.failures ?? [], told) });
}

/** Newest first, one for each slot. */
export function mergeFailures(old: readonly Failure[], told: readonly Failure[]): Failure[] {
  const bySlot = new Map<string, Failure>();
  for (const failure of [...told.toReversed(), ...old]) {
    const slot = `${failure.deployment}/${failure.slot}`;
    if (!bySlot.has(slot)) bySlot.set(slot, failure);
  }
  return [...bySlot.values()].slice(0, failuresPerNode);
}
