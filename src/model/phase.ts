// The phase of a pod: one pure function of what should be and what was seen, used by every command and loop.
import type { Verdict } from "./node.ts";
import type { Placement, PodRecord, PodStatus } from "./pod.ts";

export type Phase =
  | "pending" // no node yet: `why` tells the reason
  | "placed" // a node is chosen; its worker has not begun
  | "pulling"
  | "starting"
  | "running"
  | "ready"
  | "stopping"
  | "stopped"
  | "lost" // its node is lost: what was seen last is no longer believed
  | "failed";

/** The phase that people and machines are shown. `status` counts only where there is a placement for it. */
export function phaseOf(
  pod: Pick<PodRecord, "stop">,
  placement: Placement | undefined,
  status: PodStatus | undefined,
  verdict: Verdict | undefined,
): Phase {
  if (!placement) return pod.stop ? "stopped" : "pending";
  if (verdict?.state === "lost") return "lost";
  if (!status) return pod.stop ? "stopping" : "placed";
  if (pod.stop) return status.phase === "stopped" ? "stopped" : "stopping";
  return status.phase;
}

/** Whether statuses from this node are what is true now. Without the worker they are what was true when it was last there. */
export function isLive(verdict: Verdict | undefined): boolean {
  return verdict?.state === "present";
}

/** Whether pods of this node get successors elsewhere: it is lost, or its engine is. */
export function isGivenUp(verdict: Verdict | undefined): boolean {
  return verdict?.state === "lost" || (verdict?.state === "present" && verdict.engineLost !== undefined);
}
