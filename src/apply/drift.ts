// What differs between the files, what was applied last, and what the engines really run; who changed it, where that is known, and what
// corrects it. Pure.
import type { ClusterState } from "../model/cluster-state.ts";
import type { Act } from "../model/deployment.ts";
import { placementsKey } from "../model/keys.ts";
import { type Placement, type PodStatus, podName, type ReasonCode } from "../model/pod.ts";
import type { ChangedSetting, ContainerState } from "../worker/runtime.ts";
import type { Plan, PlanItem } from "./plan.ts";

/**
 * - `absent`: in the files only. `deleted`: it was deleted, and its pods are leaving. `changed`: the store says otherwise than the files.
 *   `scaled`: `scale` said another count. `blocked`: it belongs to another source, or its document is damaged.
 * - `removed`, `stopped`, `paused`, `disconnected`, `renamed`, `updated` (its limits or its restart policy): the container of a pod that should run. `stray`: a container of ours that no placement names.
 */
export type DriftKind =
  | "absent"
  | "deleted"
  | "changed"
  | "scaled"
  | "blocked"
  | "removed"
  | "stopped"
  | "paused"
  | "disconnected"
  | "renamed"
  | "updated"
  | "stray";

export interface Drift {
  readonly kind: DriftKind;
  /** A Deployment, or a pod. */
  readonly name: string;
  readonly node?: string;
  /** First twelve digits of its id. */
  readonly container?: string;
  readonly message: string;
  /** With `changed` and `blocked`: which, as in the manifest. */
  readonly fields?: readonly string[];
  /** Who did it, or wrote last. */
  readonly by?: Act;
  /** What makes it as it should be. */
  readonly correction: string;
}

/** What an engine runs of ours, as it says itself. */
export interface EngineLook {
  readonly node: string;
  readonly containers: readonly ContainerState[];
  /** What somebody has changed of them, by id. */
  readonly changed?: ReadonlyMap<string, readonly ChangedSetting[]>;
}

export interface Live {
  /** What makes a Deployment as the files say; absent: applying them. */
  readonly corrector?: string;
  /** Of applying the files. */
  readonly plan: Plan;
  readonly state: ClusterState;
  /** Nodes whose worker is alive. */
  readonly present: ReadonlySet<string>;
  /** Of this machine; of other nodes their statuses tell. */
  readonly engines: readonly EngineLook[];
}

/** Deployments in the order of the files, then pods and containers by node. Empty: nothing has drifted. */
export function driftOf(live: Live): Drift[] {
  const engines = new Map(live.engines.map((engine) => [engine.node, engine]));
  const nodes = [...new Set([...live.state.placements.keys(), ...engines.keys()])].sort();
  return [
    ...live.plan.items.flatMap((item) => deploymentDrifts(item, live.corrector)),
    ...nodes.flatMap((node) => [
      ...nodeDrifts(node, live, engines.get(node)),
      ...updatedDrifts(node, live, engines.get(node)),
    ]),
  ];
}

/** What of a Deployment is not as the files say: with the field changes, and a count by hand by itself. */
export function deploymentDrifts(item: PlanItem, corrector = "orchestra apply of these files"): Drift[] {
  const { name, action, before, changes, reason } = item;
  const override = before?.value.deleted ? undefined : before?.value.replicas.override;
  const drifts: Drift[] = [];
  const fields = changes.map(({ path }) => path);
  if (reason) {
    const differs = fields.length === 0 ? "" : `, and is not as the files say: ${fields.join(", ")}`;
    const message = `${reason.message}${differs}`;
    const who = before ? { fields, by: before.value.updated } : {};
    drifts.push({ kind: "blocked", name, message, ...who, correction: reason.hint });
  } else if (!before)
    drifts.push({
      kind: "absent",
      name,
      message: "is not in the store: never applied, or deleted since",
      correction: corrector,
    });
  else if (before.value.deleted)
    drifts.push({ kind: "deleted", name, message: "was deleted", by: before.value.deleted, correction: corrector });
  else if (action === "update") {
    const message = fields.length === 0 ? "has lost its template" : `is not as the files say: ${fields.join(", ")}`;
    drifts.push({ kind: "changed", name, message, fields, by: before.value.updated, correction: corrector });
  }
  if (override && !override.kept) {
    const { count, by, at } = override;
    const said = before?.value.replicas.file;
    const file = said === undefined ? "the files say no count" : `the files said ${said}`;
    const correction = said === undefined ? "a count in the files" : `orchestra scale ${name} --reset`;
    drifts.push({ kind: "scaled", name, message: `was scaled to ${count} (${file})`, by: { by, at }, correction });
  }
  return drifts;
}

