// A model of the cluster for forecasts: the documents as the master sees them, changed by what it decides and by a worker
// with whom everything goes well. Holds state, but reads and writes nothing outside itself.
import type { Decision, DeploymentChange, StopFirst } from "../master/decision.ts";
import { type ClusterState, withVerdicts } from "../model/cluster-state.ts";
import type { DeploymentDocument } from "../model/deployment.ts";
import type { Verdict } from "../model/node.ts";
import { isGivenUp, isLive } from "../model/phase.ts";
import type { Placement, PlacementsDocument, PodStatus, PodsDocument, StatusesDocument } from "../model/pod.ts";
import type { PodTemplate } from "../model/template.ts";
import type { PlanItem } from "./plan.ts";
import { openReadyCount, type ReadyCount, type ReadyPods, type ReadyStop } from "./ready-pods.ts";

/** A pod that should run. */
export interface LivePod {
  readonly id: string;
  readonly slot: number;
  readonly revision: string;
  readonly node: string | undefined;
}

export interface Model {
  /** The documents now: of the planned Deployments and the others that are in motion, but with the placements of all, because those take room. */
  state(): ClusterState;
  /** How many pods of a Deployment were ready on the way so far. */
  readyPods(deployment: string): ReadyPods;
  /** Documents and pods that a step looks at. */
  size(): number;
  /** Writes what the master decided, and lets the workers finish all of it. */
  carryOut(decision: Decision): void;
}

/** The state that a forecast begins with. `running` false: nodes that have registered are taken to be there, as they will be when something runs. */
export function judgedState(state: ClusterState, running: boolean): ClusterState {
  return running ? state : withVerdicts(state, { nodes: allPresent(state) });
}

/** `others`: Deployments that the plan leaves alone, and with which the master has something to do all the same. */
export function openModel(state: ClusterState, items: readonly PlanItem[], others: readonly string[]): Model {
  const planned = items.flatMap(({ name, after }): [string, DeploymentDocument][] => (after ? [[name, after]] : []));
  const moving = others.flatMap((name): [string, DeploymentDocument][] => {
    const document = state.deployments.get(name);
    return document ? [[name, document]] : [];
  });
  const deployments = new Map([...moving, ...planned]);
  const templates = plannedTemplates(state, items);
  const pods = new Map([...state.pods].filter(([name]) => deployments.has(name)));
  const placements = byPod(state.placements, (document: PlacementsDocument) => document.placements);
  const statuses = byPod(state.statuses, (document: StatusesDocument) => document.statuses.map(trusted));
  const { verdicts } = state;
  const isSilent = (name: string) => state.statuses.get(name)?.engine !== undefined || isGivenUp(verdicts.get(name));
  const silent = new Set([...verdicts.keys()].filter(isSilent));
  const world: World = { deployments, pods, placements, statuses, verdicts, silent };
  const ready = openReadyCount(readyNow(state));
  const carryOut = ({ changes, stopFirst }: Decision) => {
    const holds = new Map(stopFirst.map((one) => [one.pod, one.holds]));
    for (const change of changes) write(change, world, holds, ready);
    finishWork(world, ready);
  };
  return {
    state: () => ({
      ...state,
      deployments,
      templates,
      pods,
      placements: documents(placements, (list) => ({ placements: list })),
      statuses: documents(statuses, (list, node) => {
        const engine = state.statuses.get(node)?.engine;
        return { at: "", ...(engine ? { engine } : {}), statuses: list };
      }),
    }),
    readyPods: ready.of,
    size: () => deployments.size + [...placements.values()].reduce((sum, { size }) => sum + size, 0),
    carryOut,
  };
}

/** By node, then by pod. */
type ByPod<T> = Map<string, Map<string, T>>;

function plannedTemplates(state: ClusterState, items: readonly PlanItem[]): ReadonlyMap<string, PodTemplate> {
  const templates = new Map(state.templates);
  for (const { name, after, revision } of items) {
    if (after && revision) templates.set(`${name}/${after.revision}`, revision.template);
  }
  return templates;
}

function allPresent(state: ClusterState): Readonly<Record<string, Verdict>> {
  return Object.fromEntries([...state.nodes.keys()].map((name) => [name, { state: "present" }]));
}

