// Where each pod is and what was seen of it: the placements and statuses of all nodes, by pod.
import type { ClusterState } from "../model/cluster-state.ts";
import { isLive } from "../model/phase.ts";
import type { Placement, PodStatus } from "../model/pod.ts";

export interface PlacedPod {
  readonly node: string;
  readonly placement: Placement;
  /** What the worker of that node saw last. */
  readonly status: PodStatus | undefined;
  /** That worker is there. */
  readonly live: boolean;
}

/** By pod. Where a pod is placed twice, which only a hand can have done, the first node by name counts. */
export function placedPods(state: ClusterState): Map<string, PlacedPod> {
  const placed = new Map<string, { -readonly [Field in keyof PlacedPod]: PlacedPod[Field] }>();
  for (const [node, { placements }] of state.placements) {
    const live = isLive(state.verdicts.get(node));
    for (const placement of placements ?? []) {
      const earlier = placed.get(placement.pod);
      if (earlier && earlier.node < node) continue;
      placed.set(placement.pod, { node, placement, status: undefined, live });
    }
  }
  for (const [node, { statuses }] of state.statuses) {
    for (const status of statuses ?? []) {
      const there = placed.get(status.pod);
      // A status of another node is left over from a placement that is gone.
      if (there?.node === node) there.status = status;
    }
  }
  return placed;
}