function nodeDrifts(node: string, live: Live, engine: EngineLook | undefined): Drift[] {
  const { placements } = live.state.placements.get(node) ?? {};
  const statuses = new Map(live.state.statuses.get(node)?.statuses.map((status) => [status.pod, status]));
  const containers = engine && new Map(engine.containers.map((container) => [container.pod, container]));
  const pods = (placements ?? []).flatMap((placement) =>
    placement.stop ? [] : podDrifts(node, placement, statuses.get(placement.pod), containers, live),
  );
  // Absence never means anything: without the document nobody knows what belongs here.
  if (!placements || live.state.damaged?.has(placementsKey(node))) return pods;
  const known = new Set(placements.map(({ pod }) => pod));
  const strays = (engine?.containers ?? []).filter(({ pod }) => !known.has(pod));
  return [...pods, ...strays.map((container) => strayDrift(node, container, live))];
}

/** Reasons of an end that no hand has brought about. */
const notByHand: ReadonlySet<ReasonCode> = new Set(["OUT_OF_MEMORY", "LIVENESS_FAILED"]);

/** A pod that its worker has begun with has a container that runs. */
function podDrifts(
  node: string,
  { deployment, slot, pod }: Placement,
  status: PodStatus | undefined,
  containers: ReadonlyMap<string, ContainerState> | undefined,
  live: Live,
): Drift[] {
  const container = containers?.get(pod);
  const name = podName(deployment, slot);
  const id = container?.id.slice(0, 12) ?? status?.container;
  const at = { name, node, ...(id === undefined ? {} : { container: id }) };
  const runs = status?.phase === "running" || status?.phase === "ready";
  const hasEnded = status?.phase === "starting" && status.reason?.code === "CRASHED";
  if (!status || !(runs || hasEnded) || (status.reason && notByHand.has(status.reason.code))) return [];
  if (containers && !container) {
    const correction = byWorker(node, live, "makes it again");
    return [{ ...at, kind: "removed", message: "its container was removed", correction }];
  }
  const isDown = container ? container.state !== "running" : hasEnded;
  const code = container?.exitCode ?? (hasEnded ? status.exitCode : undefined);
  const exit = code === undefined ? "" : ` (exit code ${code})`;
  const message = `its container does not run${exit}: stopped by hand, or ended by itself`;
  const correction = byWorker(node, live, "starts it again");
  return [
    ...(isDown ? [{ ...at, kind: "stopped" as const, message, correction }] : []),
    ...(container ? containerDrifts(container, byWorker(node, live, "makes it anew")) : []).map((drift) => ({
      ...at,
      ...drift,
    })),
  ];
}

/** What a hand has changed of a container that is there. */
function containerDrifts(
  { id, state, ip, paused, renamed }: ContainerState,
  madeAnew: string,
): Pick<Drift, "kind" | "message" | "correction">[] {
  const short = id.slice(0, 12);
  const drifts: Pick<Drift, "kind" | "message" | "correction">[] = [];
  if (paused)
    drifts.push({ kind: "paused", message: "its container is paused", correction: `docker unpause ${short}` });
  if (state === "running" && ip === undefined) {
    const message = "its container was disconnected from the cluster's network";
    drifts.push({ kind: "disconnected", message, correction: madeAnew });
  }
  if (renamed) {
    const message = `its container was renamed to ${renamed.to}`;
    drifts.push({ kind: "renamed", message, correction: `docker rename ${short} ${renamed.from}` });
  }
  return drifts;
}

/** Of the containers that are on the engine; whether a pod should still run matters little for that. */
function updatedDrifts(node: string, live: Live, engine: EngineLook | undefined): Drift[] {
  return (engine?.containers ?? []).flatMap(({ id, deployment, slot }) => {
    const changed = engine?.changed?.get(id) ?? [];
    if (changed.length === 0) return [];
    const container = id.slice(0, 12);
    const message = changed.map(({ what, is, should }) => `its ${what} is ${is}, not ${should}`).join(", ");
    const words = [...new Set(changed.map(({ restore }) => restore?.join(" ")))];
    const anew = `docker rm -f ${container}; ${byWorker(node, live, "makes it anew")}`;
    const correction = words.includes(undefined) ? anew : `docker update ${words.join(" ")} ${container}`;
    return [{ kind: "updated", name: podName(deployment, slot), node, container, message, correction }];
  });
}

function strayDrift(node: string, { id, pod, deployment, slot }: ContainerState, live: Live): Drift {
  const at = { name: podName(deployment, slot), node, container: id.slice(0, 12) };
  const message = `a container of pod ${pod}, which no placement names here`;
  return { ...at, kind: "stray", message, correction: byWorker(node, live, "removes it") };
}

function byWorker(node: string, { present, state }: Live, does: string): string {
  const hold = state.statuses.get(node)?.hold;
  if (!present.has(node)) return `no worker runs on ${node}: orchestra up ${does}`;
  return hold
    ? `the worker of ${node} holds (${hold.reason}) and ${does} once it follows`
    : `the worker of ${node} ${does}`;
}
