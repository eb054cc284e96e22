// Deployments that somebody else changes as often as this sync takes them back: it does so ever more rarely, because each turn may replace all pods.
// Pure: times come from the caller.
import type { Drifted } from "../model/sync.ts";

/** More than so many corrections within so long are no slips of a person. */
const freeCorrections = 5;
const windowMs = 300_000;
/** Left alone for so long then, doubling up to the second. */
const restFirstMs = 10_000;
const restMaxMs = 300_000;

interface Fight {
  /** When it was taken back of late. */
  readonly times: readonly number[];
  /** In all. */
  readonly count: number;
  readonly who: string;
  /** 0: it is taken back at once. */
  readonly restMs: number;
}

export class Fights {
  #fights: ReadonlyMap<string, Fight> = new Map();

  /** These have been taken back now. */
  corrected(drifted: readonly Drifted[], now: number): void {
    const next = new Map([...this.#fights].filter(([, fight]) => now - endOf(fight) <= windowMs));
    for (const one of drifted) next.set(one.name, afterOne(next.get(one.name), one, now));
    this.#fights = next;
  }

  /** Those that are left as they are for now, each with the reason. */
  resting(now: number): ReadonlyMap<string, string> {
    const resting = [...this.#fights].filter(([, fight]) => now < endOf(fight));
    return new Map(resting.map(([name, fight]) => [name, restText(name, fight)]));
  }

  /** When the first of them is taken back again; undefined: none rests. */
  nextMs(now: number): number | undefined {
    const ends = [...this.#fights.values()].map(endOf).filter((end) => end > now);
    return ends.length === 0 ? undefined : Math.min(...ends) - now;
  }
}

/** Of its rest, or of the last correction. */
function endOf({ times, restMs }: Fight): number {
  return (times.at(-1) ?? 0) + restMs;
}

function afterOne(before: Fight | undefined, drifted: Drifted, now: number): Fight {
  const rested = before?.restMs ?? 0;
  // Pauses that are longer than the window are part of the fight.
  const times = [...(before?.times ?? []).filter((time) => rested > 0 || now - time <= windowMs), now];
  const isFight = rested > 0 || times.length > freeCorrections;
  return {
    times: times.slice(-freeCorrections),
    count: (before?.count ?? 0) + 1,
    who: whoIs(drifted),
    restMs: isFight ? Math.min(restMaxMs, Math.max(restFirstMs, rested * 2)) : 0,
  };
}

function whoIs({ by = "somebody", source }: Drifted): string {
  return source === undefined ? by : `${by} for ${source}`;
}

function restText(name: string, { who, count, restMs }: Fight): string {
  const pause = restMs < 60_000 ? `${restMs / 1000} s` : `${Math.round(restMs / 6_000) / 10} min`;
  return `${name} is changed again and again by ${who}, and was taken back ${count} times; it rests for ${pause} now. Only one of the two should have it: end the other, or take it out of these files`;
}
