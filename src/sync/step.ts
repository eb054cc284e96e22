// The next thing that a pass may do with its plan: write, wait until what was written is ready, prune, or hold all of it for a person. Pure.
import { forecast } from "../apply/forecast.ts";
import { heldBecause, type Limit, type Limits } from "../apply/guards.ts";
import { changesAnything, type KnownState, type Plan, type PlanItem } from "../apply/plan.ts";
import { podTotals } from "../apply/pod-counts.ts";
import { pruneOf, renamesOf, withoutPrune } from "../apply/prune.ts";
import { namesText, pruneWaits } from "../apply/prune-waits.ts";
import { bondOf, type PlanPlace, tokenOf } from "../apply/token.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import { errorsKept, type HeldPass, type LetThrough, type Renamed, type SyncControlDocument } from "../model/sync.ts";

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
  /** What is left as a hand has made it: the plan does not name it. */
  readonly left: readonly PlanItem[];
  /** Names what the files say as a whole. */
  readonly tree: string;
  /** What a person has let pass. */
  readonly approved: SyncControlDocument["approved"];
  /** What an earlier pass was allowed to prune. */
  readonly letThrough: LetThrough | undefined;
  /** Why the files do not come after those that were applied last, where a person has to look at that. */
  readonly rewritten: string | undefined;
}

export type Step =
  /** `letThrough`: what may be pruned once the rest is ready, to be noted before anything is written and where it waits. */
  | { readonly do: "write"; readonly letThrough?: LetThrough }
  | { readonly do: "prune"; readonly letThrough?: LetThrough }
  /** `prunes`: what waits to be deleted; `renames`: the first of it that only has another name. */
  | {
      readonly do: "wait";
      readonly letThrough?: LetThrough;
      readonly prunes: readonly string[];
      readonly renames?: readonly Renamed[];
      readonly reasons: readonly string[];
    }
  | { readonly do: "hold"; readonly held: HeldPass; readonly reasons: readonly string[] };

/** Of a plan that changes something. */
export function nextStep(standing: Standing): Step {
  const { plan, place, tree, approved, letThrough, limits } = standing;
  const deletions = pruneOf(plan);
  const rest = withoutPrune(plan);
  const prunes = deletions.items.map(({ name }) => name);
  const token = tokenOf(bondOf(plan, place));
  const renames = renamesKnown(plan, prunes, letThrough);
  const renamed = renames.length > 0 ? { renames: renames.slice(0, errorsKept) } : {};
  const within = token === approved?.token ? {} : { limits: limitsText(limits) };
  const allowed =
    prunes.length > 0 ? { tree, token: tokenOf(bondOf(deletions, place)), ...within, ...renamed } : undefined;
  // Once: writing the rest moves the plan's token on, and the deletions are as they were.
  const isKnown = allowed !== undefined && letThrough !== undefined && isLetThrough(allowed, letThrough, limits);
  const judged = isKnown ? rest : plan;
  if (token !== approved?.token && changesAnything(judged)) {
    const hold = holdOf(standing, judged, token);
    if (hold) return hold;
  }
  const noted = allowed && !isKnown ? { letThrough: allowed } : {};
  if (changesAnything(rest)) return { do: "write", ...noted };
  const awaited = pruneWaits(standing);
  if (awaited.length === 0) return { do: "prune", ...noted };
  const names = namesText(awaited.map(({ name }) => name));
  const whys = awaited.flatMap(({ why }) => why ?? []);
  const told = namesText(prunes.map((name) => renamedText(name, renames)));
  return {
    do: "wait",
    ...noted,
    prunes,
    ...renamed,
    reasons: [`${told}: pruned when the rest is ready; waits for ${names}`, ...whys],
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

/** What is to be deleted because it has another name: by this plan, or by an earlier one that has created it under that name. */
function renamesKnown(plan: Plan, prunes: readonly string[], letThrough: LetThrough | undefined): Renamed[] {
  const renames = renamesOf(plan);
  const known = new Set(renames.map(({ from }) => from));
  const earlier = letThrough?.renames?.filter(({ from, to }) => {
    return prunes.includes(from) && !prunes.includes(to) && !known.has(from);
  });
  return [...renames, ...(earlier ?? [])];
}

function renamedText(name: string, renames: readonly Renamed[]): string {
  const to = renames.find(({ from }) => from === name)?.to;
  return to === undefined ? name : `${name} (renamed to ${to})`;
}

/** Of the whole plan, for what is judged of it. Undefined: that is as small as changes usually are, and comes after the last. */
function holdOf(standing: Standing, judged: Plan, token: string): Extract<Step, { do: "hold" }> | undefined {
  const { plan, state, cluster, present, wall, place, limits, rewritten } = standing;
  const { deployments: forecasts } = forecast(cluster, plan, { wall, running: present.size > 0 });
  const { pods } = cluster;
  const held = heldBecause({ state, plan: judged, forecasts, pods, source: place.source, limits });
  const reasons = [...(rewritten === undefined ? [] : [rewritten]), ...held.map(({ message }) => message)];
  if (reasons.length === 0) return undefined;
  return { do: "hold", held: { ...heldPass(token, plan), pods: podTotals(plan, forecasts, pods) }, reasons };
}

function heldPass(token: string, plan: Plan): HeldPass {
  const named = (action: string) =>
    plan.items.filter((item) => item.action === action && item.after).map(({ name }) => name);
  const [creates, updates, deletes] = [named("create"), named("update"), named("delete")];
  const renames = renamesOf(plan);
  return {
    token,
    created: creates.length,
    updated: updates.length,
    deleted: deletes.length,
    creates: creates.slice(0, errorsKept),
    updates: updates.slice(0, errorsKept),
    deletes: deletes.slice(0, errorsKept),
    renamed: renames.length,
    renames: renames.slice(0, errorsKept),
  };
}
