// Why pods have no node yet. Most of the time none is without one, and then the master's decision is not even loaded.
import type { ClusterState } from "../../model/cluster-state.ts";
import { joinPods } from "../../model/joined-pod.ts";

/** By pod, those that wait for a node, with one line each. */
export async function pendingTexts(state: ClusterState): Promise<ReadonlyMap<string, string>> {
  if (!joinPods(state).some(({ phase }) => phase === "pending")) return new Map();
  const { waitingTexts } = await import("./waiting.ts");
  return waitingTexts(state);
}
