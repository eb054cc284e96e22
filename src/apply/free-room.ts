// What a plan does to the free room of each node. Pure.
import { openDemands, roomOf } from "../master/documents-room.ts";
import { placedPods } from "../master/placed-pods.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import type { PlacementsDocument } from "../model/pod.ts";
import type { NodeRoom } from "../scheduler/room.ts";

/** What pods can still reserve on a node, and how many it has. */
export interface FreeRoom {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly pods: number;
}

/** A node whose room changes. */
export interface NodeForecast {
  readonly name: string;
  /** Free now, and when all is done. */
  readonly before: FreeRoom;
  readonly after: FreeRoom;
}

/**
 * The nodes whose room changes, by name. `rolling`: Deployments that `after` does not show at the end of their rollout, with the revision
 * that all their pods come to: each counts as if it took that revision's room where it is.
 */
export function roomChanges(
  before: ClusterState,
  after: ClusterState,
  rolling: ReadonlyMap<string, string>,
): NodeForecast[] {
  const now = roomsOf(before);
  const then = roomsOf(rolling.size === 0 ? after : { ...after, placements: rolled(after, rolling) });
  return [...now].flatMap(([name, old]) => {
    const next = then.get(name);
    if (!next || (old.cpuMilli === next.cpuMilli && old.memoryBytes === next.memoryBytes && old.pods === next.pods))
      return [];
    return [{ name, before: old, after: next }];
  });
}

function roomsOf(state: ClusterState): Map<string, FreeRoom> {
  const { nodes } = roomOf(state, [], placedPods(state), openDemands(state));
  return new Map(nodes.map((node) => [node.name, freeOf(node)]));
}

/** Less than nothing is free where a node has shrunk under its pods. */
function freeOf({ capacity, cpuMilli, memoryBytes, pods }: NodeRoom): FreeRoom {
  return {
    cpuMilli: Math.max(0, capacity.cpuMilli - cpuMilli),
    memoryBytes: Math.max(0, capacity.memoryBytes - memoryBytes),
    pods,
  };
}

/** Every slot counts once: a successor that is there already has taken the place of the pod that goes. */
function rolled(state: ClusterState, rolling: ReadonlyMap<string, string>): Map<string, PlacementsDocument> {
  const made = new Set<string>();
  for (const { placements } of state.placements.values()) {
    for (const { deployment, slot, revision, stop } of placements) {
      if (!stop && rolling.get(deployment) === revision) made.add(`${deployment}/${slot}`);
    }
  }
  const leaves = (deployment: string, slot: number, revision: string, stop: unknown) =>
    stop !== undefined || (rolling.get(deployment) !== revision && made.has(`${deployment}/${slot}`));
  return new Map(
    [...state.placements].map(([node, document]) => {
      const placements = document.placements.flatMap((placement) => {
        const { deployment, slot, revision, stop } = placement;
        const wanted = rolling.get(deployment);
        if (wanted === undefined) return [placement];
        return leaves(deployment, slot, revision, stop) ? [] : [{ ...placement, revision: wanted }];
      });
      return [node, { ...document, placements }];
    }),
  );
}
