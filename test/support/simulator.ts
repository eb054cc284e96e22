// A world without machines: Deployments, nodes and workers as plain documents, moved by actions. The master in it is the real decision.
// Time moves only when an action says so.

import type { Plan } from "../../src/apply/plan.ts";
import { nextState } from "../../src/master/changes.ts";
import { decide } from "../../src/master/decide.ts";
import type { Decision } from "../../src/master/decision.ts";
import type { ClusterState } from "../../src/model/cluster-state.ts";
import type { DeploymentDocument, PlacementRules, Strategy } from "../../src/model/deployment.ts";
import type { ControlDocument, NodeDocument } from "../../src/model/node.ts";
import type { Placement, PodStatus } from "../../src/model/pod.ts";
import type { PodTemplate } from "../../src/model/template.ts";
import { act, builtAt, deployment, node, revisionOf, stateOf, template } from "./builders.ts";

/** What can happen. Numbers choose among what is there, so that every action means something in every world. */
export type Action =
  | { readonly do: "pass" }
  | {
      readonly do: "apply";
      readonly name: string;
      readonly version: number;
      readonly replicas: number;
      readonly shape: Shape;
    }
  /** Writes what a plan says. */
  | { readonly do: "commit"; readonly plan: Plan }
  | { readonly do: "delete"; readonly name: string }
  | { readonly do: "touch"; readonly name: string }
  | {
      /** `engine`: it has been silent for too long; `silence`: it has only just become so. */
      readonly do: "cordon" | "drain" | "absent" | "lost" | "engine" | "silence" | "label";
      readonly node: string;
      readonly on: boolean;
    }
  | { readonly do: "forget"; readonly node: string }
  | { readonly do: "hold"; readonly on: boolean }
  | { readonly do: "worker"; readonly pick: number; readonly fate: "forward" | "crash" | "give-up" }
  | { readonly do: "workers" }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "new-leader" };

/** What differs between Deployments besides the version of their image. */
export interface Shape {
  readonly strategy: Strategy;
  readonly placement: PlacementRules;
  readonly hostPort: boolean;
  readonly memory: string;
}

export interface World {
  state(): ClusterState;
  /** Does it; a pass gives its decision and the state it was decided on. */
  act(action: Action): { readonly before: ClusterState; readonly decision: Decision } | undefined;
  /** What the master would decide now. */
  preview(): Decision;
  /** Passes, good workers and time, until nothing moves; `seen` after each step. Throws when it never ends. */
  settle(seen?: () => void): void;
  /** The same once nothing is cordoned, drained or away any more. */
  calm(): void;
}

export const nodeNames = ["n1", "n2", "n3"];
/** More passes than any rollout of these small worlds needs. */
const calmLimit = 400;

const alike = Object.fromEntries(nodeNames.map((name) => [name, node({ labels: { disk: "ssd" } })]));

export function openWorld(nodes: Readonly<Record<string, NodeDocument>> = alike): World {
  let state = stateOf({ nodes });
  let now = 0;
  let firstSeen: ReadonlyMap<string, number> = new Map();
  let uids = 0;
  const preview = () => decide(state, { now, firstSeen, wall: builtAt });
  const pass = () => {
    const before = state;
    const decision = preview();
    firstSeen = decision.firstSeen;
    state = withoutStrayStatuses(nextState(state, decision));
    return { before, decision };
  };
  const world: World = {
    state: () => state,
    preview,
    act(action) {
      if (action.do === "pass") return pass();
      if (action.do === "wait") now += action.ms;
      else if (action.do === "new-leader") firstSeen = new Map();
      else if (action.do === "commit") state = committed(state, action.plan);
      else if (action.do === "apply") state = apply(state, action, () => (uids += 1));
      else if (action.do === "workers")
        for (const { pod } of allPlacements(state)) state = advance(state, pod.pod, "forward");
      else if (action.do === "worker") {
        const all = allPlacements(state);
        const picked = all[action.pick % Math.max(1, all.length)];
        if (picked) state = advance(state, picked.pod.pod, action.fate);
      } else if (action.do === "delete" || action.do === "touch") state = change(state, action);
      else state = operate(state, action);
      return undefined;
    },
    calm() {
      world.act({ do: "hold", on: false });
      for (const name of Object.keys(nodes)) {
        for (const word of ["cordon", "drain", "engine", "absent"] as const)
          world.act({ do: word, node: name, on: false });
        world.act({ do: "label", node: name, on: true });
      }
      world.settle();
    },
    settle(seen = () => {}) {
      for (let passes = 0; passes < calmLimit; passes += 1) {
        const statuses = state.statuses;
        world.act({ do: "workers" });
        seen();
        const { decision } = pass();
        seen();
        const moved = decision.changes.length + decision.unusedRevisions.length > 0 || state.statuses !== statuses;
        if (moved) continue;
        if (decision.againInMs === undefined) return;
        // Nothing moves any more but time, and the decision itself says how far.
        now += decision.againInMs;
      }
      throw new Error("the world never comes to rest");
    },
  };
  return world;
}

