// What a plan will do to the pods: the master's own decision, run forward on the planned documents until it has nothing left to do. Pure.
// In between a model worker makes every placed pod ready and every stopping one stopped, so this is what happens when all goes well.
import { decide, previewAt } from "../master/decide.ts";
import type { Decision, UnplacedPod } from "../master/decision.ts";
import { unsteady } from "../master/unsteady.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import { type DeploymentDocument, wantedReplicas } from "../model/deployment.ts";
import { podName } from "../model/pod.ts";
import { explanationText } from "../scheduler/explain.ts";
import { type Downtime, downtimeOf } from "./downtime.ts";
import { type NodeForecast, roomChanges } from "./free-room.ts";
import { judgedState, type LivePod, livePods, type Model, openModel, readyNow } from "./model-cluster.ts";
import { changesAnything, type Plan } from "./plan.ts";
import { pruneOf, withoutPrune } from "./prune.ts";
import type { Fall, ReadyPods } from "./ready-pods.ts";

/** One pod of a forecast, by the name of its slot. */
export interface PodForecast {
  readonly name: string;
  /** Absent: no node has registered yet, so nobody knows. */
  readonly node?: string;
}

/** A pod that fits nowhere: why, in the scheduler's words, and what would make one more fit. */
export interface UnplacedForecast {
  readonly name: string;
  readonly reason: string;
  readonly remedy?: string;
}

/**
 * How many pods are ready: now, at the worst moment on the way, and in the end; `wanted`: how many should be then. Of a Deployment in
 * the middle of another rollout fewer may be ready for a moment, where its strategy allows it and workers do not keep step.
 */
export interface ReadyForecast {
  readonly now: number;
  readonly least: number;
  readonly after: number;
  readonly wanted: number;
}

/** The consequences for the pods of one Deployment. */
export interface Forecast {
  readonly created: readonly PodForecast[];
  /** `node`: where the successor runs. `stopFirst`: the predecessor has to leave before the successor can start. */
  readonly replaced: readonly (PodForecast & { readonly stopFirst?: true })[];
  /** The same pods again, but on another node: of the same revision, so nothing of theirs changes. `from`: where they leave. */
  readonly moved: readonly (PodForecast & { readonly from: string; readonly stopFirst?: true })[];
  readonly stopped: readonly PodForecast[];
  /** So many pods are left alone. */
  readonly untouched: number;
  readonly ready: ReadyForecast;
  /** Absent: there is none. */
  readonly downtime?: Downtime;
  readonly unplaced: readonly UnplacedForecast[];
  /** So many pods that run are replaced or moved once there is room, or a node, for their successors: now there is none. */
  readonly waiting?: number;
  /** A rollout of so many pods that the forecast was not carried to its end: so many more are replaced in the same way. */
  readonly more?: number;
  /** Why the master does nothing, or less than it should, until a person has looked. */
  readonly problem?: string;
}

/** What a plan does. */
export interface Forecasts {
  /** By Deployment, for every item that changes something. */
  readonly deployments: ReadonlyMap<string, Forecast>;
  /** The nodes whose free room changes. */
  readonly nodes: readonly NodeForecast[];
}

/** Of a plan that changes nothing. */
export const noForecasts: Forecasts = Object.freeze({ deployments: new Map(), nodes: Object.freeze([]) });

/**
 * Steps of the master times pods, for all Deployments of a plan: about a second of work. A rollout of thousands of pods, one by one,
 * is not carried to its end; its rest goes as its beginning.
 */
const workLimit = 400_000;

export interface ForecastOptions {
  /** The time as ISO 8601, for what the master would write. */
  readonly wall: string;
  /** False: nothing runs on this store, and registered nodes are taken to be there again when something does. */
  readonly running: boolean;
}

/** The consequences of every item of the plan that changes something, and of all together for the nodes. */
export function forecast(state: ClusterState, plan: Plan, options: ForecastOptions): Forecasts {
  if (!changesAnything(plan)) return noForecasts;
  const now = judgedState(state, options.running);
  const [rest, pruned] = [withoutPrune(plan), pruneOf(plan)];
  // Nobody is told of them, but what they wait for or give up is room like any other.
  const moving = unsteady(now);
  const others = moving.filter((name) => !isChanged(rest, name));
  const { wall } = options;
  // What is pruned goes when the rest is ready: that finds no room which only the pruning makes.
  const before = { pods: livePods(now), ready: readyNow(now) };
  const first = playOut({ state: now, before, plan: rest, others, wall });
  const left = others.filter((name) => !isChanged(pruned, name));
  const last = changesAnything(pruned)
    ? playOut({ state: first.state, before, plan: pruned, others: left, wall })
    : first;
  const rolling = new Map([...first.rolling, ...last.rolling]);
  return {
    deployments: new Map([...first.deployments, ...last.deployments]),
    nodes: roomChanges(state, last.state, rolling),
  };
}

