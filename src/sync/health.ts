// What a sync answers to those who ask whether it lives, and whether it does its work. Pure.
import type { SyncDocument } from "../model/sync.ts";
import type { Reading } from "./meter.ts";

/** An answer in words, and whether it is a good one. */
export interface Health {
  readonly good: boolean;
  readonly text: string;
}

/** A pass that takes longer than this hangs: one comes each minute at least, and the largest folder is read in a few seconds. */
const hangsMs = 600_000;

/** Whether the process should be left alone: it lives, and where it leads its loop turns. `reading` absent: it only starts. */
export function healthOf(reading: Reading | undefined, now: number): Health {
  const silentMs = reading?.part === "leads" ? now - Math.max(reading.since, reading.lastAt ?? 0) : 0;
  if (silentMs <= hangsMs) return { good: true, text: "alive" };
  return { good: false, text: `no pass has ended for ${Math.round(silentMs / 1000)} s` };
}

/** Whether it does its work: the store answers, and it leads and has read its source, or stands by for one that leads. */
export function readinessOf(reading: Reading | undefined): Health {
  const why = whyNotReady(reading);
  if (why !== undefined || !reading) return { good: false, text: why ?? "" };
  const { document } = reading.shown ?? {};
  if (reading.part === "stands-by") return { good: true, text: `stands by: ${leaderText(document?.lead)}` };
  const { outcome, errors = [] } = document?.pass ?? {};
  return { good: true, text: errors[0] === undefined ? `${outcome}` : `${outcome}: ${errors[0]}` };
}

/** `follows this source` by whom. */
export function leaderText(lead: SyncDocument["lead"] | undefined): string {
  if (!lead || lead.ended !== undefined) return "another sync is about to follow this source";
  return `${lead.host}, pid ${lead.pid}, follows this source since ${lead.since}`;
}

function whyNotReady(reading: Reading | undefined): string | undefined {
  if (!reading) return "waits for the store";
  const { part, trouble, shown } = reading;
  // What a pass failed with is a consequence of that.
  if (shown && !shown.fresh) return "the store does not answer";
  if (trouble !== undefined) return part === "leads" ? `the last pass failed: ${trouble}` : `cannot lead: ${trouble}`;
  if (!shown) return "waits for the store";
  if (part === "starts") return "asks the store who leads";
  if (part === "stands-by") return undefined;
  const { pass } = shown.document ?? {};
  if (reading.lastAt === undefined || reading.lastAt < reading.since || !pass) return "has not read its source yet";
  const isBad = pass.outcome === "away" || pass.outcome === "failed";
  if (pass.trouble !== undefined) return `away: ${pass.trouble}`;
  return isBad ? [pass.outcome, ...pass.errors.slice(0, 1)].join(": ") : undefined;
}
