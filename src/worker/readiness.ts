// Whether a pod is ready. Pure. Times are monotonic milliseconds.
import type { ResolvedTemplate } from "../model/template.ts";
import { backoffMs, type PodMemory } from "./history.ts";
import type { ContainerState } from "./runtime.ts";

/** A pod without any probe is ready when its process has lived this long: one that cannot even start does not reach DNS. */
const unprovenMs = 100;

/**
 * Whether the pod is ready now, or from when on it will be if nothing changes.
 * Its own probe decides, else the image's HEALTHCHECK, else that it lives on: at once where it has been ready before,
 * after a moment for a new pod, and after its back-off where it keeps crashing, so that it does not flap into DNS.
 */
export function readiness(
  memory: PodMemory,
  container: ContainerState | undefined,
  template: ResolvedTemplate,
  now: number,
): { readonly ready: boolean; readonly from?: number } {
  const { run } = memory;
  if (!run || run.ending || container?.state !== "running" || container.ip === undefined) return { ready: false };
  // Before any probe can tell: nobody would be answered.
  if (container.paused) return { ready: false };
  if (template.readiness) return { ready: run.readiness.ok };
  if (container.health !== undefined) return { ready: container.health === "healthy" };
  if (run.ready) return { ready: true };
  const from = run.since + provingMs(memory, template);
  return now >= from ? { ready: true } : { ready: false, from };
}

function provingMs(memory: PodMemory, template: ResolvedTemplate): number {
  if (memory.crashes === 0) return memory.everReady ? 0 : unprovenMs;
  if (memory.crashes === 1) return memory.lastEnd?.wasReady ? 0 : backoffMs(template, 2);
  return backoffMs(template, memory.crashes);
}
