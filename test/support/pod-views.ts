// What the worker's decisions look at: the pod web-0 with its container, as a test wants it.
import { type PodTemplate, resolveTemplate } from "../../src/model/template.ts";
import type { PodView } from "../../src/worker/decide.ts";
import { newMemory, type PodMemory } from "../../src/worker/history.ts";
import type { ContainerState } from "../../src/worker/runtime.ts";

export const placement = { pod: "p1", deployment: "web", slot: 0, revision: "r1" };

export function container(fields: Partial<ContainerState> = {}): ContainerState {
  return { id: "c1", ...placement, state: "running", ip: "10.42.0.2", startedAt: "s1", ...fields };
}

export interface ViewFields extends Omit<Partial<PodView>, "template" | "memory"> {
  readonly template?: Partial<PodTemplate>;
  readonly memory?: PodMemory;
}

export function view({ template = {}, memory = newMemory, ...fields }: ViewFields = {}): PodView {
  const resolved = resolveTemplate({ image: "demo:1", ...template });
  return { id: "p1", placement, stale: false, probing: new Set(), template: resolved, memory, ...fields };
}

/** A container of ours that nothing was placed for. */
export function stray(fields: ViewFields): PodView {
  const { placement: _none, template: _unknown, ...rest } = view(fields);
  return rest;
}
