// What a sync makes of counts and changes by hand, for a plan of its files that is made elsewhere: it takes them back, or leaves them. Reads `syncs`.
import type { Author } from "../../apply/document.ts";
import type { Plan } from "../../apply/plan.ts";
import type { LoadedManifest } from "../../manifest/manifest.ts";
import { syncKey } from "../../model/keys.ts";
import type { Store } from "../../store/store.ts";
import { changedByHand } from "../../sync/by-hand.ts";

export interface TakesBack {
  /** Who plans. */
  readonly doer: Author;
  /** The plan without what the sync leaves as a hand has made it; absent: it leaves nothing so. */
  readonly leaves?: (plan: Plan) => Plan;
}

/** As the sync of `author.source` was when it applied its files last. No store, or no such sync: it takes everything back, as it does unless it is told otherwise. */
export async function takesBack(
  store: Store | undefined,
  author: Author,
  manifests: readonly LoadedManifest[],
): Promise<TakesBack> {
  const applied = (await store?.read(syncKey(author.source)))?.value.applied;
  if (applied?.marks === undefined) return { doer: { ...author, takesBack: true } };
  const leaves = (plan: Plan): Plan => {
    const left = new Set(changedByHand(plan.items, manifests, applied.tree, applied));
    return { ...plan, items: plan.items.filter((item) => !left.has(item)) };
  };
  return { doer: author, leaves };
}
