// The controller: Deployments → the pods that should exist, rolling updates included. Pure: it gets one Deployment with what is known
// about its pods and gives the next `pods` document; it reads and writes nothing.
import { replicasLimit, wantedReplicas } from "../model/deployment.ts";
import type { PodRecord, PodsDocument, StopReason } from "../model/pod.ts";
import { noted, replaceInMs } from "./backoff.ts";
import { type DeploymentFacts, hasFailed, isGone, isReady, type PodFacts, type Timers } from "./facts.ts";
import { openSerials } from "./pod-id.ts";
import { beyondLimits, limitsOf, noSteps, rolloutOf, stepsOf, wantedPods } from "./rollout.ts";
import { lostRevision, type Slot, sortSlot, staleReason } from "./slots.ts";

export interface Outcome {
  /** The next document; the same object when nothing changes, undefined when there is none and none is needed. */
  readonly document: PodsDocument | undefined;
  /** The Deployment is deleted and nothing is left of it: all its documents go. */
  readonly finished: boolean;
  /** Pods told to stop before a successor is ready, because their host port or place is in its way. */
  readonly stopFirst: readonly string[];
  /** Why nothing is done for this Deployment. */
  readonly problem?: string;
  /** Look again then, whatever happens. */
  readonly againInMs?: number;
}

/** What must exist next. `known` tells whether the template of the wanted revision is there. */
export function reconcile(facts: DeploymentFacts, known: boolean, timers: Timers): Outcome {
  if (isSteady(facts)) return { document: facts.document, finished: false, stopFirst: [] };
  const { deployment, document } = facts;
  const pods = observed(facts.pods, timers);
  const draft = openDraft(facts, pods);
  if (deployment.deleted) {
    draft.stopAll("delete");
    return { document: draft.next(document?.rollout), finished: draft.isEmpty(), stopFirst: [] };
  }
  // The name belongs to another Deployment now, and one document holds the pods of one: the former's have to leave it first.
  if (document && document.uid !== deployment.uid) {
    draft.stopAll("delete");
    if (!draft.isEmpty()) return { document: draft.next(document.rollout), finished: false, stopFirst: [] };
    return reconcile({ ...facts, document: undefined, pods: [] }, known, timers);
  }
  const problem = known
    ? replicasProblem(facts)
    : `revision ${deployment.revision} has no template: apply the manifest again`;
  if (problem !== undefined) {
    const next = document === undefined ? undefined : draft.next(document.rollout, document.generation);
    return { document: next, finished: false, stopFirst: [], problem };
  }
  return roll(facts, pods, draft, timers);
}

/** Pods without a Deployment are kept: absence never means anything. Only those leave that had been told to stop and have. */
export function tidyOrphans(document: PodsDocument, pods: readonly PodFacts[]): PodsDocument | undefined {
  const left = pods.filter((pod) => !isGone(pod)).map(({ record }) => record);
  if (left.length === 0) return undefined;
  return left.length === document.pods.length ? document : { ...document, pods: left };
}

