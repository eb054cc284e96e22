// What the controller is told about one Deployment and its pods, and the questions it asks about a pod.
import type { DeploymentDocument } from "../model/deployment.ts";
import type { PodRecord, PodStatus, PodsDocument } from "../model/pod.ts";

/** A pod as it stands: what should be, and what was seen. */
export interface PodFacts {
  readonly record: PodRecord;
  /** Where it is placed; undefined while it is pending. */
  readonly node: string | undefined;
  /** What the worker of that node saw last. */
  readonly status: PodStatus | undefined;
  /** That worker is there, so `status` is what is true now. */
  readonly live: boolean;
  /** Its node no longer has the labels that the Deployment's nodeSelector asks for. */
  readonly misplaced: boolean;
  /** An operator wants its node to be without pods. */
  readonly drained: boolean;
  /** Its node is lost, or the engine there: it may run on, and nobody there can do anything about it. */
  readonly lost: boolean;
  /** An operator has said that its node will not come back. */
  readonly forgotten: boolean;
}

/** How many pods of lost nodes get successors in this pass: all Deployments share it. */
export interface Moves {
  /** Whether one more may be made now; counts it if so. */
  readonly take: () => boolean;
  /** When there may be more. */
  readonly againInMs: number;
  /** For lost nodes nothing is made, and nothing is stopped. */
  readonly held: boolean;
}

export interface DeploymentFacts {
  readonly name: string;
  readonly deployment: DeploymentDocument;
  /** Undefined before the first pass over a new Deployment. */
  readonly document: PodsDocument | undefined;
  /** Sorted by slot, then serial. */
  readonly pods: readonly PodFacts[];
  /** Pods of an older kind whose host port, or place under `maxPerNode`, is all that keeps their successor from being placed. */
  readonly inTheWay: ReadonlySet<string>;
  /** Ids that exist somewhere although no pods document lists them: never given to a new pod. */
  readonly isTaken: (id: string) => boolean;
  readonly moves: Moves;
  /** Of the store; absent: the first. */
  readonly incarnation?: number;
}

/** Durations by the leader's own clock. */
export interface Timers {
  /** Milliseconds since this leader saw `marker` first; 0 when it is new. */
  readonly elapsed: (marker: string) => number;
  /** The wall clock, for what people read. */
  readonly wall: string;
}

/** It answers requests, as far as anyone can know now. */
export function isReady({ status, live, record }: PodFacts): boolean {
  return live && status?.phase === "ready" && record.stop === undefined;
}

/** The worker has given up on it. What an absent worker said last is left alone. */
export function hasFailed({ status, live }: PodFacts): boolean {
  return live && status?.phase === "failed";
}

/** How long a rollout waits for this pod: for good while it has ended (or its slot did before it) and is not ready again; 0: not at all. */
export function distrustMs({ record, status }: PodFacts, trustedAfterMs: number, timers: Timers): number {
  const restarts = status?.restarts ?? 0;
  if (status?.phase !== "ready") {
    const hasEnded = restarts > 0 || status?.phase === "failed" || (record.failures ?? 0) > 0;
    return hasEnded ? Number.POSITIVE_INFINITY : 0;
  }
  return restarts === 0 ? 0 : Math.max(0, trustedAfterMs - timers.elapsed(`trusted/${record.id}/${restarts}`));
}

/** It is not what the Deployment asks for now: another revision, or on a node that it may not be on. */
export function isStale(pod: PodFacts, revision: string): boolean {
  return pod.record.revision !== revision || pod.misplaced || pod.drained;
}

/** It has ended, or was never placed and so never began, or went with its node: nothing is left of it. */
export function isGone({ record, node, status, live, forgotten }: PodFacts): boolean {
  if (forgotten) return true;
  if (!record.stop) return false;
  return node === undefined || (live && status?.phase === "stopped");
}
