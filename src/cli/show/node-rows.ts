// What `get nodes` lists, and how old the statuses of nodes are whose worker is gone. Pure.
import { templateOf } from "../../model/cluster-state.ts";
import type { Act } from "../../model/deployment.ts";
import { joinPods } from "../../model/joined-pod.ts";
import type { Hold, NodeDocument } from "../../model/node.ts";
import { type Resources, resolveResources } from "../../model/template.ts";
import { duration } from "../print.ts";
import { syncProblems } from "../sync/sync-problems.ts";
import type { Observation } from "./observe.ts";
import { type SilentEngine, silenceNotes, silentEngineOf } from "./silent-engine.ts";

/** One node of `get nodes -o json`. */
export interface NodeRow {
  readonly kind: "Node";
  readonly name: string;
  /** `lost`: absent for so long that its pods get successors elsewhere. */
  readonly state: "present" | "absent" | "lost";
  /** With `absent` and `lost`: when a master saw that; absent until one has. */
  readonly since?: string;
  readonly cordoned?: Act;
  /** Its pods are being moved away, or have been. */
  readonly drained?: Act;
  /** Why its worker does not follow the store, while it is there. */
  readonly hold?: string;
  /** Its engine has been silent since then. `lost`: for so long that its pods get successors elsewhere. */
  readonly engine?: SilentEngine;
  /** Pods placed on it, those that are stopping too. */
  readonly pods: number;
  /** What its pods reserve, out of `capacity`. */
  readonly reserved: Resources;
  readonly capacity: Resources;
  readonly address: string;
  readonly networkRange?: string;
  /** Why its containers and those of other nodes do not reach each other. */
  readonly networkProblem?: string;
  readonly platform: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly versions: NodeDocument["versions"];
}

export function nodeRows(observation: Observation): NodeRow[] {
  const { state, present } = observation;
  const pods = Map.groupBy(joinPods(state), ({ node }) => node);
  return [...state.nodes].map(([name, document]) => {
    const here = pods.get(name) ?? [];
    const verdict = state.verdicts.get(name);
    // What the worker wrote last may be hours older than its end, so it tells nothing about that.
    const since = verdict === undefined || verdict.state === "present" ? undefined : verdict.since;
    const away = {
      state: verdict?.state === "lost" ? "lost" : "absent",
      ...(since === undefined ? {} : { since }),
    } as const;
    const { cordoned, drained } = state.controls.get(name) ?? {};
    const hold = state.statuses.get(name)?.hold;
    const engine = silentEngineOf(observation, name);
    const { capacity, address, platform, labels, versions, network } = document;
    const templates = here.map(({ deployment, pod }) => templateOf(state, deployment, pod.revision));
    return {
      kind: "Node",
      name,
      ...(present.has(name) ? { state: "present" } : away),
      ...(cordoned ? { cordoned } : {}),
      ...(drained ? { drained } : {}),
      ...(hold && present.has(name) ? { hold: hold.reason } : {}),
      ...(engine ? { engine } : {}),
      pods: here.length,
      reserved: sum(templates.map((template) => (template ? resolveResources(template) : nothing))),
      capacity,
      address,
      ...(network ? { networkRange: network.range } : {}),
      ...(network?.problem === undefined ? {} : { networkProblem: network.problem }),
      platform: `${platform.os}/${platform.arch}`,
      labels,
      versions,
    };
  });
}

/** When a node last had something to say: a worker may have been there long after that. */
export interface Stale {
  readonly node: string;
  readonly asOf: string;
}

/** The nodes whose statuses are old, because their worker is gone. */
export function staleNodes({ state, present }: Observation): Stale[] {
  return [...state.statuses]
    .filter(([node, { statuses }]) => !present.has(node) && statuses.length > 0)
    .map(([node, { at }]) => ({ node, asOf: at }));
}

/** The hold, while there is a master that could have ended it. */
export function holdOf({ state, present }: Omit<Observation, "syncs" | "leaderlessSyncs">): Hold | undefined {
  return present.size > 0 ? state.hold : undefined;
}

/** What the hold means and what ends it, as one sentence. */
export function holdText({ reason }: Hold): string {
  return `the master holds: ${reason}; nothing is moved or stopped for them until they return, or until orchestra nodes forget NODE`;
}

/** Who holds, and why: the master for absent nodes, workers against the store. Each a sentence. */
export function holdNotes(observation: Omit<Observation, "syncs" | "leaderlessSyncs">): string[] {
  const hold = holdOf(observation);
  const workers = [...observation.state.statuses]
    .filter(([node, { hold: own }]) => own && observation.present.has(node))
    .map(([node, { hold: own }]) => `the worker of ${node} holds: ${own?.reason}`);
  return [...(hold ? [holdText(hold)] : []), ...workers];
}

/** What one should know of every listing: each a sentence. */
export function notesOf(observation: Observation): string[] {
  const stale = staleNote(observation);
  const syncs = syncProblems(observation).map(({ about, message }) => `${about} is ${message}`);
  return [...(stale === undefined ? [] : [stale]), ...holdNotes(observation), ...silenceNotes(observation), ...syncs];
}

/** One sentence about old statuses, or undefined when there are none. */
export function staleNote(observation: Observation): string | undefined {
  const stale = staleNodes(observation);
  if (observation.present.size === 0) {
    const last = stale
      .map(({ asOf }) => asOf)
      .sort()
      .at(-1);
    const change = last === undefined ? "" : `; last change ${duration(observation.nowMs - Date.parse(last))} ago`;
    return `no orchestra up runs on this store${change}`;
  }
  if (stale.length === 0) return undefined;
  const each = stale.map(
    ({ node, asOf }) => `${node} (last change ${duration(observation.nowMs - Date.parse(asOf))} ago)`,
  );
  return `no worker runs on ${each.join(", ")}`;
}

const nothing: Resources = { cpuMilli: 0, memoryBytes: 0, pids: 0 };

function sum(all: readonly Resources[]): Resources {
  return all.reduce(
    (total, next) => ({
      cpuMilli: total.cpuMilli + next.cpuMilli,
      memoryBytes: total.memoryBytes + next.memoryBytes,
      pids: total.pids + next.pids,
    }),
    nothing,
  );
}
