// The scores: of the nodes that accept a pod, which is best. Spread first, then balance; the name decides what is left, so that
// the same input always gives the same choice.
import type { NodeRoom, PodGroup } from "./room.ts";

/** A node as a choice for the next pod of a group. Lower is better, field by field. */
export interface Candidate {
  readonly node: NodeRoom;
  /** Pods of the same Deployment and revision there; 0 for all nodes with `spread: none`. */
  spread: number;
  /** The fullest of its resources with this pod on it, 0 … 1. */
  load: number;
  /** Pods on it: what balances where nothing is reserved. */
  pods: number;
}

/** Negative when `a` is the better choice. Never 0 for two different nodes. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return a.spread - b.spread || a.load - b.load || a.pods - b.pods || a.node.order - b.node.order;
}

/** The candidate's scores for one more pod of the group, with so many of its kind there now. */
export function score(candidate: Candidate, group: PodGroup, sameKind: number): void {
  const { node } = candidate;
  const { cpuMilli, memoryBytes, pids } = group.demand.resources;
  candidate.spread = group.rules.spread === "none" ? 0 : sameKind;
  candidate.load = Math.max(
    share(node.cpuMilli + cpuMilli, node.capacity.cpuMilli),
    share(node.memoryBytes + memoryBytes, node.capacity.memoryBytes),
    share(node.pids + pids, node.capacity.pids),
  );
  candidate.pods = node.pods;
}

/** A capacity of 0 is one that is not known, and so fills nothing. */
function share(reserved: number, capacity: number): number {
  return capacity > 0 ? reserved / capacity : 0;
}
