// Guards: what one pass may do to a source's Deployments before a person has looked. A wrong branch, an empty folder or a slip in a template
// must never empty a cluster. Pure; `apply --prune` asks a person for these reasons, or refuses.
import { type DeploymentDocument, deploymentsText, wantedReplicas } from "../model/deployment.ts";
import { OrchestraError } from "../model/errors.ts";
import type { PodsDocument } from "../model/pod.ts";
import type { Forecast } from "./forecast.ts";
import type { KnownState, Plan, PlanItem } from "./plan.ts";
import { type PodCounts, podCounts } from "./pod-counts.ts";
import { ownedBy } from "./prune.ts";

/** So many, or such a share of what the source has; where both are said, whichever is more. */
export interface Limit {
  readonly count?: number;
  readonly percent?: number;
  /** What concerns the pods of one Deployment alone is let through besides. */
  readonly oneDeployment?: true;
}

export interface Limits {
  /** Deployments that are pruned (a renamed one is none), and likewise pods that lower counts take away. */
  readonly deletions: Limit;
  /** Pods that get a successor. */
  readonly replacements: Limit;
  /** Deployments that are there already, and whose pods change or go. */
  readonly affected: Limit;
}

const defaultLimit: Limit = Object.freeze({ count: 3, percent: 20 });
export const defaultLimits: Limits = Object.freeze({
  deletions: defaultLimit,
  // A new image of one Deployment is what people do all day, and its rollout stops by itself at the first pod that does not get ready.
  replacements: Object.freeze({ ...defaultLimit, oneDeployment: true }),
  affected: defaultLimit,
});

/**
 * - `empty`: there is no manifest at all, and the source has Deployments
 * - `everything`: all that the source has would be deleted, or scaled to nothing
 * - `removals`: pods that lower counts take away, more than the limit of deletions
 * - the others: more than their limit
 */
export type Guard = "empty" | "everything" | "removals" | keyof Limits;

/** Why a plan should wait for a person. */
export interface Held {
  readonly guard: Guard;
  /** With numbers, and for people. */
  readonly message: string;
}

export interface Guarded {
  readonly state: Pick<KnownState, "deployments">;
  readonly plan: Plan;
  readonly forecasts: ReadonlyMap<string, Forecast>;
  /** Of all Deployments. */
  readonly pods: ReadonlyMap<string, PodsDocument>;
  /** Whose manifests were planned. */
  readonly source: string;
  readonly limits: Limits;
}

/**
 * Every guard that the plan runs into; none: it is as small as changes usually are. `empty` and `everything` know no limit.
 * A count by `scale` that is taken back although its manifest is as it was counts for none: it is no change of the files.
 */
export function heldBecause(guarded: Guarded): Held[] {
  const { state, plan, source, limits } = guarded;
  const owned = ownedBy(state, source);
  const sum = (countOf: (document: DeploymentDocument) => number) =>
    owned.reduce((total, [, { value }]) => total + countOf(value), 0);
  const pods = { wanted: sum(wantedReplicas), own: sum(ownCount) };
  const all = weigh(guarded);
  const weighed = all.filter(({ item }) => isChangeOfFiles(item));
  const gone = plan.items.filter((item) => item.pruned && item.renamedTo === undefined).length;
  const affected = weighed.filter(isAffected).length;
  const deleting = deletionGuard({ plan, source, gone, owned: owned.length, limit: limits.deletions });
  const weighing = { guarded, all, weighed, pods };
  const held = [deleting, removalGuard(weighing), replacementGuard(weighing)];
  const affecting = overLimit(affected, owned.length, limits.affected);
  // Where deletions are all that there is, they are told once.
  if (affecting && !(deleting && affected === gone)) {
    const message = `${affected} Deployments would have pods started, replaced or stopped, while ${source} has ${owned.length}; ${affecting}`;
    held.push({ guard: "affected", message });
  }
  return held.filter((one) => one !== undefined);
}

/** A limit as a person writes it: `5` or `30%`. Throws `invalid`, naming the flag. */
export function limitOf(text: string, flag: string): Limit {
  const [, digits, sign] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
  const number = Number(digits);
  if (digits === undefined || (sign === "%" && number > 100)) {
    const hint = "write a number, as 5, or a share of what the source has, as 30%";
    throw new OrchestraError("invalid", `${flag}: "${text}" is neither a count nor a percentage`, { hint });
  }
  return sign === "%" ? { percent: number } : { count: number };
}

interface Deleting {
  readonly plan: Plan;
  readonly source: string;
  readonly gone: number;
  readonly owned: number;
  readonly limit: Limit;
}

