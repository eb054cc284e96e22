// Syncs that need a look, for commands that are about other things. Pure.
import { age } from "../print.ts";
import type { Observation } from "../show/observe.ts";

/** What is to be pruned waits so long for an ordinary rollout; after that it may wait for ever. */
const patienceMs = 3 * 60_000;

type Observed = Pick<Observation, "syncs" | "killedSyncs" | "nowMs">;

/** One sentence for each that should run and does not, or runs and is not synced. Who was told to end is meant to be away. */
export function syncProblems({ syncs, killedSyncs, nowMs }: Observed): { about: string; message: string }[] {
  return syncs.flatMap(({ source, lead, pass, waiting }) => {
    if (killedSyncs.has(source)) {
      const message = `not running: its process (pid ${lead.pid}) was killed, and nothing is applied; start it again`;
      return [{ about: `sync ${source}`, message }];
    }
    if (!pass || lead.ended !== undefined || pass.outcome === "synced") return [];
    if (pass.outcome === "waiting") {
      if (!waiting || nowMs - Date.parse(waiting.since) < patienceMs) return [];
      const message = `waiting for ${age(waiting.since, nowMs)}: ${pass.errors.slice(0, 2).join("; ")}`;
      return [{ about: `sync ${source}`, message }];
    }
    const [first] = pass.errors;
    const rest = pass.errors.length - 1 + (pass.more ?? 0);
    const more = rest > 0 ? ` (and ${rest} more: orchestra sync status)` : "";
    return [{ about: `sync ${source}`, message: `${pass.outcome}${first === undefined ? "" : `: ${first}`}${more}` }];
  });
}
