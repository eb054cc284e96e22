// Where each pod is and what was seen of it: the placements and statuses of all nodes, by pod.
import type { ClusterState } from "../model/cluster-state.ts";
import { isGivenUp, isLive } from "../model/phase.ts";
import type { Placement, PodStatus } from "../model/pod.ts";
import { isUnheard } from "./damage.ts";
import { isForgotten } from "./forget.ts";

export interface PlacedPod {
  readonly node: string;
  readonly placement: Placement;
  /** What the worker of that node saw last. */
  readonly status: PodStatus | undefined;
  /** That worker is there. */
  readonly live: boolean;
  /** It, or its engine, has been away for too long. */
  readonly lost: boolean;
  /** It will not come back. */
  readonly forgotten: boolean;
}

/** By pod. Where a pod is placed twice, which only a hand can have done, the first node by name counts. */
export function placedPods(state: ClusterState): Map<string, PlacedPod> {
  const placed = new Map<string, { -readonly [Field in keyof PlacedPod]: PlacedPod[Field] }>();
  for (const [node, { placements }] of state.placements) {
    const verdict = state.verdicts.get(node);
    const live = isLive(verdict) && !isUnheard(state, node);
    const at = { live, lost: isGivenUp(verdict), forgotten: isForgotten(state, node) };
    for (const placement of placements ?? []) {
      const earlier = placed.get(placement.pod);
      if (earlier && earlier.node < node) continue;
      placed.set(placement.pod, { node, placement, status: undefined, ...at });
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