function isChanged({ items }: Plan, name: string): boolean {
  return items.some((item) => item.name === name && item.after !== undefined);
}

interface PlayedOut {
  readonly deployments: ReadonlyMap<string, Forecast>;
  /** The documents then. */
  readonly state: ClusterState;
  /** Deployments that did not come to the end of their rollout, with its revision. */
  readonly rolling: ReadonlyMap<string, string>;
}

interface Beginning {
  readonly state: ClusterState;
  /** The pods that run now, and how many of them are ready: to these all of the plan is compared. */
  readonly before: {
    readonly pods: ReadonlyMap<string, readonly LivePod[]>;
    readonly ready: ReadonlyMap<string, number>;
  };
  readonly plan: Plan;
  /** Deployments that the plan leaves alone, and that are in motion. */
  readonly others: readonly string[];
  readonly wall: string;
}

function playOut({ state, before, plan, others, wall }: Beginning): PlayedOut {
  const items = plan.items.filter((item) => item.after !== undefined);
  if (items.length + others.length === 0) return { deployments: new Map(), state, rolling: new Map() };
  const model = openModel(state, items, others);
  const { decision, stopFirst } = runOn(model, wall);
  const then = model.state();
  const after = livePods(then);
  const reasons = new Map([...decision.unplaced].map(([pod, unplaced]) => [pod, reasonOf(unplaced)]));
  const noNodes = state.nodes.size === 0;
  const problems = new Map(decision.problems.map(({ deployment, message }) => [deployment, message]));
  // Empty where the model came to its end: what is not replaced by then stays, or waits for something else.
  const moving = new Set(decision.changes.map(({ deployment }) => deployment));
  const rolling = new Map<string, string>();
  const deployments = new Map<string, Forecast>();
  for (const { name, before: former, after: document } of items) {
    if (!document) continue;
    if (moving.has(name)) rolling.set(name, document.revision);
    const pods = { before: before.pods.get(name) ?? [], after: after.get(name) ?? [] };
    const problem = problems.get(name);
    const isRolled = problem === undefined && former !== undefined && former.value.revision !== document.revision;
    const rollsTo = isRolled ? document.revision : undefined;
    const told = compare({ name, ...pods, stopFirst, reasons, noNodes, rollsTo, revision: rolling.get(name) });
    const ready = readiness(name, document, { ...model.readyPods(name), now: before.ready.get(name) ?? 0 });
    deployments.set(name, { ...told, ...ready, ...(problem === undefined ? {} : { problem }) });
  }
  // The model holds the pods of what moves only, and what is played out next has others.
  return { deployments, rolling, state: { ...then, pods: new Map([...state.pods, ...then.pods]) } };
}

/** Decides and carries out until nothing is left to do, or for too long; gives the last decision, and the pods that had to make way. */
function runOn(model: Model, wall: string): { readonly decision: Decision; readonly stopFirst: ReadonlySet<string> } {
  const stopFirst = new Set<string>();
  let decision: Decision;
  let work = 0;
  do {
    decision = decide(model.state(), previewAt(wall));
    for (const { deployment, slot } of decision.stopFirst) stopFirst.add(podName(deployment, slot));
    model.carryOut(decision);
    work += model.size();
  } while (decision.changes.length > 0 && work < workLimit);
  return { decision, stopFirst };
}

function readiness(
  name: string,
  document: DeploymentDocument,
  { now, least, after, fall }: ReadyPods,
): Pick<Forecast, "ready" | "downtime"> {
  const wanted = document.deleted ? 0 : wantedReplicas(document);
  // A rollout that was not carried to its end has pods to spare.
  const ready = { now, least: Math.min(now, least), after: Math.min(after, wanted), wanted };
  // What is pruned may have been left by its last pod before: the deletion is what it will not come back from.
  const end: Fall | undefined = fall ?? (document.deleted ? { slots: [], reason: "delete" } : undefined);
  return end && now > 0 && ready.least === 0 ? { ready, downtime: downtimeOf(name, end, document) } : { ready };
}

