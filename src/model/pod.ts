// A pod: one incarnation in a slot of a Deployment. Four documents speak of it, each with one writer:
// `pods` (master: that it should exist), `placements` (master: on which node), `statuses` and `failures` (worker: what it saw).

/** Why a pod is told to end. The text for people is in `stopReasonText`. */
export type StopReason =
  | "rollout" // a ready successor of a newer revision is there, or the slot goes stop-first
  | "superseded" // a newer revision is wanted and this one never became ready
  | "scale-down"
  | "delete"
  | "replaced" // the worker gave up on it, and a successor was made
  | "misplaced" // its node no longer satisfies `placement`
  | "drain" // its node is drained, and its successor elsewhere is ready
  | "lost"; // its node was lost, and its successor elsewhere is ready

/** One pod that should exist, in `pods/<deployment>`. */
export interface PodRecord {
  /** Twelve hex digits of a hash of the Deployment's uid and a rising serial: unique, never used again. */
  readonly id: string;
  readonly serial: number;
  readonly slot: number;
  readonly revision: string;
  /** Absent: it should run. */
  readonly stop?: { readonly reason: StopReason };
  /** The pod became ready at least once (recorded by the master when it sees it). */
  readonly wasReady?: true;
  /** How often in a row the worker gave up on a pod of this slot, this one included once it has `notBefore`. A ready pod ends the row. */
  readonly failures?: number;
  /** The worker gave up on this pod: its successor comes about then. The master's own monotonic clock decides; this is for people. */
  readonly notBefore?: string;
}

/** How a rollout stands. The master judges the deadline with its own monotonic clock; `since` is for people. */
export interface Rollout {
  readonly revision: string;
  readonly state: "progressing" | "complete" | "failed";
  /** Of this state. */
  readonly since: string;
  /** While progressing: the most slots that had a ready pod of the wanted kind. Each rise restarts the deadline. */
  readonly ready?: number;
  /** With `failed`: why, as one sentence. */
  readonly reason?: string;
}

/** `pods/<deployment>`; slots past the first `slotsPerChunk` are in further chunks, which hold `uid` and `pods` only. Written by the master. */
export interface PodsDocument {
  /** Of the Deployment these pods belong to. */
  readonly uid: string;
  /** The Deployment's generation that this was computed from. */
  readonly generation?: number;
  readonly nextSerial?: number;
  readonly rollout?: Rollout;
  /** Sorted by slot, then serial. */
  readonly pods: readonly PodRecord[];
}

/** The instruction to a worker: run this pod, or stop it. */
export interface Placement {
  /** The pod's id. */
  readonly pod: string;
  readonly deployment: string;
  readonly slot: number;
  readonly revision: string;
  readonly stop?: { readonly reason: StopReason };
}

/** `placements/<node>`: all that this worker needs besides the templates. Written by the master. */
export interface PlacementsDocument {
  /**
   * How often it has been written. Only a master that follows the store raises it, so whoever has seen a higher one is looking at an
   * older copy of the store, however much others have written into that copy since.
   */
  readonly count?: number;
  /** Sorted by deployment, slot, then pod. */
  readonly placements: readonly Placement[];
}

/** What the worker saw. Stable codes for machines; the message is for people and says what to do. */
export type ReasonCode =
  | "IMAGE_NOT_FOUND"
  | "IMAGE_PULL_DENIED"
  | "IMAGE_PULL_FAILED" // network or registry trouble: is tried again
  | "IMAGE_NOT_PRESENT" // policy Never
  | "IMAGE_WAITS" // others are being pulled first
  | "BAD_COMMAND"
  | "BAD_TEMPLATE" // the engine refuses the container for another reason
  | "PORT_TAKEN"
  | "CRASHED"
  | "OUT_OF_MEMORY"
  | "LIVENESS_FAILED"
  | "NOT_READY"
  | "ENGINE_ERROR";

