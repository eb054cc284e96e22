// What is said of a node whose engine is silent, and of its pods. Pure.
import { isGivenUp } from "../../model/phase.ts";
import type { EngineSilence } from "../../model/pod.ts";
import { age } from "../print.ts";
import type { Observation } from "./observe.ts";

/** `lost`: for so long that the pods there get successors elsewhere. */
export interface SilentEngine extends EngineSilence {
  readonly lost?: true;
}

/** Undefined: it answers, as far as the worker there has told, or no worker is there. */
export function silentEngineOf({ state, present }: Observation, node: string): SilentEngine | undefined {
  const engine = present.has(node) ? state.statuses.get(node)?.engine : undefined;
  return engine && { ...engine, ...(isGivenUp(state.verdicts.get(node)) ? { lost: true } : {}) };
}

/** Since when, and why. */
export function silenceText({ since, reason }: SilentEngine, nowMs: number): string {
  return `silent for ${age(since, nowMs)}: ${reason}`;
}

/** What comes of it for the whole node. */
export function silenceMeans({ lost }: SilentEngine): string {
  const moves = lost ? "its pods get successors elsewhere" : "after a minute its pods get successors elsewhere";
  return `nothing is started or stopped there, pods that still answer stay in DNS, and ${moves}`;
}

/** A sentence for each such node. */
export function silenceNotes(observation: Observation): string[] {
  return [...observation.state.statuses.keys()].flatMap((node) => {
    const engine = silentEngineOf(observation, node);
    return engine ? [`the engine of ${node} has been ${silenceText(engine, observation.nowMs)}`] : [];
  });
}
