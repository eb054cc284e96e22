// Why nothing, or what, is done about a pod whose node is away, or whose engine is silent. Pure.
import type { ClusterState } from "../../model/cluster-state.ts";
import { type JoinedPod, joinPods } from "../../model/joined-pod.ts";
import { age } from "../print.ts";
import { holdOf, holdText } from "./node-rows.ts";
import type { Observation } from "./observe.ts";
import { type SilentEngine, silenceText, silentEngineOf } from "./silent-engine.ts";

/** One sentence; undefined: the node is there, its worker follows the store and its engine answers, or the pod has none. */
export function awayText(observation: Observation, pod: JoinedPod): string | undefined {
  const { state, present, nowMs } = observation;
  const { node, verdict } = pod;
  const strange = node !== undefined && present.has(node) ? state.statuses.get(node)?.hold : undefined;
  if (strange) return `the worker of ${node} keeps what it knew and stops nothing: ${strange.reason}`;
  const engine = node === undefined ? undefined : silentEngineOf(observation, node);
  if (engine) return withoutEngine(observation, pod, engine);
  if (node === undefined || present.has(node) || verdict === undefined || verdict.state === "present") return undefined;
  const forHowLong = `${node} has been ${verdict.state} for ${age(verdict.since, nowMs)}`;
  const hold = holdOf(observation);
  if (hold) return `${forHowLong}; ${holdText(hold)}`;
  if (pod.pod.stop)
    return `${forHowLong}: it is stopped when the node is back; orchestra nodes forget ${node} drops it`;
  if (verdict.state === "absent")
    return `${forHowLong}: it stays as it is, and gets a successor elsewhere when ${node} is lost`;
  return `${forHowLong}, and it may run on there; ${successorText(state, pod)}`;
}

function withoutEngine(observation: Observation, pod: JoinedPod, engine: SilentEngine): string {
  const since = `the engine of ${pod.node} has been ${silenceText(engine, observation.nowMs)}`;
  const hold = holdOf(observation);
  if (pod.pod.stop) return `${since}; it is stopped when the engine answers`;
  if (hold) return `${since}; ${holdText(hold)}`;
  if (!engine.lost) return `${since}; it stays as it is, and gets a successor elsewhere after a minute of silence`;
  return `${since}; it may run on, and is in DNS while it is ready; ${successorText(observation.state, pod)}`;
}

function successorText(state: ClusterState, { deployment, pod }: JoinedPod): string {
  const named = state.pods.get(deployment);
  const others = named ? joinPods({ ...state, pods: new Map([[deployment, named]]) }) : [];
  const successor = others.findLast(
    (other) =>
      other.pod.slot === pod.slot && other.pod.serial > pod.serial && !other.pod.stop && other.phase !== "lost",
  );
  if (!successor) return "a successor is made soon: so many are made at a time";
  const place = successor.node === undefined ? "" : ` on ${successor.node}`;
  return `its successor ${successor.pod.id} is ${successor.phase}${place}; whichever is ready first stays`;
}