function reasonOf(unplaced: UnplacedPod): Omit<UnplacedForecast, "name"> {
  const explanation = unplaced.explain();
  const { remedy } = explanation;
  return { reason: explanationText(explanation), ...(remedy === undefined ? {} : { remedy }) };
}

interface Comparison {
  readonly name: string;
  /** The one that its pods are still being brought to; undefined: the model has done what can be done. */
  readonly revision: string | undefined;
  /** The one that this plan brings its pods to; undefined: they keep theirs. */
  readonly rollsTo: string | undefined;
  readonly before: readonly LivePod[];
  readonly after: readonly LivePod[];
  readonly stopFirst: ReadonlySet<string>;
  readonly reasons: ReadonlyMap<string, Omit<UnplacedForecast, "name">>;
  readonly noNodes: boolean;
}

function compare(comparison: Comparison): Omit<Forecast, "ready" | "downtime"> {
  const { name, revision, before, after, stopFirst, reasons, noNodes } = comparison;
  const isPlaced = ({ node }: LivePod) => node !== undefined || noNodes;
  // One without a place has never run: nobody replaces or stops it.
  const old = new Map(before.filter(isPlaced).map((pod) => [pod.slot, pod]));
  const known = new Set(before.map(({ id }) => id));
  const made = after.filter(({ id }) => !known.has(id));
  const placed = made.filter(isPlaced);
  const named = ({ slot, node }: LivePod) => ({ name: podName(name, slot), ...(node === undefined ? {} : { node }) });
  const successor = (pod: LivePod) =>
    stopFirst.has(podName(name, pod.slot)) ? { ...named(pod), stopFirst: true as const } : named(pod);
  const taken = new Set(after.map(({ slot }) => slot));
  const successors = placed.flatMap((pod) => {
    const former = old.get(pod.slot);
    return former ? [{ pod, from: leftBy(former, pod) }] : [];
  });
  const untouched = new Set(after.filter(({ id }) => known.has(id)).map(({ slot }) => slot));
  for (const { slot } of placed) untouched.delete(slot);
  const isLeft = (pod: LivePod) => known.has(pod.id) && pod.revision !== revision && untouched.has(pod.slot);
  const more = revision === undefined ? 0 : after.filter(isLeft).length;
  const waiting = waitingIn(comparison);
  return {
    created: placed.filter(({ slot }) => !old.has(slot)).map(named),
    replaced: successors.flatMap(({ pod, from }) => (from === undefined ? [successor(pod)] : [])),
    moved: successors.flatMap(({ pod, from }) => (from === undefined ? [] : [{ ...successor(pod), from }])),
    stopped: [...old.values()].filter(({ slot }) => !taken.has(slot)).map(named),
    untouched: untouched.size - more,
    unplaced: made
      .filter((pod) => !isPlaced(pod))
      .map(({ id, slot }) => ({ name: podName(name, slot), ...(reasons.get(id) ?? { reason: "fits on no node" }) })),
    ...(waiting > 0 ? { waiting } : {}),
    ...(more > 0 ? { more } : {}),
  };
}

/** In how many slots a pod runs that is to get a successor and has none with a place. */
function waitingIn({ before, after, revision, rollsTo }: Comparison): number {
  // What is left of a rollout that was not carried to its end does not wait for anything.
  if (revision !== undefined) return 0;
  const known = new Set(before.map(({ id }) => id));
  const isPlaced = ({ node }: LivePod) => node !== undefined;
  const slotsOf = (pods: readonly LivePod[]) => new Set(pods.map(({ slot }) => slot));
  const successors = after.filter(({ id }) => !known.has(id));
  const isOld = (pod: LivePod) => known.has(pod.id) && rollsTo !== undefined && pod.revision !== rollsTo;
  const wanting = slotsOf([...successors.filter((pod) => !isPlaced(pod)), ...after.filter(isOld)]);
  const [running, succeeded] = [slotsOf(before.filter(isPlaced)), slotsOf(successors.filter(isPlaced))];
  return [...wanting].filter((slot) => running.has(slot) && !succeeded.has(slot)).length;
}

/** The node that a pod leaves for another although nothing of it changes. */
function leftBy(former: LivePod, pod: LivePod): string | undefined {
  return former.revision === pod.revision && former.node !== pod.node ? former.node : undefined;
}
