// Guards: what one pass may do to a source's Deployments before a person has looked. A wrong branch, an empty folder or a slip in a template
// must never empty a cluster. Pure; `apply --prune` asks a person for these reasons, or refuses.
import { wantedReplicas } from "../model/deployment.ts";
import { OrchestraError } from "../model/errors.ts";
import type { Forecast } from "./forecast.ts";
import type { KnownState, Plan, PlanItem } from "./plan.ts";
import { ownedBy } from "./prune.ts";

/** So many, or such a share of what the source has; where both are said, whichever is more. */
export interface Limit {
  readonly count?: number;
  readonly percent?: number;
}

export interface Limits {
  /** Deployments that are pruned; a renamed one is none. */
  readonly deletions: Limit;
  /** Pods that get a successor. */
  readonly replacements: Limit;
  /** Deployments that are there already, and whose pods change or go. */
  readonly affected: Limit;
}

const defaultLimit: Limit = Object.freeze({ count: 3, percent: 20 });
export const defaultLimits: Limits = Object.freeze({
  deletions: defaultLimit,
  replacements: defaultLimit,
  affected: defaultLimit,
});

/**
 * - `empty`: there is no manifest at all, and the source has Deployments
 * - `everything`: all that the source has would be deleted
 * - the others: more than their limit
 */
export type Guard = "empty" | "everything" | keyof Limits;

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
  /** Whose manifests were planned. */
  readonly source: string;
  readonly limits: Limits;
}

/** Every guard that the plan runs into; none: it is as small as changes usually are. `empty` and `everything` know no limit. */
export function heldBecause({ state, plan, forecasts, source, limits }: Guarded): Held[] {
  const owned = ownedBy(state, source);
  const pods = owned.reduce((sum, [, { value }]) => sum + wantedReplicas(value), 0);
  const gone = plan.items.filter((item) => item.pruned && item.renamedTo === undefined).length;
  const affected = plan.items.filter((item) => isAffected(item, forecasts.get(item.name))).length;
  const replaced = plan.items.reduce((sum, { name }) => sum + replacedPods(forecasts.get(name)), 0);
  const deleting = deletionGuard({ plan, source, gone, owned: owned.length, limit: limits.deletions });
  const held = deleting ? [deleting] : [];
  const replacing = overLimit(replaced, pods, limits.replacements);
  if (replacing) {
    const message = `${replaced} of the ${pods} pods of ${source} would be replaced; ${replacing}`;
    held.push({ guard: "replacements", message });
  }
  const affecting = overLimit(affected, owned.length, limits.affected);
  // Where deletions are all that there is, they are told once.
  if (affecting && !(deleting && affected === gone)) {
    const message = `${affected} Deployments would have pods started, replaced or stopped, while ${source} has ${owned.length}; ${affecting}`;
    held.push({ guard: "affected", message });
  }
  return held;
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
  if (plan.items.every((item) => item.pruned)) {
    return { guard: "empty", message: `there is no manifest at all, while ${source} has ${deployments(owned)}` };
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

/** The creation half of a renaming is none: the deletion half counts it. */
function isAffected({ before, after, pruned }: PlanItem, forecast: Forecast | undefined): boolean {
  if (!before || !after) return false;
  if (pruned || !forecast) return true;
  const { created, replaced, moved, stopped, unplaced, more = 0 } = forecast;
  return created.length + replaced.length + moved.length + stopped.length + unplaced.length + more > 0;
}

function replacedPods(forecast: Forecast | undefined): number {
  return forecast ? forecast.replaced.length + forecast.moved.length + (forecast.more ?? 0) : 0;
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

function deployments(count: number): string {
  return count === 1 ? "1 Deployment" : `${count} Deployments`;
}
