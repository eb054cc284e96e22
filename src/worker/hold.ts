// What a worker that holds tells: why, and what following the store would do here. Pure.
import { type Placement, podName, type WorkerHold } from "../model/pod.ts";

/** Enough to know what it is about; the counts tell the rest. */
const namesShown = 20;

/** `known`: what this node goes by; `shown`: what the store says of it now. */
export function workerHold(
  reason: string,
  since: string,
  known: { readonly incarnation: number; readonly placements: readonly Placement[] },
  shown: readonly Placement[],
): WorkerHold {
  return { since, reason, incarnation: known.incarnation, ...followingWould(known.placements, shown) };
}

/** The pods that would be stopped and started if the node went from these placements to those. */
export function followingWould(
  known: readonly Placement[],
  shown: readonly Placement[],
): Pick<WorkerHold, "stops" | "starts"> {
  const [before, after] = [running(known), running(shown)];
  return { stops: namesOf(before, after), starts: namesOf(after, before) };
}

function running(placements: readonly Placement[]): ReadonlyMap<string, Placement> {
  return new Map(placements.filter(({ stop }) => !stop).map((placement) => [placement.pod, placement]));
}

/** Of those that the others lack. */
function namesOf(some: ReadonlyMap<string, Placement>, others: ReadonlyMap<string, Placement>): WorkerHold["stops"] {
  const missing = [...some.values()].filter(({ pod }) => !others.has(pod));
  const names = missing.slice(0, namesShown).map(({ deployment, slot }) => podName(deployment, slot));
  return { count: missing.length, names };
}
