// Why deletions of what the manifests lack wait, and what a person can do about it. Pure.
// They come last, when the rest is ready, and that may be never: for an image that does not exist, or because the room for a pod is just what
// is to be deleted. Whether the old may go before the new is there is for a person to say, so that is told here and not done.
import { decide, previewAt } from "../master/decide.ts";
import type { UnplacedPod } from "../master/decision.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import { podName } from "../model/pod.ts";
import { explanationText } from "../scheduler/explain.ts";
import type { Plan, PlanItem } from "./plan.ts";
import { pruneOf, withoutPrune } from "./prune.ts";
import { goalOf, judge, type Progress } from "./wait.ts";

/** A Deployment that is not ready, and why, where that is known. */
export interface Awaited {
  readonly name: string;
  /** With what helps. */
  readonly why?: string;
}

export interface PruneWaits {
  readonly plan: Plan;
  /** What the manifests say besides, and the plan leaves as somebody has made it: it has to be ready as it is. */
  readonly left?: readonly PlanItem[];
  readonly cluster: ClusterState;
  /** Nodes whose worker is alive. */
  readonly present: ReadonlySet<string>;
  readonly wall: string;
}

/** So many names are told, the rest is counted. */
const namedLimit = 5;

/** What the deletions of the plan wait for; empty: for nothing. */
export function pruneWaits({ plan, left = [], cluster, present, wall }: PruneWaits): Awaited[] {
  const prunes = pruneOf(plan).items.map(({ name }) => name);
  const isGone = ({ before }: PlanItem) => before === undefined || before.value.deleted !== undefined;
  const gone = left.filter(isGone).map(({ name }): Awaited => ({ name, why: goneText(name, prunes) }));
  const as = left.filter((item) => !isGone(item)).map(({ after: _wanted, ...item }) => item);
  const goals = [...withoutPrune(plan).items, ...as].flatMap((item) => goalOf(item) ?? []);
  const open = judge(cluster, present, goals).filter(({ state }) => state !== "done");
  if (open.length === 0) return gone;
  // While a rollout goes on this is asked after every change.
  const isPending = open.some(({ phases }) => phases.has("pending"));
  const unplaced = isPending ? unplacedIn(cluster, wall) : new Map<string, UnplacedPod[]>();
  const isShort = open.some(({ goal }) => unplaced.has(goal.name));
  const later = isShort ? unplacedIn(without(cluster, new Set(prunes)), wall) : unplaced;
  const waits = open.map((progress): Awaited => {
    const { name } = progress.goal;
    const pods = unplaced.get(name) ?? [];
    const fitsThen = (later.get(name)?.length ?? 0) < pods.length;
    const why = pods[0] ? placeText(pods[0], fitsThen ? prunes : []) : troubleText(progress);
    return { name, ...(why === undefined ? {} : { why }) };
  });
  return [...gone, ...waits];
}

/** Whoever removed it may have meant the other one to stay. */
function goneText(name: string, prunes: readonly string[]): string {
  return `${name} was removed by hand, and is not ready: change its manifest to have it again; ${deleteText(prunes)} does not wait for it`;
}

function deleteText(prunes: readonly string[]): string {
  return `orchestra delete ${prunes.length > namedLimit ? "of some of them" : prunes.join(" ")}`;
}

/** `a, b, c and 4 more`. */
export function namesText(names: readonly string[]): string {
  const rest = names.length - namedLimit;
  return names.slice(0, namedLimit).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** `prunes`: with these gone there is room; empty: others have it. */
function placeText({ deployment, slot, explain }: UnplacedPod, prunes: readonly string[]): string {
  const text = `${podName(deployment, slot)} ${explanationText(explain())}`;
  if (prunes.length === 0) return text;
  const are = prunes.length === 1 ? "is" : "are";
  return `${text}; there is room once ${namesText(prunes)} ${are} gone: ${deleteText(prunes)} does not wait for ${deployment}, another node helps too`;
}

function troubleText(progress: Progress): string | undefined {
  if (progress.state === "failed" || progress.state === "superseded") {
    const { message, ...where } = progress.why;
    return "pod" in where && where.pod !== undefined ? `${where.pod}: ${message}` : message;
  }
  const { trouble } = progress;
  return trouble && (trouble.pod === undefined ? trouble.message : `${trouble.pod}: ${trouble.message}`);
}

function unplacedIn(cluster: ClusterState, wall: string): Map<string, UnplacedPod[]> {
  return Map.groupBy(decide(cluster, previewAt(wall)).unplaced.values(), ({ deployment }) => deployment);
}

/** The cluster as it is when these have gone. */
function without(cluster: ClusterState, gone: ReadonlySet<string>): ClusterState {
  const others = <T>(found: ReadonlyMap<string, T>) => new Map([...found].filter(([name]) => !gone.has(name)));
  const placements = [...cluster.placements].map(([node, document]) => {
    const left = document.placements.filter(({ deployment }) => !gone.has(deployment));
    return [node, { ...document, placements: left }] as const;
  });
  return {
    ...cluster,
    deployments: others(cluster.deployments),
    pods: others(cluster.pods),
    placements: new Map(placements),
  };
}
