// How a Deployment gets from its old pods to the wanted ones: one step after another within its limits, and a deadline.
import { type DeploymentDocument, deploymentDefaults, podsOf, wantedReplicas } from "../model/deployment.ts";
import { type PodsDocument, podName, type Rollout } from "../model/pod.ts";
import { type DeploymentFacts, distrustMs, isReady, type PodFacts, type Timers } from "./facts.ts";
import type { Slot } from "./slots.ts";

export interface Limits {
  readonly replicas: number;
  /** Pods that should run may be so many more than `replicas` … */
  readonly surge: number;
  /** … and so many slots may be without a ready pod for the rollout's sake. */
  readonly unavailable: number;
  /** A pod that has ended is trusted once it has been ready for so long: well within the deadline, which this must not bring about. */
  readonly trialMs: number;
}

/** A program that ends again and again is ready in between: after an end it has to stay so for this long to be trusted. */
const longestTrialMs = 10_000;

/** The limits as counts. Both 0 would allow no step at all, so one pod may then be unavailable, as in Kubernetes. */
export function limitsOf(deployment: DeploymentDocument): Limits {
  const replicas = wantedReplicas(deployment);
  const { maxSurge = deploymentDefaults.maxSurge, maxUnavailable = deploymentDefaults.maxUnavailable } =
    deployment.strategy ?? {};
  const surge = countOf(podsOf(maxSurge, replicas, "up"));
  const unavailable = countOf(podsOf(maxUnavailable, replicas, "down"));
  const trialMs = Math.min(longestTrialMs, deadlineSeconds(deployment) * 500);
  return { replicas, surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable, trialMs };
}

export interface Steps {
  /** Slots that get a successor beside their predecessor. */
  readonly surge: readonly Slot[];
  /** Slots whose predecessor stops before it has a ready successor. */
  readonly stopFirst: readonly Slot[];
  /** When time alone allows the next ones; Infinity: never. */
  readonly againInMs: number;
}

export const noSteps: Steps = { surge: [], stopFirst: [], againInMs: Number.POSITIVE_INFINITY };

/** The steps that are possible now. None while a pod of the wanted kind has crashed and is not to be trusted again: more of it would only do more harm. */
export function stepsOf(
  slots: readonly Slot[],
  limits: Limits,
  inTheWay: DeploymentFacts["inTheWay"],
  timers: Timers,
): Steps {
  if (!slots.some(({ predecessor }) => predecessor)) return noSteps;
  const distrust = Math.max(0, ...slots.map(({ keeper }) => (keeper ? distrustMs(keeper, limits.trialMs, timers) : 0)));
  return distrust > 0 ? { ...noSteps, againInMs: distrust } : trustedSteps(slots, limits, inTheWay);
}

/** Pods that should run when every slot has one. */
export function wantedPods(slots: readonly Slot[]): number {
  return slots.reduce((sum, { keeper, predecessor }) => sum + (keeper && predecessor ? 2 : 1), 0);
}

function trustedSteps(
  slots: readonly Slot[],
  { replicas, surge, unavailable }: Limits,
  inTheWay: DeploymentFacts["inTheWay"],
): Steps {
  const steps: { surge: Slot[]; stopFirst: Slot[] } = { surge: [], stopFirst: [] };
  let free = replicas + surge - wantedPods(slots);
  let down = slots.filter((slot) => !hasReady(slot)).length;
  let changing = slots.filter(({ keeper, predecessor }) => !predecessor && !(keeper && isReady(keeper))).length;
  const mayStop = (slot: Slot, limit: number) => (hasReady(slot) ? down : changing) < limit;
  const stopFirst = (slot: Slot) => {
    steps.stopFirst.push(slot);
    if (hasReady(slot)) down += 1;
    changing += 1;
  };
  for (const slot of slots) {
    const held = slot.keeper && slot.predecessor && inTheWay.has(slot.predecessor.record.id);
    if (!held || !mayStop(slot, Math.max(1, unavailable))) continue;
    stopFirst(slot);
    free += 1;
  }
  // Those that serve nobody go first: replacing them can only help.
  const next = slots.filter(({ keeper, predecessor, waits }) => predecessor && !keeper && !waits);
  for (const slot of [...next.filter((one) => !hasReady(one)), ...next.filter(hasReady)]) {
    if (free > 0) {
      free -= 1;
      steps.surge.push(slot);
    } else if (mayStop(slot, unavailable)) stopFirst(slot);
  }
  return { ...steps, againInMs: Number.POSITIVE_INFINITY };
}

