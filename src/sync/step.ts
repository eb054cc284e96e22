// The next thing that a pass may do with its plan: write, wait until what was written is ready, prune, or hold all of it for a person. Pure.
import { forecast } from "../apply/forecast.ts";
import { heldBecause, type Limit, type Limits } from "../apply/guards.ts";
import { changesAnything, type KnownState, type Plan } from "../apply/plan.ts";
import { pruneOf, withoutPrune } from "../apply/prune.ts";
import { namesText, pruneWaits } from "../apply/prune-waits.ts";
import { bondOf, type PlanPlace, tokenOf } from "../apply/token.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import { errorsKept, type HeldPass, type LetThrough } from "../model/sync.ts";

export interface Standing {
  readonly plan: Plan;
  /** What the plan rests on. */
  readonly state: KnownState;
  readonly cluster: ClusterState;
  /** Nodes whose worker is alive. */
  readonly present: ReadonlySet<string>;
  readonly place: PlanPlace;
  readonly wall: string;
  readonly limits: Limits;
  /** Names what the files say as a whole. */
  readonly tree: string;
  /** What a person has let pass. */
  readonly approved: string | undefined;
  /** What an earlier pass was allowed to prune. */
  readonly letThrough: LetThrough | undefined;
  /** Why the files do not come after those that were applied last, where a person has to look at that. */
  readonly rewritten: string | undefined;
}

export type Step =
  /** `letThrough`: what may be pruned once this is ready, to be noted before. */
  | { readonly do: "write"; readonly letThrough?: LetThrough }
  | { readonly do: "prune" }
  /** `prunes`: what waits to be deleted. */
  | { readonly do: "wait"; readonly prunes: readonly string[]; readonly reasons: readonly string[] }
  | { readonly do: "hold"; readonly held: HeldPass; readonly reasons: readonly string[] };

/** Of a plan that changes something. */
export function nextStep(standing: Standing): Step {
  const { plan, place, tree, approved, letThrough, limits } = standing;
  const deletions = pruneOf(plan);
  const rest = withoutPrune(plan);
  const prunes = deletions.items.map(({ name }) => name);
  const token = tokenOf(bondOf(plan, place));
  const allowed = prunes.length > 0 ? { tree, token: tokenOf(bondOf(deletions, place)) } : undefined;
  // Once: writing the rest moves the plan's token on, and the deletions are as they were.
  const isKnown = allowed !== undefined && letThrough !== undefined && isLetThrough(allowed, letThrough, limits);
  if (!(isKnown && !changesAnything(rest))) {
    const reasons = reasonsToHold(standing);
    if (reasons.length > 0 && token !== approved) return { do: "hold", held: heldPass(token, plan), reasons };
  }
  if (changesAnything(rest)) {
    const noted = allowed && { ...allowed, ...(token === approved ? {} : { limits: limitsText(limits) }) };
    return { do: "write", ...(noted && !isKnown ? { letThrough: noted } : {}) };
  }
  const awaited = pruneWaits(standing);
  if (awaited.length === 0) return { do: "prune" };
  const names = namesText(awaited.map(({ name }) => name));
  const whys = awaited.flatMap(({ why }) => why ?? []);
  return {
    do: "wait",
    prunes,
    reasons: [`${namesText(prunes)}: pruned when the rest is ready; waits for ${names}`, ...whys],
  };
}

/** Whether it is what was looked at; under other limits nobody has, unless it was a person. */
function isLetThrough(deletions: Omit<LetThrough, "limits">, before: LetThrough, limits: Limits): boolean {
  if (deletions.token !== before.token || deletions.tree !== before.tree) return false;
  return before.limits === undefined || before.limits === limitsText(limits);
}

/** The same for the same limits, and another for others. */
function limitsText({ deletions, replacements, affected }: Limits): string {
  const text = ({ count, percent, oneDeployment }: Limit) => `${count}/${percent}/${oneDeployment}`;
  return [deletions, replacements, affected].map(text).join(" ");
}

function reasonsToHold({ plan, state, cluster, present, wall, place, limits, rewritten }: Standing): string[] {
  const { deployments: forecasts } = forecast(cluster, plan, { wall, running: present.size > 0 });
  const guarded = { state, plan, forecasts, pods: cluster.pods, source: place.source, limits };
  return [...(rewritten === undefined ? [] : [rewritten]), ...heldBecause(guarded).map(({ message }) => message)];
}

function heldPass(token: string, { items }: Plan): HeldPass {
  const named = (action: string) =>
    items.filter((item) => item.action === action && item.after).map(({ name }) => name);
  const deleted = named("delete");
  const counts = { created: named("create").length, updated: named("update").length, deleted: deleted.length };
  return { token, ...counts, deletes: deleted.slice(0, errorsKept) };
}
