// Ends the containers of one node of one cluster, as `down --pods` is asked to: each with its own signal and grace.
import { setTimeout as pause } from "node:timers/promises";
import pLimit from "p-limit";
import { type PodTemplate, resolveTemplate, templateDefaults } from "../../model/template.ts";
import type { ContainerState, Runtime } from "../../worker/runtime.ts";

/** By `<deployment>/<revision>`. */
export type Templates = ReadonlyMap<string, PodTemplate>;

/** An engine does not get faster with more calls at a time. */
const callsAtATime = 8;
const lookMs = 50;

/** Returns how many there were. They are asked to end all at once, so it takes as long as the longest grace. */
export async function removePods(runtime: Runtime, templates: Templates): Promise<number> {
  const { signal } = new AbortController();
  const limit = pLimit(callsAtATime);
  const all = await runtime.list(signal);
  const killAt = new Map<string, number>();
  const ask = async (container: ContainerState) => {
    const { stopSignal, graceMs } = waysToStop(templates.get(`${container.deployment}/${container.revision}`));
    killAt.set(container.id, performance.now() + graceMs);
    if (container.state === "running") await runtime.kill(container.id, stopSignal, signal);
  };
  await Promise.all(all.map((container) => limit(ask, container)));
  for (;;) {
    const left = await runtime.list(signal);
    const now = performance.now();
    const due = left.filter(({ id, state }) => state !== "running" || now >= (killAt.get(id) ?? 0));
    await Promise.all(due.map(({ id }) => limit(() => runtime.remove(id, signal))));
    if (due.length === left.length) return all.length;
    await pause(lookMs);
  }
}

function waysToStop(template: PodTemplate | undefined): { readonly stopSignal: string; readonly graceMs: number } {
  if (!template) return { stopSignal: templateDefaults.stopSignal, graceMs: templateDefaults.graceSeconds * 1000 };
  const { signal, graceMs } = resolveTemplate(template).stop;
  return { stopSignal: signal, graceMs };
}