export interface Reason {
  readonly code: ReasonCode;
  /** At most 160 characters, fewer where the status would take more than its 300 bytes. */
  readonly message: string;
}

/** How far the worker has come with a pod. `failed`: it has given up, and only a new revision or pod helps. */
export type ObservedPhase = "pulling" | "starting" | "running" | "ready" | "stopping" | "stopped" | "failed";

/** One pod in `statuses/<node>`; at most 300 bytes. */
export interface PodStatus {
  readonly pod: string;
  readonly phase: ObservedPhase;
  /** First twelve digits of the container's id. */
  readonly container?: string;
  readonly ip?: string;
  /** While its image is pulled: how much of it is here, in percent and in steps of ten, where the engine tells. */
  readonly pulled?: number;
  /** Starts after the first one. */
  readonly restarts: number;
  /** Of the last end. */
  readonly exitCode?: number;
  /** Why it is not (yet) ready, or why it restarted last. */
  readonly reason?: Reason;
  /** Of the running container. */
  readonly startedAt?: string;
}

/** `statuses/<node>`. Written by that worker, only when something changed. */
export interface StatusesDocument {
  /** When it was written: for "last change 3m ago". */
  readonly at: string;
  /** Which boot of the machine this is true of: with another one no process of these pods lives any more. */
  readonly boot?: string;
  /** The worker does not follow this store: it keeps running what it knew, and stops nothing. */
  readonly hold?: WorkerHold;
  /** The engine of this node is silent: pods are asked on over the network, and nothing is started or stopped. */
  readonly engine?: EngineSilence;
  /** Sorted by pod. */
  readonly statuses: readonly PodStatus[];
}

/** Since when a worker cannot use its engine, why, and what to do. */
export interface EngineSilence {
  readonly since: string;
  readonly reason: string;
}

/** Why a worker does not follow the store, and what it would do here if it did. */
export interface WorkerHold {
  readonly since: string;
  readonly reason: string;
  /** The store's that it knows: whatever it is to follow has a higher one. */
  readonly incarnation: number;
  /** The first names, and how many there are in all. */
  readonly stops: { readonly count: number; readonly names: readonly string[] };
  readonly starts: { readonly count: number; readonly names: readonly string[] };
}

/** The last failure in a slot. */
export interface Failure {
  readonly deployment: string;
  readonly slot: number;
  readonly pod: string;
  readonly revision: string;
  readonly at: string;
  readonly exitCode?: number;
  readonly reason: Reason;
  /** The last lines that the container wrote: at most `failureLines` of at most `failureLineBytes` as JSON. */
  readonly lines: readonly string[];
}

/** `failures/<node>`. Written by that worker; no loop watches it. */
export interface FailuresDocument {
  /** Newest first, one for each slot, at most `failuresPerNode` and `failuresBytes` as JSON. */
  readonly failures: readonly Failure[];
}

export const failureLines = 20;
export const failureLineBytes = 256;
export const failuresPerNode = 100;
/** The document goes in one commit with `statuses/<node>`. */
export const failuresBytes = 400 * 1024;

/** `<deployment>-<slot>`: what people and DNS call a pod. */
export function podName(deployment: string, slot: number): string {
  return `${deployment}-${slot}`;
}

/** So many of them, for people: `1 pod`, `3 old pods`. */
export function podsText(count: number, kind = ""): string {
  return `${count} ${kind}${count === 1 ? "pod" : "pods"}`;
}

/** Why a pod was stopped, for people. */
export const stopReasonText: Readonly<Record<StopReason, string>> = Object.freeze({
  rollout: "replaced by a newer revision",
  superseded: "superseded before it was ready",
  "scale-down": "scaled down",
  delete: "deleted",
  replaced: "replaced after it failed",
  misplaced: "its node no longer satisfies the placement",
  drain: "moved away: its node is drained",
  lost: "its node was lost and another pod has taken its place",
});
