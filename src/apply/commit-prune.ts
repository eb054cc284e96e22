// The second commit of an apply that prunes: the deletions, once the rest is written and ready.
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import type { Check, Store } from "../store/store.ts";
import { changedSince, commitPlan, knownState, planSelectors, refuseBlocked } from "./commit.ts";
import type { KnownState, Plan } from "./plan.ts";
import { pruneOf, withoutPrune } from "./prune.ts";

/**
 * Commits the deletions that `shown` holds, and gives what was written. `replan` makes the whole plan anew: where the rest is not as it was
 * written any more, or what would be deleted is not what was shown (changed, protected, taken over, created anew), that is a `conflict` that
 * names it, and nothing is deleted. What somebody else has deleted meanwhile is left out, and what was not shown is left alone. `checks` as for `commitPlan`.
 */
export async function commitPrune(
  store: Pick<Store, "list" | "commit">,
  shown: Plan,
  replan: (state: KnownState) => Plan,
  checks: readonly Check[] = [],
): Promise<Plan> {
  const deletions = pruneOf(shown);
  const again = (state: KnownState): Plan => {
    refuseChanged(deletions, state);
    const next = replan(state);
    refuseUndone(withoutPrune(next));
    const names = new Set(deletions.items.map(({ name }) => name));
    return { ...next, items: pruneOf(next).items.filter(({ name }) => names.has(name)) };
  };
  try {
    return await commitPlan(store, again(knownState(await store.list(planSelectors))), again, checks);
  } catch (error) {
    if (!isOrchestraError(error, "conflict")) throw error;
    const message = `the rest is done, and nothing was pruned: ${error.message}`;
    throw new OrchestraError("conflict", message, {
      hint: "orchestra diff --prune shows what would be pruned now",
      cause: error,
      ...(error.details ? { details: error.details } : {}),
    });
  }
}

/** Throws where what would be deleted is there as something else than what was shown. */
function refuseChanged({ items }: Plan, { deployments }: KnownState): void {
  for (const { name, before, after } of items) {
    const now = deployments.get(name);
    if (!now || now.value.deleted || !before || !after) continue;
    if (now.version === before.version && now.value.uid === before.value.uid) continue;
    throw changedSince({ name, before, after, theirs: now.value });
  }
}

/** Throws where the manifests would have to be written again: what replaces the pruned ones may not be there. */
function refuseUndone(rest: Plan): void {
  refuseBlocked(rest);
  const undone = rest.items.filter(({ after }) => after !== undefined);
  if (undone.length === 0) return;
  const names = undone.map(({ name }) => name).join(", ");
  throw new OrchestraError("conflict", `${names} is no more as it was written a moment ago`);
}
