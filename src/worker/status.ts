// What the worker reports: a pure function of what it has seen.
import type { PodStatus, Reason } from "../model/pod.ts";
import type { PodView } from "./decide.ts";

/** What a pod may take of its node's document, which grows with each pod. */
const statusBytes = 300;
/** As in `docker ps`. */
const shortIdLength = 12;

/** The status of one pod that has a placement; undefined while nothing has begun. `refusedTemplate`: why validation refused it. `queued`: its image waits for others. */
export function statusOf(pod: PodView, refusedTemplate: Reason | undefined, queued = false): PodStatus | undefined {
  const status = wholeStatusOf(pod, refusedTemplate, queued);
  return status && fitted(status);
}

const waitsForPull: Reason = Object.freeze({
  code: "IMAGE_WAITS",
  message: "waits for another image to be pulled: so many are pulled at a time",
});

function wholeStatusOf(pod: PodView, refusedTemplate: Reason | undefined, queued: boolean): PodStatus | undefined {
  const { container, memory } = pod;
  const base = {
    pod: pod.id,
    restarts: memory.restarts,
    ...(container === undefined ? {} : { container: container.id.slice(0, shortIdLength) }),
    ...(memory.lastEnd?.exitCode === undefined ? {} : { exitCode: memory.lastEnd.exitCode }),
  };
  if (pod.placement?.stop && memory.stop) {
    return { ...base, phase: container || pod.busy ? "stopping" : "stopped" };
  }
  if (refusedTemplate && !container) return { ...base, phase: "failed", reason: refusedTemplate };
  if (memory.refusal?.final) return { ...base, phase: "failed", reason: memory.refusal.reason };
  const reason = memory.refusal?.reason ?? notReadyReason(pod) ?? memory.lastEnd?.reason;
  const why = reason === undefined ? {} : { reason };
  if (container?.state === "running" && container.ip !== undefined && memory.run) {
    const { ready, startedAt } = memory.run;
    return {
      ...base,
      phase: ready ? "ready" : "running",
      ip: container.ip,
      ...why,
      ...(startedAt === undefined ? {} : { startedAt }),
    };
  }
  if (container) return { ...base, phase: "starting", ...why };
  if (queued) return { ...base, phase: "pulling", reason: reason ?? waitsForPull };
  const isPulling = pod.busy === "pull" || memory.imageMissing;
  if (isPulling) {
    const { pulled } = memory;
    return { ...base, phase: "pulling", ...(pulled === undefined ? {} : { pulled }), ...why };
  }
  return pod.busy || reason ? { ...base, phase: "starting", ...why } : undefined;
}

/** With as much of its message as there is room for. */
function fitted(status: PodStatus): PodStatus {
  const { reason } = status;
  let fitting = status;
  const letters = [...(reason?.message ?? "")];
  while (reason && bytesOf(fitting) > statusBytes && letters.pop() !== undefined) {
    fitting = { ...status, reason: { code: reason.code, message: `${letters.join("")}…` } };
  }
  return fitting;
}

function bytesOf(status: PodStatus): number {
  return Buffer.byteLength(JSON.stringify(status));
}

function notReadyReason({ memory, container }: PodView): Reason | undefined {
  const { run } = memory;
  if (!run || run.ready) return undefined;
  if (container?.paused) {
    const name = container.id.slice(0, shortIdLength);
    return { code: "NOT_READY", message: `its container is paused; docker unpause ${name} lets it go on` };
  }
  if (run.ending) return { code: "LIVENESS_FAILED", message: run.ending.message };
  if (run.readiness.message !== undefined) return { code: "NOT_READY", message: run.readiness.message };
  if (container?.health === "unhealthy") {
    return { code: "NOT_READY", message: "the image's own HEALTHCHECK fails; see docker inspect" };
  }
  return undefined;
}
