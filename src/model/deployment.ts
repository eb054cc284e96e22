// A Deployment: so many identical replicas of one pod template.
import type { SourceCommit } from "./source.ts";
import type { PodTemplate } from "./template.ts";

/** A count (`2`) or a percentage of the replicas (`"25%"`). */
export type CountOrPercent = number | string;

export interface Strategy {
  readonly maxSurge?: CountOrPercent;
  readonly maxUnavailable?: CountOrPercent;
  readonly progressDeadlineSeconds?: number;
}

export interface PlacementRules {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** `node` (the default): replicas go to different nodes as far as there are some. `none`: only balance counts. */
  readonly spread?: "node" | "none";
  readonly maxPerNode?: number;
}

/** What a manifest says, canonical and sparse: the result of the room `manifest/`, the input of the plan. */
export interface DeploymentSpec {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Absent: the manifest does not own the count. */
  readonly replicas?: number;
  readonly template: PodTemplate;
  readonly strategy?: Strategy;
  readonly placement?: PlacementRules;
  readonly protect?: true;
}

/** Who did something, and when: a person's or program's name and an ISO 8601 time. For people; nothing is decided on it. */
export interface Act {
  readonly by: string;
  readonly at: string;
}

/** A count that is not the manifest's. */
export interface Override extends Act {
  readonly count: number;
  /** Nobody said this one: the manifest says a count no more, and its last one goes on. */
  readonly kept?: true;
}

/** `deployments/<name>`. Written by the plan (CLI). */
export interface DeploymentDocument {
  /** Sixteen random hex digits from its creation: a name used again is another Deployment. */
  readonly uid: string;
  /** The revision wanted now, a key under `revisions/<name>/`. */
  readonly revision: string;
  /** Earlier revisions, newest first, without the current one; at most `historyLimit`. */
  readonly history: readonly string[];
  readonly replicas: {
    /** What the manifest said at the last apply, if it said a count. */
    readonly file?: number;
    /** What `scale` said; ends when the manifest's own count changes, or by `scale --reset`. */
    readonly override?: Override;
  };
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly strategy?: Strategy;
  readonly placement?: PlacementRules;
  readonly protect?: true;
  /** Where it comes from: `cli` (plain `apply` and `deploy`), or a name given with --source. Only this source changes it, unless another one adopts it. */
  readonly source: string;
  /** What its manifest was read from last, where that was Git. */
  readonly commit?: SourceCommit;
  /** Of everything the manifest says, twelve hex digits. */
  readonly manifestHash: string;
  /** Raised by every write of this document: `pods` says which one it was computed from. */
  readonly generation: number;
  readonly created: Act;
  readonly updated: Act;
  /** Set by `delete`: the master stops its pods and then removes all its documents. */
  readonly deleted?: Act;
}

export const historyLimit = 10;
/** As the schema has it: `pods` of one Deployment stay a few documents, and a slip of the finger starts no million containers. */
export const replicasLimit = 10_000;

/**
 * The defaults of the Deployment's own fields, as `templateDefaults` holds those of the template.
 * maxSurge 1 and maxUnavailable 0: a successor is ready before its predecessor leaves (law 6).
 */
export const deploymentDefaults = Object.freeze({
  replicas: 1,
  maxSurge: 1,
  maxUnavailable: 0,
  progressDeadlineSeconds: 120,
  spread: "node",
} as const);

/** How many pods should run: the override, else the manifest's count, else one. */
export function wantedReplicas(deployment: Pick<DeploymentDocument, "replicas">): number {
  return deployment.replicas.override?.count ?? deployment.replicas.file ?? deploymentDefaults.replicas;
}

/** A count or percentage of `replicas` as a number of pods. Percentages round up for surge and down for unavailability, as in Kubernetes. */
export function podsOf(value: CountOrPercent, replicas: number, round: "up" | "down"): number {
  if (typeof value === "number") return value;
  // In this order: 7% as a fraction is a little more than it should be, and 100 times that is more than 7.
  const share = (Number.parseFloat(value) * replicas) / 100;
  return round === "up" ? Math.ceil(share) : Math.floor(share);
}

/** So many of them, for people: `1 Deployment`, `3 Deployments`. */
export function deploymentsText(count: number): string {
  return count === 1 ? "1 Deployment" : `${count} Deployments`;
}
