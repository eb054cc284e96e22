// Why pods have no node yet, and why they are where they are: the master's own decision, asked again with the documents as they are now. Pure.
import { decide, previewAt } from "../../master/decide.ts";
import type { Decision } from "../../master/decision.ts";
import { openDemands, roomOf } from "../../master/documents-room.ts";
import { placedPods } from "../../master/placed-pods.ts";
import type { ClusterState } from "../../model/cluster-state.ts";
import { type JoinedPod, joinPods } from "../../model/joined-pod.ts";
import { type Explanation, explain, explanationText, refusalTexts } from "../../scheduler/explain.ts";
import { noDemand } from "../../scheduler/room.ts";

/** What a pod without a node waits for. */
export interface Waiting {
  readonly message: string;
  /** One line for each node that refuses it, and one for what would make it fit. */
  readonly details: readonly string[];
}

/** By pod, those that wait for a node. */
export function waitingPods(state: ClusterState): Map<string, Waiting> {
  const pending = joinPods(state).filter(({ phase }) => phase === "pending");
  if (pending.length === 0) return new Map();
  const decision = decide(state, previewAt(""));
  const next = new Map(decision.changes.map((change) => [change.deployment, change]));
  return new Map(pending.map((pod) => [pod.pod.id, waitingOf(pod, decision, next.get(pod.deployment))]));
}

/** The same as one line for each, as a table shows it. */
export function waitingTexts(state: ClusterState): Map<string, string> {
  return new Map([...waitingPods(state)].map(([pod, { message }]) => [pod, message]));
}

/** What one more pod like this one would find on every node. */
export function explainPod(state: ClusterState, { deployment, pod }: JoinedPod): Explanation {
  const demands = openDemands(state);
  const placed = placedPods(state);
  placed.delete(pod.id);
  const asTheyAre = [...state.pods.values()].map((next) => ({ facts: [], next }));
  const demand = demands.of(deployment, pod.revision) ?? noDemand;
  const rules = state.deployments.get(deployment)?.placement ?? {};
  const group = { deployment, revision: pod.revision, demand, rules, pods: [pod.id] };
  return explain(roomOf(state, asTheyAre, placed, demands), group);
}

function waitingOf(
  { deployment, pod }: JoinedPod,
  { unplaced, problems }: Decision,
  change: Decision["changes"][number] | undefined,
): Waiting {
  const explanation = unplaced.get(pod.id)?.explain();
  if (explanation) {
    const { remedy } = explanation;
    const details = [...refusalTexts(explanation), ...(remedy === undefined ? [] : [remedy])];
    return { message: explanationText(explanation), details };
  }
  const problem = problems.find((one) => one.deployment === deployment);
  if (problem) return { message: problem.message, details: [] };
  const stays = !change || change.pods?.pods.some(({ id, stop }) => id === pod.id && !stop);
  const message = stays
    ? "there is room for it: the next pass of the master places it"
    : "it is no longer wanted: the next pass of the master removes it";
  return { message, details: [] };
}
