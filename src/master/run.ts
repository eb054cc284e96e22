// One Deployment in a pass: its pods reconciled, then placed, and once more where a pod has to make way for its successor.
import { type Outcome, reconcile, tidyOrphans } from "../controller/controller.ts";
import type { Moves, PodFacts, Timers } from "../controller/facts.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import type { DeploymentDocument } from "../model/deployment.ts";
import { messageOf } from "../model/errors.ts";
import type { PodRecord, PodsDocument } from "../model/pod.ts";
import { type Explanation, explain } from "../scheduler/explain.ts";
import { satisfiesSelector } from "../scheduler/filters.ts";
import { markStopping, type PodGroup, type Room } from "../scheduler/room.ts";
import { heldBy, schedule } from "../scheduler/scheduler.ts";
import { damageOf } from "./damage.ts";
import type { Problem, StopFirst, UnplacedPod } from "./decision.ts";
import type { Demands } from "./documents-room.ts";
import type { PlacedPod } from "./placed-pods.ts";

export interface RunInput {
  readonly state: ClusterState;
  readonly name: string;
  readonly placed: ReadonlyMap<string, PlacedPod>;
  readonly timers: Timers;
  readonly demands: Demands;
  readonly moves: Moves;
}

export interface Run extends RunInput {
  readonly deployment: DeploymentDocument | undefined;
  /** As the documents have it. */
  readonly document: PodsDocument | undefined;
  readonly facts: readonly PodFacts[];
  /** What this pass has come to so far. */
  next: PodsDocument | undefined;
  readonly finished: boolean;
  /** Nodes found in this pass, by pod. */
  readonly chosen: Map<string, string>;
  /** Pods of `facts` that have a placement. */
  readonly placedCount: number;
  /** A placement says otherwise than the pod's record about stopping, which only a hand can have done. */
  readonly outOfStep: boolean;
  readonly problems: readonly Problem[];
  readonly againInMs: number | undefined;
}

/** Reconciles one Deployment, or the pods that have none. */
export function startRun(input: RunInput): Run {
  const { state, name, placed } = input;
  const deployment = state.deployments.get(name);
  const document = state.pods.get(name);
  const chosen = new Map<string, string>();
  const untouched = {
    ...input,
    deployment,
    document,
    facts: [],
    next: document,
    finished: false,
    chosen,
    placedCount: 0,
    outOfStep: false,
    againInMs: undefined,
  };
  const damage = damageOf(state, name, document?.pods ?? [], (pod) => placed.has(pod));
  if (damage !== undefined) {
    return { ...untouched, document: undefined, next: undefined, problems: [{ deployment: name, message: damage }] };
  }
  try {
    const facts = factsOf(input, document?.pods ?? [], chosen);
    const looked = { ...untouched, facts, ...compareStops(input, facts) };
    if (!deployment) return { ...looked, ...orphans(name, document, facts) };
    const outcome = outcomeOf(input, { deployment, document, facts, inTheWay: new Set() });
    const problems = outcome.problem === undefined ? [] : [{ deployment: name, message: outcome.problem }];
    const { finished, againInMs } = outcome;
    return { ...looked, next: outcome.document, finished, problems, againInMs };
  } catch (error) {
    const message = `its documents cannot be understood (${messageOf(error)}): nothing is done with it`;
    return { ...untouched, document: undefined, next: undefined, problems: [{ deployment: name, message }] };
  }
}

/** Whether pods wait for a node. */
export function hasPending(run: Run): boolean {
  if (run.next === run.document && run.placedCount === run.facts.length) return false;
  return run.deployment !== undefined && run.problems.length === 0 && pendingOf(run).length > 0;
}

/** Finds nodes for what waits. Each round of making way stops at least one pod, within the limits of the rollout, so it ends. */
export function place(
  run: Run,
  room: Room,
  found: { unplaced: Map<string, UnplacedPod>; stopFirst: StopFirst[] },
): void {
  const wanted = run.deployment?.revision ?? "";
  // A failed rollout makes what served on a lost node again as it was: such a pod takes what its own template asks for.
  const former = new Set(pendingOf(run).map(({ revision }) => revision));
  former.delete(wanted);
  for (const revision of [...former, wanted]) placeThose(run, room, revision, found);
}

function placeThose(
  run: Run,
  room: Room,
  revision: string,
  found: { unplaced: Map<string, UnplacedPod>; stopFirst: StopFirst[] },
): void {
  for (;;) {
    const group = groupOf(run, revision);
    if (!group) return;
    const { placed, unplaced } = schedule(room, group);
    for (const [pod, node] of placed) run.chosen.set(pod, node);
    const blocked = new Set(unplaced);
    const holders = blocked.size === 0 ? new Map() : holdersOf(run, room, group, blocked);
    if (holders.size > 0 && makeWay(run, room, holders, found.stopFirst)) continue;
    const explanation = once(() => explain(room, group));
    for (const { id, slot } of pendingOf(run).filter((pod) => pod.revision === revision))
      found.unplaced.set(id, { deployment: run.name, slot, explain: explanation });
    return;
  }
}

