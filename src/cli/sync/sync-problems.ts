// Syncs that need a look, for commands that are about other things. Pure.
import type { SyncDocument } from "../../model/sync.ts";
import { age } from "../print.ts";

/** What is to be pruned waits so long for an ordinary rollout; after that it may wait for ever. */
const patienceMs = 3 * 60_000;

/** One sentence for each that runs and is not synced. */
export function syncProblems(documents: readonly SyncDocument[], nowMs: number): { about: string; message: string }[] {
  return documents.flatMap(({ source, lead, pass, waiting }) => {
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
