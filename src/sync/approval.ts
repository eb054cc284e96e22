// What a person's approval is worth: it is about one hold, and ends with it. What it has let on is kept in the sync's own document
// (`letThrough`) for as long as that pass takes. So nothing has to be used up, and no leader that is killed leaves an approval behind. Pure.
import type { HeldPass, LetThrough, SyncControlDocument } from "../model/sync.ts";

/** The approval of what is held; undefined: there is none, or what was approved is held no more. */
export function approvalOf(
  held: HeldPass | undefined,
  approved: SyncControlDocument["approved"],
): SyncControlDocument["approved"] {
  return held !== undefined && approved?.token === held.token && approved.held === held.since ? approved : undefined;
}

/** Since when it is held: the same pass that was not held between is held anew. */
export function holdAfter(before: HeldPass | undefined, held: HeldPass, at: string): HeldPass {
  return { ...held, since: before?.token === held.token ? (before.since ?? at) : at };
}

/** What is let through after a pass over `tree` that had something left to do: other files have ended it. */
export function letThroughAfter(before: LetThrough | undefined, tree: string): LetThrough | undefined {
  return before?.tree === tree ? before : undefined;
}
