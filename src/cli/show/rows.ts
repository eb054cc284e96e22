// What `get` lists: the state as one row for each Deployment and pod. The rows are the stable JSON of `-o json`. Pure.
import { templateOf } from "../../model/cluster-state.ts";
import { type Act, type Override, wantedReplicas } from "../../model/deployment.ts";
import { type JoinedPod, joinPods } from "../../model/joined-pod.ts";
import type { Phase } from "../../model/phase.ts";
import { type Reason, stopReasonText } from "../../model/pod.ts";
import type { SourceCommit } from "../../model/source.ts";
import type { Observation } from "./observe.ts";

/**
 * - `waiting`: no `orchestra up` has looked at the last change yet
 * - `progressing`, `failed`: the rollout
 * - `degraded`: the rollout is complete, and fewer pods are ready than wanted
 * - `ready`: all of it
 * - `deleting`: its pods are being stopped
 * - `orphaned`: pods without a Deployment; they are kept
 */
export type DeploymentState = "waiting" | "progressing" | "failed" | "degraded" | "ready" | "deleting" | "orphaned";

/** One Deployment of `get -o json`. */
export interface DeploymentRow {
  readonly kind: "Deployment";
  readonly name: string;
  readonly state: DeploymentState;
  /** With `failed`: why. */
  readonly reason?: string;
  /** Pods that should run, pods that are ready, and pods of the wanted revision. */
  readonly replicas: number;
  readonly ready: number;
  readonly updated: number;
  readonly revision: string;
  readonly image: string;
  readonly source: string;
  /** What its manifest was read from last, where that was Git. */
  readonly commit?: SourceCommit;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** What `scale` said, or the manifest at last (`kept`), beside the manifest's own count. */
  readonly override?: Override & { readonly manifest?: number };
  readonly protected: boolean;
  readonly deleted?: Act;
}

/** One pod of `get -o json`. */
export interface PodRow {
  readonly kind: "Pod";
  readonly name: string;
  readonly id: string;
  readonly deployment: string;
  readonly slot: number;
  readonly phase: Phase;
  readonly ready: boolean;
  /** False: the node's worker is gone, and this is what it saw last (`asOf`). */
  readonly live: boolean;
  readonly asOf?: string;
  /** While its image is pulled: how much of it is here, in percent. */
  readonly pulled?: number;
  readonly restarts: number;
  readonly node?: string;
  readonly ip?: string;
  readonly revision: string;
  readonly image: string;
  readonly container?: string;
  readonly startedAt?: string;
  readonly exitCode?: number;
  /** Why it is not ready, restarted last, or is being stopped. */
  readonly reason?: Reason | { readonly code: "STOPPING" | "PENDING" | "LOST"; readonly message: string };
}

export function deploymentRows(observation: Observation): DeploymentRow[] {
  const { state } = observation;
  const pods = Map.groupBy(joinPods(state), ({ deployment }) => deployment);
  const rows = [...state.deployments.keys()].map((name) => deploymentRow(observation, name, pods.get(name) ?? []));
  for (const [name, orphans] of pods) {
    if (!state.deployments.has(name)) rows.push(orphanRow(observation, name, orphans));
  }
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function deploymentRow({ state }: Observation, name: string, pods: readonly JoinedPod[]): DeploymentRow {
  const document = state.deployments.get(name);
  if (!document) throw new RangeError(`no Deployment "${name}"`);
  const replicas = document.deleted ? 0 : wantedReplicas(document);
  const running = pods.filter(({ pod }) => pod.stop === undefined);
  const ready = running.filter(({ phase }) => phase === "ready").length;
  const { override, file } = document.replicas;
  const head = state.pods.get(name);
  const row = {
    kind: "Deployment" as const,
    name,
    replicas,
    ready,
    updated: running.filter(({ pod, phase }) => pod.revision === document.revision && phase !== "lost").length,
    revision: document.revision,
    image: templateOf(state, name, document.revision)?.image ?? "",
    source: document.source,
    ...(document.commit ? { commit: document.commit } : {}),
    createdAt: document.created.at,
    updatedAt: document.updated.at,
    ...(override ? { override: { ...override, ...(file === undefined ? {} : { manifest: file }) } } : {}),
    protected: document.protect === true,
  };
  if (document.deleted) return { ...row, state: "deleting", deleted: document.deleted };
  if (head === undefined || head.uid !== document.uid || (head.generation ?? 0) < document.generation) {
    return { ...row, state: "waiting" };
  }
  const rollout = head.rollout?.revision === document.revision ? head.rollout : undefined;
  if (rollout?.state === "failed") {
    return { ...row, state: "failed", ...(rollout.reason === undefined ? {} : { reason: rollout.reason }) };
  }
  if (rollout?.state !== "complete") return { ...row, state: "progressing" };
  return { ...row, state: ready < replicas ? "degraded" : "ready" };
}

function orphanRow({ state }: Observation, name: string, pods: readonly JoinedPod[]): DeploymentRow {
  const revision = pods.at(-1)?.pod.revision ?? "";
  return {
    kind: "Deployment",
    name,
    state: "orphaned",
    reason: "its pods are kept, because no Deployment says that they should go",
    replicas: 0,
    ready: pods.filter(({ phase }) => phase === "ready").length,
    updated: 0,
    revision,
    image: templateOf(state, name, revision)?.image ?? "",
    source: "",
    createdAt: "",
    updatedAt: "",
    protected: false,
  };
}

/** `pending` tells why a pod has no node yet, where somebody has asked the scheduler. */
export function podRows(observation: Observation, pending: ReadonlyMap<string, string> = new Map()): PodRow[] {
  return joinPods(observation.state).map((pod) => podRow(observation, pod, pending.get(pod.pod.id)));
}

function podRow({ state, present }: Observation, joined: JoinedPod, pending: string | undefined): PodRow {
  const { pod, node, status, phase } = joined;
  const live = node !== undefined && present.has(node);
  const asOf = live || node === undefined || status === undefined ? undefined : state.statuses.get(node)?.at;
  const reason = reasonOf(joined, pending);
  return {
    kind: "Pod",
    name: joined.name,
    id: pod.id,
    deployment: joined.deployment,
    slot: pod.slot,
    phase,
    ready: phase === "ready",
    live,
    ...(asOf === undefined ? {} : { asOf }),
    ...(phase === "pulling" && status?.pulled !== undefined ? { pulled: status.pulled } : {}),
    restarts: status?.restarts ?? 0,
    ...(node === undefined ? {} : { node }),
    ...(status?.ip === undefined ? {} : { ip: status.ip }),
    revision: pod.revision,
    image: templateOf(state, joined.deployment, pod.revision)?.image ?? "",
    ...(status?.container === undefined ? {} : { container: status.container }),
    ...(status?.startedAt === undefined ? {} : { startedAt: status.startedAt }),
    ...(status?.exitCode === undefined ? {} : { exitCode: status.exitCode }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function reasonOf({ pod, phase, status, node }: JoinedPod, pending: string | undefined): PodRow["reason"] {
  if (phase === "lost") {
    const stop = pod.stop ? ` (${stopReasonText[pod.stop.reason]})` : "";
    return { code: "LOST", message: `its node ${node} is lost${stop}` };
  }
  if (phase === "pending") return pending === undefined ? undefined : { code: "PENDING", message: pending };
  if (pod.stop) return { code: "STOPPING", message: stopReasonText[pod.stop.reason] };
  return status?.reason;
}
