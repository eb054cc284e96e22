// Nodes that an operator has said to forget: what is left of them goes, unless they are there after all.
import type { ClusterState } from "../model/cluster-state.ts";
import { isLive } from "../model/phase.ts";

/** Whether the pods and documents of this node are to go. */
export function isForgotten({ controls, verdicts }: ClusterState, node: string): boolean {
  return controls.get(node)?.forget !== undefined && !isLive(verdicts.get(node));
}

/** Nodes to forget, and nodes that were to be forgotten and are there: the word about those is withdrawn. Sorted. */
export function wordsAboutNodes(state: ClusterState): {
  readonly forgotten: readonly string[];
  readonly returned: readonly string[];
} {
  const named = [...state.controls.keys()].filter((node) => state.controls.get(node)?.forget !== undefined).sort();
  return {
    forgotten: named.filter((node) => isForgotten(state, node)),
    returned: named.filter((node) => !isForgotten(state, node)),
  };
}
