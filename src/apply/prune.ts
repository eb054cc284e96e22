// What a source no longer has in its manifests, as deletions; and what of it only has another name. Pure.
// Deletions come last: `commit-prune.ts` writes them once the rest of the plan is ready.
import type { DeploymentDocument } from "../model/deployment.ts";
import type { Renamed } from "../model/sync.ts";
import { type Author, sameOwned, written } from "./document.ts";
import type { Known, KnownState, Plan, PlanItem } from "./plan.ts";

/** The Deployments of this source that are there, those that are being deleted left out. */
export function ownedBy(state: Pick<KnownState, "deployments">, source: string): [string, Known<DeploymentDocument>][] {
  return [...state.deployments].filter(([, { value }]) => value.source === source && !value.deleted);
}

/** The deletion of what the manifests lack. */
export function pruned(name: string, before: Known<DeploymentDocument>, author: Author): PlanItem {
  const deleted = { by: author.by, at: author.at };
  const after = written({ ...before.value, deleted }, before.value, author);
  return { name, action: "delete", changes: [], before, after, pruned: true };
}

/** All but the deletions of what the manifests lack: what is written and gets ready first. */
export function withoutPrune(plan: Plan): Plan {
  return plan.items.some((item) => item.pruned) ? { ...plan, items: plan.items.filter((item) => !item.pruned) } : plan;
}

/** The deletions of what the manifests lack, alone. */
export function pruneOf(plan: Plan): Plan {
  return { ...plan, items: plan.items.filter((item) => item.pruned) };
}

/** A creation and a deletion of the same spec are told as a renaming, each once, in their order. */
export function withRenames(items: readonly PlanItem[]): readonly PlanItem[] {
  const gone = Map.groupBy(
    items.filter((item) => item.pruned),
    ({ before }) => before?.value.revision,
  );
  const names = new Map<string, { readonly renamedFrom: string } | { readonly renamedTo: string }>();
  for (const { name, action, after } of items) {
    if (action !== "create" || !after) continue;
    const candidates = gone.get(after.revision) ?? [];
    const at = candidates.findIndex((item) => isSameSpec(item, after));
    const [old] = at < 0 ? [] : candidates.splice(at, 1);
    if (!old) continue;
    names.set(old.name, { renamedTo: name });
    names.set(name, { renamedFrom: old.name });
  }
  return names.size === 0 ? items : items.map((item) => ({ ...item, ...names.get(item.name) }));
}

/** What of a plan is created and deleted only because it has another name now. */
export function renamesOf({ items }: Plan): Renamed[] {
  return items.flatMap(({ name, renamedFrom }) => (renamedFrom === undefined ? [] : [{ from: renamedFrom, to: name }]));
}

/** The template is in the revision; a count by hand is nothing that a manifest says. */
function isSameSpec({ before }: PlanItem, created: DeploymentDocument): boolean {
  const old = before?.value;
  return old !== undefined && old.replicas.file === created.replicas.file && sameOwned(old, created);
}