interface World {
  readonly deployments: Map<string, DeploymentDocument>;
  readonly pods: Map<string, PodsDocument>;
  readonly placements: ByPod<Placement>;
  readonly statuses: ByPod<PodStatus>;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Nodes whose engine does not answer: their workers can neither start nor stop anything. */
  readonly silent: ReadonlySet<string>;
}

function write(
  change: DeploymentChange,
  { deployments, pods, placements, statuses, verdicts }: World,
  holds: ReadonlyMap<string, StopFirst["holds"]>,
  ready: ReadyCount,
): void {
  if (change.pods) pods.set(change.deployment, change.pods);
  else pods.delete(change.deployment);
  if (change.finished) deployments.delete(change.deployment);
  const stops: ReadyStop[] = [];
  for (const { node, placement } of change.placements) {
    const { pod, slot, stop } = placement;
    const placed = inner(placements, node);
    const isReady = isLive(verdicts.get(node)) && statuses.get(node)?.get(pod)?.phase === "ready";
    if (stop && isReady && !placed.get(pod)?.stop) stops.push({ slot, reason: stop.reason, holds: holds.get(pod) });
    placed.set(pod, placement);
  }
  ready.fall(change.deployment, stops);
  for (const { node, pod } of change.gone) {
    placements.get(node)?.delete(pod);
    statuses.get(node)?.delete(pod);
  }
}

/** Every worker that is there, and its engine with it, is done with its instructions. A pod that it has given up on stays given up on. */
function finishWork({ deployments, placements, statuses, verdicts, silent }: World, ready: ReadyCount): void {
  for (const [node, placed] of placements) {
    if (!isLive(verdicts.get(node)) || silent.has(node)) continue;
    const seen = inner(statuses, node);
    for (const { pod, deployment, stop } of placed.values()) {
      const status = seen.get(pod);
      const phase = stop ? "stopped" : status?.phase === "failed" ? "failed" : "ready";
      if (status?.phase === phase || !deployments.has(deployment)) continue;
      if (phase === "ready") ready.rise(deployment);
      seen.set(pod, { ...status, pod, phase, restarts: 0 });
    }
  }
}

/** By Deployment, how many pods serve: their worker is there and says so, and nobody has told them to stop. */
export function readyNow({ placements, statuses, verdicts }: ClusterState): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [node, document] of placements) {
    if (!isLive(verdicts.get(node))) continue;
    const seen = new Map(statuses.get(node)?.statuses.map((status) => [status.pod, status.phase]));
    for (const { pod, deployment, stop } of document.placements) {
      if (!stop && seen.get(pod) === "ready") counts.set(deployment, (counts.get(deployment) ?? 0) + 1);
    }
  }
  return counts;
}

/** A rollout waits for one that has ended to stay ready for a while, and in a model no time passes. */
function trusted(status: PodStatus): PodStatus {
  return status.phase === "ready" && status.restarts > 0 ? { ...status, restarts: 0 } : status;
}

/** The pods that should run, by Deployment, sorted by slot. */
export function livePods({ pods, placements }: Pick<ClusterState, "pods" | "placements">): Map<string, LivePod[]> {
  const nodes = new Map<string, string>();
  for (const [node, document] of placements) for (const { pod } of document.placements) nodes.set(pod, node);
  return new Map(
    [...pods].map(([name, document]) => [
      name,
      document.pods
        .filter(({ stop }) => !stop)
        .map(({ id, slot, revision }) => ({ id, slot, revision, node: nodes.get(id) })),
    ]),
  );
}

function byPod<D, T extends { readonly pod: string }>(
  found: ReadonlyMap<string, D>,
  items: (document: D) => readonly T[],
): ByPod<T> {
  return new Map(
    [...found].map(([node, document]) => [node, new Map(items(document).map((item) => [item.pod, item]))]),
  );
}

function documents<T, D>(found: ByPod<T>, document: (items: readonly T[], node: string) => D): ReadonlyMap<string, D> {
  return new Map([...found].map(([node, items]) => [node, document([...items.values()], node)]));
}

function inner<T>(found: ByPod<T>, node: string): Map<string, T> {
  const there = found.get(node);
  if (there) return there;
  const made = new Map<string, T>();
  found.set(node, made);
  return made;
}
