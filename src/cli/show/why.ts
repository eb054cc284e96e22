// `why`: each thing about a pod that somebody may wonder about, with its reason. Pure.
import { templateOf } from "../../model/cluster-state.ts";
import { deploymentDefaults, type PlacementRules } from "../../model/deployment.ts";
import type { JoinedPod } from "../../model/joined-pod.ts";
import type { Phase } from "../../model/phase.ts";
import { type Failure, type ReasonCode, stopReasonText } from "../../model/pod.ts";
import { refusalTexts } from "../../scheduler/explain.ts";
import { age, duration } from "../print.ts";
import { awayText } from "./away.ts";
import { failureOf, likelyCause } from "./failures.ts";
import type { Observation } from "./observe.ts";
import { type PodRow, podRows } from "./rows.ts";
import { stuckReason } from "./stuck.ts";
import { explainPod, waitingPods } from "./waiting.ts";

export type WhyTopic = "pending" | "placed" | "stopping" | "failed" | "not ready" | "restarted" | "statuses" | "node";

export interface Because {
  readonly topic: WhyTopic;
  readonly message: string;
  /** One line for each node, or the last lines of a container. */
  readonly details: readonly string[];
}

/** `why -o json`. */
export interface WhyDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Why";
  readonly pod: PodRow;
  readonly because: readonly Because[];
}

export function why(observation: Observation, joined: JoinedPod, failures: readonly Failure[]): WhyDocument {
  const row = podRows(observation).find(({ id }) => id === joined.pod.id);
  if (!row) throw new RangeError(`no pod ${joined.pod.id}`);
  const because = [
    staleness(observation, row),
    away(observation, joined),
    stopping(joined),
    placing(observation, joined),
    failing(observation, joined, failures),
    restarting(observation, joined, failures),
    waiting(observation, joined),
  ];
  return {
    apiVersion: "orchestra/v1",
    kind: "Why",
    pod: row,
    because: because.filter((reason) => reason !== undefined),
  };
}

function staleness({ nowMs }: Observation, { live, node, asOf }: PodRow): Because | undefined {
  if (live || node === undefined) return undefined;
  const when = asOf === undefined ? "" : `; what follows was true ${age(asOf, nowMs)} ago`;
  return { topic: "statuses", message: `no worker runs on ${node}${when}`, details: [] };
}

function away(observation: Observation, joined: JoinedPod): Because | undefined {
  const message = awayText(observation, joined) ?? stuckText(observation, joined);
  return message === undefined ? undefined : { topic: "node", message, details: [] };
}

function stuckText({ state }: Observation, joined: JoinedPod): string | undefined {
  if (joined.node === undefined || !state.controls.get(joined.node)?.drained) return undefined;
  const reason = stuckReason(state, joined);
  return reason === undefined
    ? undefined
    : `${joined.node} is drained, but ${reason}; applying a manifest that gets ready moves it`;
}

function stopping({ pod }: JoinedPod): Because | undefined {
  if (!pod.stop) return undefined;
  return { topic: "stopping", message: stopReasonText[pod.stop.reason], details: [] };
}

function placing({ state }: Observation, joined: JoinedPod): Because | undefined {
  if (joined.pod.stop) return undefined;
  if (joined.node === undefined) {
    const waiting = waitingPods(state).get(joined.pod.id);
    return waiting && { topic: "pending", ...waiting };
  }
  const explanation = explainPod(state, joined);
  const details = refusalTexts(explanation);
  const rules = state.deployments.get(joined.deployment)?.placement ?? {};
  const others = explanation.refusals.filter(({ node }) => node !== joined.node).length;
  const choice =
    explanation.nodes === 1
      ? "the only node"
      : `${explanation.nodes - others} of ${explanation.nodes} nodes can take it`;
  return { topic: "placed", message: `on ${joined.node}: ${choice}; ${rulesText(rules)}`, details };
}

/** What the choice goes by, in the order in which it counts. */
function rulesText({ nodeSelector, maxPerNode, spread = deploymentDefaults.spread }: PlacementRules): string {
  const parts: string[] = [];
  if (nodeSelector) {
    const labels = Object.entries(nodeSelector).map(([name, value]) => `${name}=${value}`);
    parts.push(`only nodes with ${labels.join(", ")}`);
  }
  if (maxPerNode !== undefined) parts.push(`at most ${maxPerNode} on a node`);
  if (spread === "node") parts.push("replicas spread over the nodes");
  return [...parts, "the least loaded node first"].join(", ");
}

