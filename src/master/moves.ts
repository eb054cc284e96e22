// How fast pods of lost nodes, and of nodes whose engine is lost, get successors.
import type { Moves, Timers } from "../controller/facts.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import { isGivenUp } from "../model/phase.ts";
import type { PlacedPod } from "./placed-pods.ts";

/**
 * As many as a host usually has: they are all made elsewhere at once. More would all want their images from one registry at the same
 * moment, and where the loss is none after all, so many pods too many are the harm of each second.
 */
export const movesPerSecond = 100;
const secondMs = 1_000;

/** What may be moved in this pass. `paced` false: everything at once, as a preview wants it. */
export function openMoves(
  state: ClusterState,
  placed: ReadonlyMap<string, PlacedPod>,
  timers: Timers,
  paced: boolean,
): Moves {
  const isAnyLost = [...state.verdicts.values()].some(isGivenUp);
  const ages = isAnyLost && paced ? agesOfSuccessors(state, placed, timers) : [];
  const waits = ages.map((age) => secondMs - age).filter((ms) => ms > 0);
  let left = paced ? movesPerSecond - waits.length : Number.POSITIVE_INFINITY;
  return {
    held: state.hold !== undefined,
    againInMs: Math.min(secondMs, ...waits),
    take() {
      if (state.hold || left <= 0) return false;
      left -= 1;
      return true;
    },
  };
}

/** For how long this leader has known each pod that was made for one on a lost node. */
function agesOfSuccessors(state: ClusterState, placed: ReadonlyMap<string, PlacedPod>, timers: Timers): number[] {
  const isLost = (pod: string) => placed.get(pod)?.lost === true;
  const ages: number[] = [];
  for (const { pods } of state.pods.values()) {
    if (!pods.some(({ id }) => isLost(id))) continue;
    const left = new Set(
      pods.filter(({ id, stop }) => isLost(id) && (!stop || stop.reason === "lost")).map(({ slot }) => slot),
    );
    for (const { id, slot, stop } of pods) {
      if (left.has(slot) && !stop && !isLost(id)) ages.push(timers.elapsed(`moved/${id}`));
    }
  }
  return ages;
}
