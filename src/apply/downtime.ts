// Why a Deployment is for a while without a ready pod, in words. Pure.
import { type DeploymentDocument, deploymentDefaults } from "../model/deployment.ts";
import { podName, stopReasonText } from "../model/pod.ts";
import type { Fall } from "./ready-pods.ts";

/**
 * Downtime: a Deployment that has a ready pod now is for a while, or from then on, without any.
 *
 * - `delete`, `scale`: it was asked for, by a deletion or a count of 0
 * - `hostPort`, `maxPerNode`: the last ready pod has to leave before its successor can start, which needs what it holds
 * - `strategy`: maxSurge and maxUnavailable let all its pods be away at once
 * - `other`: anything else that ends a pod
 */
export interface Downtime {
  readonly why: "delete" | "scale" | "hostPort" | "maxPerNode" | "strategy" | "other";
  readonly message: string;
}

/** So many pods are named, the rest is counted. */
const namedPodsLimit = 3;

/** What to say of a fall to no ready pod. `document`: what is wanted. */
export function downtimeOf(name: string, { slots, reason, holds }: Fall, document: DeploymentDocument): Downtime {
  const { deleted, strategy, placement } = document;
  const pods = namesOf(name, slots);
  if (deleted) return { why: "delete", message: "it is deleted" };
  if (reason === "scale-down") return { why: "scale", message: "it is scaled to 0" };
  if (holds === "hostPort")
    return { why: "hostPort", message: `${pods} must leave its host port before the successor can start` };
  if (holds === "maxPerNode") {
    const limit = `maxPerNode ${placement?.maxPerNode}`;
    return { why: "maxPerNode", message: `${pods} must leave its node (${limit}) before the successor can start` };
  }
  if (reason !== "rollout" && reason !== "misplaced" && reason !== "drain")
    return { why: "other", message: `${pods}: ${stopReasonText[reason]}` };
  const { maxSurge = deploymentDefaults.maxSurge, maxUnavailable = deploymentDefaults.maxUnavailable } = strategy ?? {};
  const stop = slots.length === 1 ? "stops before its successor is" : "stop before their successors are";
  const limits = `maxSurge ${maxSurge}, maxUnavailable ${maxUnavailable}`;
  return { why: "strategy", message: `${pods} ${stop} ready, by its strategy (${limits})` };
}

function namesOf(name: string, slots: readonly number[]): string {
  const named = slots.slice(0, namedPodsLimit).map((slot) => podName(name, slot));
  return named.join(", ") + (slots.length > named.length ? ` and ${slots.length - named.length} more` : "");
}
