// Two containers that run with one address: an engine that was killed or cut off may give an address away a second time. Pure.
import type { Reason } from "../model/pod.ts";
import type { PodMemory } from "./history.ts";
import type { ContainerState } from "./runtime.ts";

/** Since when a run has been seen to share its address (monotonic). */
export interface SharedAddress {
  readonly ip: string;
  readonly since: number;
  readonly believed?: true;
}

/** One of the two may have ended a moment ago: both are looked at again, and only then is it believed. */
const believedAfterMs = 5_000;

/** The addresses that more than one of these containers runs with. */
export function sharedBy(containers: readonly (ContainerState | undefined)[]): ReadonlySet<string> {
  const found = new Set<string>();
  const shared = new Set<string>();
  for (const container of containers) {
    if (container?.state !== "running" || container.ip === undefined) continue;
    if (found.has(container.ip)) shared.add(container.ip);
    found.add(container.ip);
  }
  return shared;
}

/**
 * The memory of a pod whose container shares its address now; `sharer` undefined: it does not. The same object while nothing is new.
 * What is believed stands for the run: the other container is gone first, and the engine gives this one's address away again.
 */
export function sharing(memory: PodMemory, sharer: ContainerState | undefined, now: number): PodMemory {
  const { run } = memory;
  if (!run || run.shared?.believed) return memory;
  const { shared, ...rest } = run;
  if (sharer?.ip === undefined) return shared ? { ...memory, run: rest } : memory;
  if (shared?.ip !== sharer.ip) return { ...memory, run: { ...rest, shared: { ip: sharer.ip, since: now } } };
  if (now < shared.since + believedAfterMs) return memory;
  return { ...memory, run: { ...rest, shared: { ...shared, believed: true } } };
}

/** From when on a shared address is believed; undefined: it is not shared. */
export function believedAt({ run }: PodMemory): number | undefined {
  return run?.shared && run.shared.since + believedAfterMs;
}

/** Why the container was made anew. */
export function sharedReason({ ip }: SharedAddress): Reason {
  return { code: "CRASHED", message: `Docker had given its address ${ip} to another container as well; made anew` };
}