/** Every placement with its node. */
export function allPlacements(state: ClusterState): { readonly node: string; readonly pod: Placement }[] {
  return [...state.placements].flatMap(([name, { placements }]) => placements.map((pod) => ({ node: name, pod })));
}

/** The node of each pod that has one. */
export function nodesOf(state: ClusterState): ReadonlyMap<string, string> {
  return new Map(allPlacements(state).map(({ node: at, pod }) => [pod.pod, at]));
}

/** What the worker saw of a pod. */
export function statusOf(state: ClusterState, on: string, pod: string): PodStatus | undefined {
  return state.statuses.get(on)?.statuses.find((status) => status.pod === pod);
}

function apply(
  state: ClusterState,
  { name, version, replicas, shape }: Extract<Action, { do: "apply" }>,
  nextUid: () => number,
): ClusterState {
  const content = contentOf(version, shape);
  const revision = revisionOf(content);
  const old = state.deployments.get(name);
  const others = (old ? [old.revision, ...old.history] : []).filter((one) => one !== revision);
  const document: DeploymentDocument = deployment({
    uid: old?.uid ?? `uid${nextUid()}`,
    revision,
    history: others.slice(0, 2),
    replicas,
    strategy: shape.strategy,
    placement: shape.placement,
    generation: (old?.generation ?? 0) + 1,
  });
  return {
    ...state,
    deployments: new Map(state.deployments).set(name, document),
    templates: new Map(state.templates).set(`${name}/${revision}`, content),
  };
}

/** The template of a Deployment of this shape. */
export function contentOf(version: number, { memory, hostPort }: Shape): PodTemplate {
  return template({
    image: `demo:${version}`,
    resources: { memory },
    ...(hostPort ? { ports: [{ containerPort: 80, hostPort: 8000 }] } : {}),
  });
}

function committed(state: ClusterState, { items }: Plan): ClusterState {
  const [deployments, templates] = [new Map(state.deployments), new Map(state.templates)];
  for (const { name, after, revision } of items) {
    if (after) deployments.set(name, after);
    if (after && revision) templates.set(`${name}/${after.revision}`, revision.template);
  }
  return { ...state, deployments, templates };
}

function change(state: ClusterState, action: Extract<Action, { do: "delete" | "touch" }>): ClusterState {
  const old = state.deployments.get(action.name);
  if (!old) return state;
  const document = { ...old, generation: old.generation + 1, ...(action.do === "delete" ? { deleted: act } : {}) };
  return { ...state, deployments: new Map(state.deployments).set(action.name, document) };
}

type Operation = Extract<
  Action,
  { do: "cordon" | "drain" | "absent" | "lost" | "engine" | "silence" | "label" | "forget" | "hold" }
>;

