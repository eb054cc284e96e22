// Syncs that need a look, for commands that are about other things: for people and for programs. Pure.
import type { SyncDocument, SyncOutcome } from "../../model/sync.ts";
import { hostText } from "../../sync/machine.ts";
import { age } from "../print.ts";
import type { Observation } from "../show/observe.ts";

/** A sync that needs a look; the fields are called as in `sync status -o json`, which has all of it. */
export interface SyncTrouble {
  readonly source: string;
  /** Nobody follows it although nobody was told to end: what is told below is what it came to before. */
  readonly running?: false;
  /** Absent: it has not come to anything yet. */
  readonly outcome?: SyncOutcome;
  readonly errors: readonly string[];
  /** How many more errors there are. */
  readonly more?: number;
}

/** What is to be pruned waits so long for an ordinary rollout; after that it may wait for ever. */
const patienceMs = 3 * 60_000;

type Observed = Pick<Observation, "syncs" | "leaderlessSyncs" | "nowMs">;

/** Each that should run and does not, or runs and is not synced. Who was told to end is meant to be away. */
export function syncTroubles(observed: Observed): SyncTrouble[] {
  return troubled(observed).map(({ source, pass }) => ({
    source,
    ...(observed.leaderlessSyncs.has(source) ? { running: false } : {}),
    ...(pass ? { outcome: pass.outcome } : {}),
    errors: pass?.errors ?? [],
    ...(pass?.more === undefined ? {} : { more: pass.more }),
  }));
}

/** The same, one sentence for each. */
export function syncProblems(observed: Observed): { about: string; message: string }[] {
  return troubled(observed).map((sync) => ({ about: `sync ${sync.source}`, message: messageOf(sync, observed) }));
}

function troubled({ syncs, leaderlessSyncs, nowMs }: Observed): SyncDocument[] {
  return syncs.filter(({ source, lead, pass, waiting }) => {
    if (leaderlessSyncs.has(source)) return true;
    if (!pass || lead.ended !== undefined || pass.outcome === "synced") return false;
    return pass.outcome !== "waiting" || (waiting !== undefined && nowMs - Date.parse(waiting.since) >= patienceMs);
  });
}

function messageOf(sync: SyncDocument, { leaderlessSyncs, nowMs }: Observed): string {
  const { source, lead, pass, waiting, held } = sync;
  if (leaderlessSyncs.has(source) || !pass) {
    const last = `${hostText(lead)}, pid ${lead.pid}, last heard of ${age(lastHeard(sync), nowMs)} ago`;
    return `not running: nobody follows it, and nothing is applied; start it again, or give it up with orchestra sync forget (it was led by ${last})`;
  }
  const { outcome, errors } = pass;
  if (outcome === "waiting") return `waiting for ${age(waiting?.since, nowMs)}: ${errors.slice(0, 2).join("; ")}`;
  const [first] = errors;
  const rest = errors.length - 1 + (pass.more ?? 0);
  const more = rest > 0 ? ` (and ${rest} more: orchestra sync status)` : "";
  const waits = held && outcome !== "held" ? "; what it holds waits for a person: orchestra sync status" : "";
  return `${outcome}${first === undefined ? "" : `: ${first}`}${more}${waits}`;
}

/** When it wrote last. An idle one writes nothing: it may have lived for long after that. */
export function lastHeard({ lead, pass, applied, drift }: SyncDocument): string {
  const times = [lead.since, pass?.at, applied?.at, drift?.at].filter((at) => at !== undefined);
  return times.sort().at(-1) ?? lead.since;
}