function roll(facts: DeploymentFacts, pods: readonly PodFacts[], draft: Draft, timers: Timers): Outcome {
  const { deployment } = facts;
  const limits = limitsOf(deployment);
  const bySlot = groupBySlot(pods);
  const sorted = (frozen: boolean) =>
    Array.from({ length: limits.replicas }, (_, slot) =>
      sortSlot(slot, bySlot.get(slot) ?? [], deployment.revision, frozen),
    );
  let slots = sorted(false);
  const { rollout, againInMs } = rolloutOf(facts, slots, timers);
  const frozen = rollout.state === "failed";
  if (frozen) slots = sorted(true);
  const waits = [againInMs ?? Number.POSITIVE_INFINITY];

  for (const pod of pods) if (pod.record.slot >= limits.replicas) draft.stop(pod, "scale-down");
  for (const { stops } of slots) for (const { pod, reason } of stops) draft.stop(pod, reason);
  // Where a slot gets back what served there, beside a successor that does not, the rollout's limit holds for the two.
  const spare = { left: limits.replicas + limits.surge - wantedPods(slots) };
  for (const slot of slots) {
    if (slot.keeper || slot.predecessor) waits.push(retry(slot, draft, frozen, timers));
    else if (slot.lost.length === 0) draft.create(slot.slot);
    if (slot.lost.length > 0) waits.push(replaceLost(slot, { draft, frozen, spare }, facts));
  }
  const narrowed = new Map(beyondLimits(slots, limits).map((slot) => [slot, narrow(slot, draft)]));
  const left = slots.map((slot) => narrowed.get(slot) ?? slot);
  const steps = frozen ? noSteps : stepsOf(left, limits, facts.inTheWay, timers);
  waits.push(steps.againInMs);
  for (const { slot } of steps.surge) draft.create(slot);
  for (const { slot, keeper, predecessor } of steps.stopFirst) {
    if (predecessor) draft.stop(predecessor, staleReason(predecessor, deployment.revision));
    if (!keeper) draft.create(slot);
  }
  const stopFirst = steps.stopFirst.flatMap(({ keeper, predecessor }) =>
    keeper && predecessor ? [predecessor.record.id] : [],
  );
  const next = Math.min(...waits);
  return {
    document: draft.next(rollout),
    finished: false,
    stopFirst,
    ...(Number.isFinite(next) ? { againInMs: next } : {}),
  };
}

/** Replaces a pod that the worker gave up on when its time has come; gives how long that is still away. */
function retry({ slot, keeper, predecessor }: Slot, draft: Draft, frozen: boolean, timers: Timers): number {
  if (!keeper || !hasFailed(keeper) || (predecessor && frozen)) return Number.POSITIVE_INFINITY;
  const leftMs = replaceInMs(keeper, timers);
  if (leftMs > 0) return leftMs;
  draft.stop(keeper, "replaced");
  const { failures } = keeper.record;
  draft.create(slot, failures === undefined ? {} : { failures });
  return Number.POSITIVE_INFINITY;
}

/** Gives a slot whose pods are on lost nodes another one, and lets them go once one is ready; gives when there may be more. */
function replaceLost(
  slot: Slot,
  { draft, frozen, spare }: { readonly draft: Draft; readonly frozen: boolean; readonly spare: { left: number } },
  { deployment, moves }: DeploymentFacts,
): number {
  const { keeper, predecessor, lost } = slot;
  const isReplaced = [keeper, frozen ? predecessor : undefined].some((pod) => pod !== undefined && isReady(pod));
  if (isReplaced && !moves.held) for (const pod of lost) draft.stop(pod, "lost");
  // A failed rollout stays as it is: what served keeps its revision, as it would have on a node that is not lost.
  const served = frozen ? lostRevision(slot, deployment.revision) : undefined;
  const isSecond = keeper !== undefined || predecessor !== undefined;
  if (isSecond && (!served || spare.left <= 0)) return Number.POSITIVE_INFINITY;
  if (moves.take()) {
    draft.create(slot.slot, { revision: served ?? deployment.revision });
    if (isSecond) spare.left -= 1;
  } else if (!moves.held) return moves.againInMs;
  return Number.POSITIVE_INFINITY;
}

/** Stops one of the two pods of a slot; gives the slot as it is then. */
function narrow({ keeper, predecessor, ...slot }: Slot, draft: Draft): Slot {
  if (keeper && isReady(keeper)) {
    if (predecessor) draft.stop(predecessor, "rollout");
    return { ...slot, keeper };
  }
  if (keeper) draft.stop(keeper, "superseded");
  return { ...slot, ...(predecessor ? { predecessor } : {}), waits: slot.waits || keeper?.live === true };
}

type Draft = ReturnType<typeof openDraft>;

