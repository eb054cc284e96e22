// When the worker has given up on a pod: how long until another one tries in its slot.
import type { PodRecord } from "../model/pod.ts";
import { hasFailed, isReady, type PodFacts, type Timers } from "./facts.ts";

/** Long enough for a person to mend an image or a disk, short enough not to be looked for. */
const firstMs = 10_000;
const maxMs = 5 * 60_000;

/** How long to wait after so many failures in a row. */
export function backoffMs(failures: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
}

/** How long until the failed pod may be replaced; 0: now. */
export function replaceInMs({ record }: PodFacts, timers: Timers): number {
  return Math.max(0, backoffMs(record.failures ?? 1) - timers.elapsed(`backoff/${record.id}`));
}

/** The record with what has been seen of the pod since: that it was ready, that it failed. The same object when nothing is new. */
export function noted(pod: PodFacts, timers: Timers): PodRecord {
  let { record } = pod;
  if (pod.status?.phase === "ready" && !record.wasReady) record = { ...record, wasReady: true };
  if (isReady(pod) && record.failures !== undefined) {
    const { failures: _row, notBefore: _wait, ...calm } = record;
    record = calm;
  }
  if (hasFailed(pod) && !record.stop && record.notBefore === undefined) {
    const failures = (record.failures ?? 0) + 1;
    record = { ...record, failures, notBefore: later(timers.wall, backoffMs(failures)) };
  }
  return record;
}

function later(wall: string, ms: number): string {
  return new Date(Date.parse(wall) + ms).toISOString();
}
