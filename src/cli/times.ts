// Durations and times as people write them on the command line. Pure.
import { OrchestraError } from "../model/errors.ts";

const unitMs: Readonly<Record<string, number>> = Object.freeze({
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
});

/** Milliseconds of `90s`, `5m`, `1h30m`, `2d`. Throws `invalid` for anything else; `flag` is named in the message. */
export function parseDuration(text: string, flag: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const total = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitMs[unit] ?? Number.NaN), 0);
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text || !Number.isFinite(total)) {
    const hint = "write a number and a unit, as 30s, 5m or 1h30m";
    throw new OrchestraError("invalid", `${flag}: "${text}" is not a duration`, { hint });
  }
  return total;
}

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
