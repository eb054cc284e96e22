// What somebody has changed besides the source since that was applied: which Deployments, and who it was. Pure.
import { deploymentDrifts } from "../apply/drift.ts";
import type { PlanItem } from "../apply/plan.ts";
import type { LoadedManifest } from "../manifest/manifest.ts";
import type { Drifted, SyncDocument } from "../model/sync.ts";
import { saidBefore } from "./marks.ts";

/** What a sync knows besides its plan. */
export interface Known {
  /** What was told last of changes by hand. */
  readonly told: SyncDocument["drift"];
  /** The source's name. */
  readonly source: string;
}

/** What would be written although the files say what they said when they were applied. `tree` names what they say now. */
export function changedByHand(
  items: readonly PlanItem[],
  wanted: readonly LoadedManifest[],
  tree: string,
  applied: SyncDocument["applied"],
): readonly PlanItem[] {
  if (!applied) return [];
  const { marks } = applied;
  const said = marks === undefined ? undefined : saidBefore(wanted, marks);
  if (said) return items.filter((item) => item.after && said.has(item.name));
  const hashes = new Map(wanted.map(({ spec, manifestHash }) => [spec.name, manifestHash]));
  const isOld = ({ name, before }: PlanItem) => before?.value.manifestHash === hashes.get(name);
  return items.filter((item) => item.after && (applied.tree === tree || isOld(item)));
}

/** Of what has gone only what was told while it went is left. A count by hand says itself who it was: the sync may have written the rest since. */
export function driftedOf({ name, before, changes }: PlanItem, known: Known): Drifted {
  if (!before) return known.told?.deployments.find((one) => one.name === name) ?? { name };
  const { deleted, updated, replicas, source = known.source } = before.value;
  const { by, at } = deleted ?? (isScale(changes) ? replicas.override : undefined) ?? updated;
  return { name, by, at, ...(source === known.source ? {} : { source }) };
}

/** What somebody has made of a Deployment, and who, for people. */
export function byHandText(item: PlanItem, known: Known): string {
  const { name, by, at } = driftedOf(item, known);
  const who = by === undefined ? "" : ` (by ${by} at ${at})`;
  if (!item.before) return `${name} was removed by hand${who}`;
  const drifts = deploymentDrifts(item);
  // A count by hand is told as that, and not once more as the field.
  const told = drifts.length > 1 && isScale(item.changes) ? drifts.slice(1) : drifts;
  return `${name} was changed by hand${who}: it ${told.map(({ message }) => message).join(", and ")}`;
}

/** The same of a count by hand alone, which a plan takes back that the files have changed as well; undefined: there is none. */
export function countText(item: PlanItem): string | undefined {
  if (item.after?.replicas.override) return undefined;
  const scaled = deploymentDrifts(item).find(({ kind }) => kind === "scaled");
  return scaled && `${item.name} was changed by hand (by ${scaled.by?.by} at ${scaled.by?.at}): it ${scaled.message}`;
}

function isScale(changes: PlanItem["changes"]): boolean {
  return changes.length > 0 && changes.every(({ path }) => path === "spec.replicas");
}