/** Slots whose successor has to go again, because the limits have become narrower since it was made; the highest first. */
export function beyondLimits(slots: readonly Slot[], { surge }: Limits): Slot[] {
  const doubled = slots.filter(({ keeper, predecessor }) => keeper && predecessor);
  return doubled.reverse().slice(0, Math.max(0, doubled.length - surge));
}

/** How the rollout stands now, and when to look again for its deadline. */
export function rolloutOf(
  { name, deployment, document }: DeploymentFacts,
  slots: readonly Slot[],
  timers: Timers,
): { readonly rollout: Rollout; readonly againInMs?: number } {
  const previous = document?.rollout;
  const { revision, generation, uid } = deployment;
  if (slots.every(isDone)) {
    if (previous?.state === "complete" && previous.revision === revision) return { rollout: previous };
    return { rollout: { revision, state: "complete", since: timers.wall } };
  }
  const same = previous !== undefined && isSame(document, deployment);
  if (same && previous.state !== "progressing") return { rollout: previous };
  const done = slots.filter(isDone).length;
  const ready = same ? Math.max(done, previous.ready ?? 0) : done;
  const deadlineMs = deadlineSeconds(deployment) * 1000;
  const leftMs = deadlineMs - timers.elapsed(`rollout/${uid}/${generation}/${ready}`);
  if (leftMs <= 0) {
    const reason = failureText(name, deployment, slots);
    return { rollout: { revision, state: "failed", since: timers.wall, reason } };
  }
  const since = same ? previous.since : timers.wall;
  return { rollout: { revision, state: "progressing", since, ready }, againInMs: leftMs };
}

/** Whether the slot has a ready pod of the wanted kind. */
function isDone({ keeper }: Slot): boolean {
  return keeper !== undefined && isReady(keeper);
}

function hasReady({ keeper, predecessor }: Slot): boolean {
  return (keeper !== undefined && isReady(keeper)) || (predecessor !== undefined && isReady(predecessor));
}

function isSame(document: PodsDocument | undefined, deployment: DeploymentDocument): boolean {
  return document?.generation === deployment.generation && document.rollout?.revision === deployment.revision;
}

/** The first slot that is not done speaks for all: they mostly have the same trouble. */
function failureText(name: string, deployment: DeploymentDocument, slots: readonly Slot[]): string {
  const open = slots.filter((slot) => !isDone(slot));
  const [first] = open;
  const told = first?.keeper?.status?.reason?.message;
  const state = first?.keeper === undefined ? "waits for its turn" : (told ?? stateText(first.keeper));
  const counts = `${slots.length - open.length} of ${slots.length} pods of revision ${deployment.revision} are ready`;
  const pod = first === undefined ? "" : `; ${podName(name, first.slot)} ${told === undefined ? "" : "says: "}${state}`;
  return `no progress for ${deadlineSeconds(deployment)} s: ${counts}${pod}`;
}

function stateText({ node, status, live }: PodFacts): string {
  if (node === undefined) return "fits on no node";
  if (!live) return `is on ${node}, which is absent`;
  return `is ${status?.phase ?? "placed"} on ${node}`;
}

function deadlineSeconds({ strategy }: DeploymentDocument): number {
  return strategy?.progressDeadlineSeconds ?? deploymentDefaults.progressDeadlineSeconds;
}

/** What a hand-made document may hold is made a count. */
function countOf(value: number): number {
  return value > 0 ? Math.floor(value) : 0;
}