function deletionGuard({ plan, source, gone, owned, limit }: Deleting): Held | undefined {
  if (owned === 0) return undefined;
  // What a sync leaves as a hand has made it is in the files and not in its plan: then the plan does not name all that the source has.
  const named = plan.items.length + plan.notInFiles.length;
  if (named === owned && plan.items.every((item) => item.pruned)) {
    return { guard: "empty", message: `there is no manifest at all, while ${source} has ${deploymentsText(owned)}` };
  }
  if (gone === owned) {
    const all = owned === 1 ? "the only Deployment" : `all ${owned} Deployments`;
    return { guard: "everything", message: `${all} of ${source} would be deleted` };
  }
  const over = overLimit(gone, owned, limit);
  return over === undefined
    ? undefined
    : { guard: "deletions", message: `${gone} of the ${owned} Deployments of ${source} would be deleted; ${over}` };
}

/** An item of the plan beside what it does to pods. */
interface Weighed {
  readonly item: PlanItem;
  readonly forecast: Forecast | undefined;
  readonly counts: PodCounts;
}

function weigh({ plan, forecasts, pods }: Guarded): Weighed[] {
  return plan.items.map((item) => {
    const forecast = forecasts.get(item.name);
    return { item, forecast, counts: podCounts(item, forecast, pods.get(item.name)) };
  });
}

function isChangeOfFiles({ before, after, changes }: PlanItem): boolean {
  if (before?.value.replicas.override === undefined || after?.manifestHash !== before.value.manifestHash) return true;
  return after.replicas.override !== undefined || changes.some(({ path }) => path !== "spec.replicas");
}

/** What a hand has scaled up is no more of the source: it may go with this very plan, or may never have run. */
function ownCount(document: DeploymentDocument): number {
  const { file, override } = document.replicas;
  const wanted = wantedReplicas(document);
  return override && file !== undefined ? Math.min(wanted, file) : wanted;
}

interface Weighing {
  readonly guarded: Guarded;
  /** Every item, and those that change what the files say. */
  readonly all: readonly Weighed[];
  readonly weighed: readonly Weighed[];
  /** How many pods the source is to have now, and how many of them by its files. */
  readonly pods: { readonly wanted: number; readonly own: number };
}

function removalGuard({ guarded, all, weighed, pods }: Weighing): Held | undefined {
  const { state, source, limits } = guarded;
  const removed = weighed.reduce((sum, { counts }) => sum + counts.removed, 0);
  if (removed === 0) return undefined;
  // Whatever the plan ends counts here, by whosever word.
  const byName = new Map(all.map((one) => [one.item.name, one]));
  const isLeft = ([name]: readonly [string, unknown]) => {
    const { item, counts } = byName.get(name) ?? {};
    if (!item || !counts) return (guarded.pods.get(name)?.pods.length ?? 0) > 0;
    return item.pruned ? item.renamedTo !== undefined && counts.live > 0 : counts.live > counts.removed;
  };
  if (!ownedBy(state, source).some(isLeft)) {
    return { guard: "everything", message: `all pods of ${source} would go: every count would be 0` };
  }
  const over = overLimit(removed, pods.own, limits.deletions);
  if (over === undefined) return undefined;
  const message = `${removed} of the ${pods.wanted} pods of ${source} would go by lower counts; ${over}${ownText(pods)}`;
  return { guard: "removals", message };
}

function replacementGuard({ guarded: { source, limits }, weighed, pods }: Weighing): Held | undefined {
  const touched = weighed.filter(({ counts }) => counts.replaced > 0);
  const replaced = touched.reduce((sum, { counts }) => sum + counts.replaced, 0);
  if (limits.replacements.oneDeployment && touched.length === 1) return undefined;
  const over = overLimit(replaced, pods.own, limits.replacements);
  if (over === undefined) return undefined;
  const message = `${replaced} of the ${pods.wanted} pods of ${source} would be replaced; ${over}${ownText(pods)}`;
  return { guard: "replacements", message };
}

function ownText({ wanted, own }: Weighing["pods"]): string {
  return wanted === own ? "" : `, of the ${own} that its files say`;
}

/** The creation half of a renaming is none: the deletion half counts it. */
function isAffected({ item: { before, after, pruned }, forecast, counts }: Weighed): boolean {
  if (!before || !after) return false;
  if (pruned || !forecast || counts.replaced + counts.removed > 0) return true;
  const { created, replaced, moved, stopped, unplaced, more = 0 } = forecast;
  return created.length + replaced.length + moved.length + stopped.length + unplaced.length + more > 0;
}

/** What may be, in words, where `number` of `total` is more than that. */
function overLimit(number: number, total: number, { count, percent }: Limit): string | undefined {
  // In this order: a percentage as a fraction may be a little less than it should be.
  const share = percent === undefined ? 0 : Math.floor((percent * total) / 100);
  const most = Math.max(count ?? 0, share);
  if (number <= most) return undefined;
  const both = count !== undefined && percent !== undefined;
  const rule = both ? `${count} or ${percent}%, whichever is more` : percent === undefined ? "" : `${percent}%`;
  return `at most ${most} may be${rule === "" ? "" : ` (${rule})`}`;
}
