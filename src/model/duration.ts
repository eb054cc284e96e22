// Durations as people write them in flags and settings.
import { OrchestraError } from "./errors.ts";

const unitMs: Readonly<Record<string, number>> = Object.freeze({
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
});

/** Milliseconds of `90s`, `5m`, `1h30m`, `2d`. Throws `invalid` for anything else; `name`, of the flag or variable, is told in the message. */
export function parseDuration(text: string, name: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const total = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitMs[unit] ?? Number.NaN), 0);
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text || !Number.isFinite(total)) {
    const hint = "write a number and a unit, as 30s, 5m or 1h30m";
    throw new OrchestraError("invalid", `${name}: "${text}" is not a duration`, { hint });
  }
  return total;
}
