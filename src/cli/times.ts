// Times and counts as people write them on the command line. Pure.
import { parseDuration } from "../model/duration.ts";
import { OrchestraError } from "../model/errors.ts";

/** The moment that `5m` (ago) or an ISO 8601 time names, as ISO 8601. */
export function parseSince(text: string, nowMs: number, flag: string): string {
  if (/^\d{4}-\d{2}-\d{2}([T ]|$)/.test(text)) {
    const time = Date.parse(text);
    if (Number.isFinite(time)) return new Date(time).toISOString();
  }
  return new Date(nowMs - parseDuration(text, flag)).toISOString();
}

/** A whole number of at least 0. */
export function parseCount(text: string, flag: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new OrchestraError("invalid", `${flag}: "${text}" is not a count`, { hint: "write a number, as 100" });
  }
  return Number(text);
}