/** The next document while it is being thought out. */
function openDraft({ deployment, document, isTaken, incarnation }: DeploymentFacts, pods: readonly PodFacts[]) {
  const records = new Map<string, PodRecord>(pods.map(({ record }) => [record.id, record]));
  const uid = document?.uid ?? deployment.uid;
  const first = (document?.pods ?? []).reduce(
    (next, { serial }) => Math.max(next, serial + 1),
    document?.nextSerial ?? 0,
  );
  const serials = openSerials(uid, first, isTaken, incarnation);
  const stop = ({ record, node }: PodFacts, reason: StopReason) => {
    if (record.stop) return;
    if (node === undefined) records.delete(record.id);
    else records.set(record.id, { ...record, stop: { reason } });
  };
  return {
    stop,
    stopAll(reason: StopReason) {
      for (const pod of pods) stop(pod, reason);
    },
    create(slot: number, fields: Partial<Pick<PodRecord, "revision" | "failures">> = {}) {
      const pod = { ...serials.next(), slot, revision: deployment.revision, ...fields };
      records.set(pod.id, pod);
    },
    isEmpty: () => records.size === 0,
    next(rollout: PodsDocument["rollout"], generation: number | undefined = deployment.generation): PodsDocument {
      const nextPods = [...records.values()].sort((a, b) => a.slot - b.slot || a.serial - b.serial);
      const { rollout: _over, generation: _older, ...rest } = document?.uid === uid ? document : {};
      const made: PodsDocument = {
        // What a newer release has written there stays.
        ...rest,
        uid,
        ...(generation === undefined ? {} : { generation }),
        nextSerial: serials.nextSerial(),
        ...(rollout ? { rollout } : {}),
        pods: nextPods,
      };
      return document && isSameDocument(document, made) ? document : made;
    },
  };
}

/** Without those that have gone, and with what was seen of them written down. */
function observed(pods: readonly PodFacts[], timers: Timers): PodFacts[] {
  return pods
    .filter((pod) => !isGone(pod))
    .map((pod) => {
      const record = noted(pod, timers);
      return record === pod.record ? pod : { ...pod, record };
    });
}

/** By far the most common case, and so the one that must cost nothing: everything runs as it should. */
export function isSteady({
  deployment,
  document,
  pods,
}: Pick<DeploymentFacts, "deployment" | "document" | "pods">): boolean {
  if (!document || deployment.deleted || document.uid !== deployment.uid) return false;
  if (document.generation !== deployment.generation || document.rollout?.state !== "complete") return false;
  if (document.rollout.revision !== deployment.revision || pods.length !== wantedReplicas(deployment)) return false;
  return pods.every(
    (pod, slot) =>
      pod.record.slot === slot &&
      pod.record.revision === deployment.revision &&
      pod.record.wasReady === true &&
      pod.record.failures === undefined &&
      !pod.misplaced &&
      !pod.drained &&
      !pod.lost &&
      isReady(pod),
  );
}

function replicasProblem({ deployment }: DeploymentFacts): string | undefined {
  const replicas = wantedReplicas(deployment);
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= replicasLimit) return undefined;
  return `replicas is ${replicas}: it must be a count from 0 to ${replicasLimit}`;
}

function groupBySlot(pods: readonly PodFacts[]): Map<number, PodFacts[]> {
  const slots = new Map<number, PodFacts[]>();
  for (const pod of pods) {
    const there = slots.get(pod.record.slot);
    if (there) there.push(pod);
    else slots.set(pod.record.slot, [pod]);
  }
  return slots;
}

/** Records are replaced, never changed, so the same objects mean the same pods. */
function isSameDocument(a: PodsDocument, b: PodsDocument): boolean {
  return (
    a.uid === b.uid &&
    a.generation === b.generation &&
    a.nextSerial === b.nextSerial &&
    a.pods.length === b.pods.length &&
    a.pods.every((record, index) => record === b.pods[index]) &&
    (a.rollout === b.rollout || JSON.stringify(a.rollout) === JSON.stringify(b.rollout))
  );
}