/** Tells those holders to stop that may; false when none may now. */
function makeWay(
  run: Run,
  room: Room,
  holders: ReadonlyMap<string, StopFirst["holds"]>,
  stopFirst: StopFirst[],
): boolean {
  const { deployment, next } = run;
  if (!deployment || !next) return false;
  const facts = factsOf(run, next.pods, run.chosen);
  const outcome = outcomeOf(run, { deployment, document: next, facts, inTheWay: new Set(holders.keys()) });
  if (outcome.stopFirst.length === 0) return false;
  for (const pod of outcome.stopFirst) {
    const slot = next.pods.find(({ id }) => id === pod)?.slot ?? 0;
    stopFirst.push({ deployment: run.name, slot, pod, holds: holders.get(pod) ?? "hostPort" });
  }
  run.next = outcome.document;
  for (const { id, stop } of outcome.document?.pods ?? []) if (stop) markStopping(room, id);
  return true;
}

/** Pods that are all that keeps the waiting pod of their own slot from being placed. */
function holdersOf(
  run: Run,
  room: Room,
  group: PodGroup,
  blocked: ReadonlySet<string>,
): Map<string, StopFirst["holds"]> {
  const waiting = new Set((run.next?.pods ?? []).filter(({ id }) => blocked.has(id)).map(({ slot }) => slot));
  const holders = new Map<string, StopFirst["holds"]>();
  for (const { id, slot, stop } of run.next?.pods ?? []) {
    if (stop || blocked.has(id) || !waiting.has(slot)) continue;
    const held = heldBy(room, group, id);
    if (held) holders.set(id, held);
  }
  return holders;
}

function outcomeOf(
  { state, name, placed, timers, demands, moves }: RunInput,
  {
    deployment,
    document,
    facts,
    inTheWay,
  }: {
    readonly deployment: DeploymentDocument;
    readonly document: PodsDocument | undefined;
    readonly facts: readonly PodFacts[];
    readonly inTheWay: ReadonlySet<string>;
  },
): Outcome {
  const known = demands.of(name, deployment.revision) !== undefined;
  const { incarnation = 1 } = state;
  return reconcile(
    { name, deployment, document, pods: facts, inTheWay, isTaken: (id) => placed.has(id), moves, incarnation },
    known,
    timers,
  );
}

/** The pods of a Deployment as they stand. `chosen`: nodes that this pass has found. */
export function factsOf(
  { state, name, placed }: Pick<RunInput, "state" | "name" | "placed">,
  records: readonly PodRecord[],
  chosen: ReadonlyMap<string, string>,
) {
  const selector = state.deployments.get(name)?.placement?.nodeSelector;
  return records.map((record): PodFacts => {
    const there = placed.get(record.id);
    const node = there?.node ?? chosen.get(record.id);
    const labels = selector && node !== undefined ? state.nodes.get(node)?.labels : undefined;
    const misplaced = labels !== undefined && !satisfiesSelector(selector, labels);
    const drained = node !== undefined && state.controls.get(node)?.drained !== undefined;
    const { status, live = false, lost = false, forgotten = false } = there ?? {};
    return { record, node, status, live, misplaced, drained, lost, forgotten };
  });
}

function compareStops({ placed }: RunInput, facts: readonly PodFacts[]) {
  let placedCount = 0;
  let outOfStep = false;
  for (const { record, node } of facts) {
    if (node === undefined) continue;
    placedCount += 1;
    if (placed.get(record.id)?.placement.stop?.reason !== record.stop?.reason) outOfStep = true;
  }
  return { placedCount, outOfStep };
}

function orphans(name: string, document: PodsDocument | undefined, facts: readonly PodFacts[]) {
  const next = document && tidyOrphans(document, facts);
  const count = next?.pods.length ?? 0;
  const message = `${count === 1 ? "1 pod has" : `${count} pods have`} no Deployment document: kept as they are`;
  return { next, problems: count === 0 ? [] : [{ deployment: name, message }] };
}

function pendingOf({ next, placed, chosen }: Run): PodRecord[] {
  return (next?.pods ?? []).filter(({ id, stop }) => !stop && !placed.has(id) && !chosen.has(id));
}

function groupOf(run: Run, revision: string): PodGroup | undefined {
  const { name, deployment, demands } = run;
  const pods = pendingOf(run).flatMap((pod) => (pod.revision === revision ? [pod.id] : []));
  const demand = demands.of(name, revision) ?? (deployment && demands.of(name, deployment.revision));
  if (!deployment || !demand || pods.length === 0) return undefined;
  return { deployment: name, revision, demand, rules: deployment.placement ?? {}, pods };
}

function once(make: () => Explanation): () => Explanation {
  let made: Explanation | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
