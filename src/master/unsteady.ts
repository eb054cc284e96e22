// Which Deployments are not as they should be, so that what the master is at with them goes on whatever is decided about others. Pure.
import { isSteady } from "../controller/controller.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import { damageOf } from "./damage.ts";
import { placedPods } from "./placed-pods.ts";
import { factsOf } from "./run.ts";

/** By name. Those with which nothing is done until a person has looked are left out. */
export function unsteady(state: ClusterState): string[] {
  const placed = placedPods(state);
  const isUnsteady = (name: string) => {
    const deployment = state.deployments.get(name);
    const document = state.pods.get(name);
    const records = document?.pods ?? [];
    if (!deployment || damageOf(state, name, records, (pod) => placed.has(pod)) !== undefined) return false;
    try {
      return !isSteady({ deployment, document, pods: factsOf({ state, name, placed }, records, new Map()) });
    } catch {
      // Documents that only a hand can have made: the decision itself tells what is wrong with them.
      return false;
    }
  };
  return [...state.deployments.keys()].filter(isUnsteady);
}
