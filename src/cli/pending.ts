// Why pods have no node yet: the scheduler's own explanation, asked again with the documents as they are now. Pure.
import { type ClusterState, templateOf } from "../model/cluster-state.ts";
import { type JoinedPod, joinPods } from "../model/joined-pod.ts";
import { type Explanation, explain, explanationText } from "../scheduler/explain.ts";
import { demandOf, noDemand, occupy, openRoom, type PodGroup, type Room } from "../scheduler/room.ts";

/** By pod, those that wait for a node. */
export function pendingExplanations(state: ClusterState): Map<string, Explanation> {
  const pods = joinPods(state);
  const pending = pods.filter(({ phase }) => phase === "pending");
  if (pending.length === 0) return new Map();
  const room = roomOf(state, pods);
  return new Map(pending.map((pod) => [pod.pod.id, explain(room, groupOf(state, pod))]));
}

/** The same as one line for each, as a table shows it. */
export function pendingTexts(state: ClusterState): Map<string, string> {
  return new Map([...pendingExplanations(state)].map(([pod, explanation]) => [pod, explanationText(explanation)]));
}

/** What one more pod like this one would find on every node. */
export function explainPod(state: ClusterState, pod: JoinedPod): Explanation {
  const others = joinPods(state).filter((other) => other.pod.id !== pod.pod.id);
  return explain(roomOf(state, others), groupOf(state, pod));
}

function roomOf(state: ClusterState, pods: readonly JoinedPod[]): Room {
  const nodes = [...state.nodes].map(([name, document]) => {
    const present = state.verdicts.get(name)?.state === "present";
    return [name, { document, present, cordoned: state.controls.get(name)?.cordoned !== undefined }] as const;
  });
  const room = openRoom(new Map(nodes));
  for (const { pod, node, deployment } of pods) {
    if (node === undefined) continue;
    const template = templateOf(state, deployment, pod.revision);
    const demand = template ? demandOf(template) : noDemand;
    const { id, revision, stop } = pod;
    occupy(room, { pod: id, node, deployment, revision, demand, stopping: stop !== undefined });
  }
  return room;
}

function groupOf(state: ClusterState, { deployment, pod }: JoinedPod): PodGroup {
  const template = templateOf(state, deployment, pod.revision);
  const demand = template ? demandOf(template) : noDemand;
  const rules = state.deployments.get(deployment)?.placement ?? {};
  return { deployment, revision: pod.revision, demand, rules, pods: [pod.id] };
}