function failing(observation: Observation, joined: JoinedPod, failures: readonly Failure[]): Because | undefined {
  const { state } = observation;
  const { status, pod, deployment } = joined;
  if (status?.phase !== "failed") return undefined;
  const cause = likelyCause(status.reason, status.exitCode, templateOf(state, deployment, pod.revision));
  const given = status.reason?.message ?? "the worker has given up on it";
  const message = [given, cause, successor(observation, joined)].filter((text) => text !== undefined);
  return { topic: "failed", message: message.join("; "), details: failureOf(state, failures, joined)?.lines ?? [] };
}

/** When another pod comes in the place of one that was given up; undefined: not before somebody applies something else. */
function successor({ state, nowMs }: Observation, { deployment, pod }: JoinedPod): string | undefined {
  if (pod.stop || pod.notBefore === undefined) return undefined;
  const { rollout, pods = [] } = state.pods.get(deployment) ?? {};
  const isBesideAnother = pods.some(({ id, slot, stop }) => slot === pod.slot && id !== pod.id && !stop);
  // A failed rollout stays as it is wherever the pod before still serves.
  if (rollout?.state === "failed" && isBesideAnother) return undefined;
  return `another pod is tried in its place in ${duration(Date.parse(pod.notBefore) - nowMs)}`;
}

function restarting(
  { state, nowMs }: Observation,
  joined: JoinedPod,
  failures: readonly Failure[],
): Because | undefined {
  const { status } = joined;
  const failure = failureOf(state, failures, joined);
  const restarts = status?.restarts ?? 0;
  if (status?.phase === "failed" || restarts === 0) return undefined;
  const times = restarts === 1 ? "once" : `${restarts} times`;
  const last = failure
    ? `last ${age(failure.at, nowMs)} ago: ${failure.reason.message}`
    : status?.reason && `last: ${status.reason.message}`;
  const template = templateOf(state, joined.deployment, joined.pod.revision);
  const cause = failure ? failure.cause : likelyCause(status?.reason, status?.exitCode, template);
  const message = [times, last, cause].filter((text) => text !== undefined).join("; ");
  return { topic: "restarted", message, details: failure?.lines ?? [] };
}

/** Reasons of the last end: the restart tells them already. */
const ends: ReadonlySet<ReasonCode> = new Set(["CRASHED", "OUT_OF_MEMORY", "LIVENESS_FAILED"]);

const quiet: ReadonlySet<Phase> = new Set(["ready", "pending", "failed", "lost"]);

function waiting({ state }: Observation, { phase, status, deployment, pod }: JoinedPod): Because | undefined {
  if (quiet.has(phase) || pod.stop) return undefined;
  const topic = "not ready";
  if (phase === "placed") return { topic, message: "the worker of its node has not begun with it", details: [] };
  const hasEnded = status?.reason !== undefined && ends.has(status.reason.code);
  if (hasEnded && phase === "starting")
    return { topic, message: "it is started again after its back-off", details: [] };
  if (status?.reason && !hasEnded) return { topic, message: status.reason.message, details: [] };
  if (phase === "pulling") {
    const here = status?.pulled === undefined ? "" : `, ${status.pulled}% of it is here`;
    return { topic, message: `its image is being pulled${here}`, details: [] };
  }
  if (phase === "starting") return { topic, message: "its container is being created and started", details: [] };
  const probe = templateOf(state, deployment, pod.revision)?.readiness;
  const awaits = probe
    ? "its readiness probe has not succeeded yet"
    : "it has not run for long enough to count as ready";
  return { topic, message: awaits, details: [] };
}

/** For people: one paragraph for each reason. */
export function whyText({ pod, because }: WhyDocument): string {
  const place = pod.node === undefined ? "" : ` on ${pod.node}`;
  const lines = [`pod/${pod.name} (${pod.id}) is ${pod.phase}${place}.`];
  for (const { topic, message, details } of because) {
    lines.push(
      `${topic.charAt(0).toUpperCase()}${topic.slice(1)}: ${message}`,
      ...details.map((detail) => `  ${detail}`),
    );
  }
  return lines.join("\n");
}
