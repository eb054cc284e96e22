// A pod with everything that is known about it: what should be, where, and what was seen there.
import type { ClusterState } from "./cluster-state.ts";
import type { Verdict } from "./node.ts";
import { type Phase, phaseOf } from "./phase.ts";
import { type Placement, type PodRecord, type PodStatus, podName } from "./pod.ts";

export interface JoinedPod {
  readonly name: string;
  readonly deployment: string;
  readonly pod: PodRecord;
  readonly phase: Phase;
  /** The three that follow are undefined while the pod has no node. */
  readonly node: string | undefined;
  readonly placement: Placement | undefined;
  readonly status: PodStatus | undefined;
  readonly verdict: Verdict | undefined;
}

/** All pods, sorted by Deployment, slot, then age: of two in a slot the newest is last. */
export function joinPods(state: ClusterState): JoinedPod[] {
  const placements = byPod(state.placements, ({ placements }) => placements);
  const statuses = byPod(state.statuses, ({ statuses }) => statuses);
  const joined: JoinedPod[] = [];
  for (const deployment of [...state.pods.keys()].sort()) {
    for (const pod of state.pods.get(deployment)?.pods ?? []) {
      const placed = placements.get(pod.id);
      const seen = statuses.get(pod.id);
      // A status of another node is left over from a placement that is gone.
      const status = seen !== undefined && seen.node === placed?.node ? seen.item : undefined;
      const verdict = placed === undefined ? undefined : state.verdicts.get(placed.node);
      joined.push({
        name: podName(deployment, pod.slot),
        deployment,
        pod,
        phase: phaseOf(pod, placed?.item, status, verdict),
        node: placed?.node,
        placement: placed?.item,
        status,
        verdict,
      });
    }
  }
  return joined;
}

function byPod<D, T extends { readonly pod: string }>(
  documents: ReadonlyMap<string, D>,
  items: (document: D) => readonly T[],
): Map<string, { readonly node: string; readonly item: T }> {
  const found = new Map<string, { readonly node: string; readonly item: T }>();
  for (const [node, document] of documents) {
    for (const item of items(document)) found.set(item.pod, { node, item });
  }
  return found;
}