function operate(state: ClusterState, action: Operation): ClusterState {
  if (action.do === "hold") {
    const { hold: _old, ...free } = state;
    return action.on ? { ...state, hold: { since: builtAt, reason: "too many are absent" } } : free;
  }
  const control = (word: ControlDocument) => ({ ...state, controls: new Map(state.controls).set(action.node, word) });
  const said = state.controls.get(action.node) ?? {};
  if (action.do === "forget") return control({ ...said, forget: act });
  const { node: name, on } = action;
  if (action.do === "cordon") return control(on ? { ...said, cordoned: act } : withoutCordon(said));
  if (action.do === "drain") return control(on ? { ...said, cordoned: act, drained: act } : withoutCordon(said));
  if (action.do === "label") {
    const labelled = { ...(state.nodes.get(name) ?? node()), labels: on ? { disk: "ssd" } : {} };
    return { ...state, nodes: new Map(state.nodes).set(name, labelled) };
  }
  if (action.do === "engine" || action.do === "silence") {
    return withEngine(state, { name, isSilent: on, isLost: on && action.do === "engine" });
  }
  const verdict = on ? ({ state: action.do, since: builtAt } as const) : ({ state: "present" } as const);
  return { ...state, verdicts: new Map(state.verdicts).set(name, verdict) };
}

/** The worker of a node that is away tells nothing of its engine. */
function withEngine(
  state: ClusterState,
  { name, isSilent, isLost }: { readonly name: string; readonly isSilent: boolean; readonly isLost: boolean },
): ClusterState {
  if (state.verdicts.get(name)?.state !== "present") return state;
  const { statuses = [] } = state.statuses.get(name) ?? {};
  const engine = isSilent ? { engine: { since: builtAt, reason: "Docker does not answer" } } : {};
  return {
    ...state,
    statuses: new Map(state.statuses).set(name, { at: builtAt, ...engine, statuses }),
    verdicts: new Map(state.verdicts).set(name, {
      state: "present",
      ...(isLost ? { engineLost: builtAt } : {}),
    }),
  };
}

function withoutCordon({ cordoned: _old, drained: _too, ...others }: ControlDocument): ControlDocument {
  return others;
}

/** What the worker of the pod's node does next with it, if it is there. */
function advance(state: ClusterState, pod: string, fate: "forward" | "crash" | "give-up"): ClusterState {
  const at = allPlacements(state).find((one) => one.pod.pod === pod);
  if (!at || state.verdicts.get(at.node)?.state !== "present") return state;
  const document = state.statuses.get(at.node);
  // Without its engine a worker hears its probes and no more.
  if (document?.engine && fate !== "crash") return state;
  const old = statusOf(state, at.node, pod);
  const next = nextStatus(at.pod, old, fate);
  if (next === old) return state;
  const others = (document?.statuses ?? []).filter((status) => status.pod !== pod);
  const statuses = [...others, next].sort((a, b) => (a.pod < b.pod ? -1 : 1));
  return { ...state, statuses: new Map(state.statuses).set(at.node, { ...document, at: builtAt, statuses }) };
}

const onward = {
  pulling: "starting",
  starting: "running",
  running: "ready",
  ready: "ready",
  failed: "failed",
} as const;

function nextStatus(
  placement: Placement,
  old: PodStatus | undefined,
  fate: "forward" | "crash" | "give-up",
): PodStatus {
  const { pod } = placement;
  if (!old) return { pod, phase: placement.stop ? "stopped" : "pulling", restarts: 0 };
  const { phase } = old;
  if (placement.stop || phase === "stopping" || phase === "stopped") {
    return phase === "stopped" ? old : { ...old, phase: phase === "stopping" ? "stopped" : "stopping" };
  }
  if (fate === "give-up" && (phase === "pulling" || phase === "starting")) return { ...old, phase: "failed" };
  if (fate === "crash" && (phase === "running" || phase === "ready"))
    return { ...old, phase: "running", restarts: old.restarts + 1 };
  return phase === onward[phase] ? old : { ...old, phase: onward[phase] };
}

/** A worker drops a status as soon as the placement has gone. */
function withoutStrayStatuses(state: ClusterState): ClusterState {
  const placed = new Set(allPlacements(state).map(({ pod }) => pod.pod));
  let changed = false;
  const statuses = new Map(state.statuses);
  for (const [name, document] of statuses) {
    const left = document.statuses.filter(({ pod }) => placed.has(pod));
    if (left.length === document.statuses.length) continue;
    changed = true;
    statuses.set(name, { ...document, statuses: left });
  }
  return changed ? { ...state, statuses } : state;
}
