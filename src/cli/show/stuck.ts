// Which pods do not leave a drained node although all goes well elsewhere, and what moves them. Pure.
import type { ClusterState } from "../../model/cluster-state.ts";
import type { JoinedPod } from "../../model/joined-pod.ts";

/** Why this pod stays until somebody does something; undefined: it moves, or there is no such reason. */
export function stuckReason(
  { deployments, pods }: ClusterState,
  { deployment, pod, phase }: JoinedPod,
): string | undefined {
  const wanted = deployments.get(deployment);
  const { rollout, generation } = pods.get(deployment) ?? {};
  if (!wanted || wanted.deleted || pod.stop || rollout?.state !== "failed") return undefined;
  // An apply since then begins anew, and a pod that never served is replaced all the same.
  if (generation !== wanted.generation || !pod.wasReady || phase === "failed") return undefined;
  const told = rollout.reason === undefined ? "" : ` (${rollout.reason})`;
  return `the rollout of ${deployment} has failed and stays as it is${told}`;
}

/** One line for each, and after them what to do. */
export function stuckText(stuck: readonly (readonly [JoinedPod, string])[]): string {
  const lines = stuck.map(([{ name }, reason]) => `${name}: ${reason}`);
  const names = [...new Set(stuck.map(([{ deployment }]) => deployment))];
  const whose = names.length === 1 ? "its pods move" : "their pods move";
  return [...lines, `Hint: apply a manifest of ${names.join(", ")} that gets ready: ${whose} with it`].join("\n");
}
