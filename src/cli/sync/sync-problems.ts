// Syncs that need a look, for commands that are about other things. Pure.
import type { SyncDocument } from "../../model/sync.ts";

/** One sentence for each that runs and is not synced. */
export function syncProblems(documents: readonly SyncDocument[]): { about: string; message: string }[] {
  return documents.flatMap(({ source, lead, pass }) => {
    if (!pass || lead.ended !== undefined || ["synced", "waiting"].includes(pass.outcome)) return [];
    const [first] = pass.errors;
    const rest = pass.errors.length - 1 + (pass.more ?? 0);
    const more = rest > 0 ? ` (and ${rest} more: orchestra sync status)` : "";
    return [{ about: `sync ${source}`, message: `${pass.outcome}${first === undefined ? "" : `: ${first}`}${more}` }];
  });
}
