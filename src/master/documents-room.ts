// The scheduler's room as the documents tell it, after what this pass has decided so far.
import type { PodFacts } from "../controller/facts.ts";
import { type ClusterState, templateOf } from "../model/cluster-state.ts";
import { isLive } from "../model/phase.ts";
import type { PodsDocument } from "../model/pod.ts";
import { type Demand, demandOf, noDemand, occupy, openRoom, type Room } from "../scheduler/room.ts";
import { isUnknownNode } from "./damage.ts";
import type { PlacedPod } from "./placed-pods.ts";

export interface Demands {
  /** What a pod of this revision takes; undefined when its template is missing or cannot be understood. */
  of(deployment: string, revision: string): Demand | undefined;
}

/** Looks each template up once. */
export function openDemands(state: ClusterState): Demands {
  const demands = new Map<string, Demand | undefined>();
  return {
    of(deployment, revision) {
      const key = `${deployment}/${revision}`;
      if (!demands.has(key)) demands.set(key, tryDemand(state, deployment, revision));
      return demands.get(key);
    },
  };
}

/** The pods of a Deployment as the documents have them, and as this pass wants them. */
interface Reconciled {
  readonly facts: readonly PodFacts[];
  readonly next: PodsDocument | undefined;
}

/** All nodes with what is on them: every placement but those whose pod has gone. */
export function roomOf(
  state: ClusterState,
  runs: readonly Reconciled[],
  placed: ReadonlyMap<string, PlacedPod>,
  demands: Demands,
): Room {
  const nodes = [...state.nodes].map(([name, document]) => {
    const cordoned = state.controls.get(name)?.cordoned !== undefined || isUnknownNode(state, name);
    const engine = state.statuses.get(name)?.engine === undefined;
    return [name, { document, present: isLive(state.verdicts.get(name)), cordoned, engine }] as const;
  });
  const room = openRoom(new Map(nodes));
  const left = new Map(placed);
  const stopping = new Set<string>();
  for (const { facts, next } of runs) {
    const kept = new Set(next?.pods.map(({ id }) => id));
    for (const { record } of facts) if (!kept.has(record.id)) left.delete(record.id);
    for (const { id, stop } of next?.pods ?? []) if (stop) stopping.add(id);
  }
  for (const [pod, { node, placement }] of left) {
    const { deployment, revision } = placement;
    const demand = demands.of(deployment, revision) ?? noDemand;
    occupy(room, { pod, node, deployment, revision, demand, stopping: stopping.has(pod) });
  }
  return room;
}

function tryDemand(state: ClusterState, deployment: string, revision: string): Demand | undefined {
  const template = templateOf(state, deployment, revision);
  try {
    return template && demandOf(template);
  } catch {
    // Validation would have refused it, so a hand has made it: the Deployment says that its template is of no use.
    return undefined;
  }
}
