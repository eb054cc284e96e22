// What a worker keeps on its own disk, so that it goes on without the store: the last placements with their templates,
// and what it remembers of each pod. Pure: the shapes, and how memories get in and out of them.
import type { KnownStore } from "../model/known-store.ts";
import type { Placement, PodStatus, Reason } from "../model/pod.ts";
import { type PodTemplate, type ResolvedTemplate, resolveRestart } from "../model/template.ts";
import { backoffMs, newMemory, type PodMemory } from "./history.ts";
import { freshProbe } from "./probing.ts";

/** With the store that the placements come from. */
export interface LastKnown extends KnownStore {
  readonly placements: readonly Placement[];
  /** By `<deployment>/<revision>`. */
  readonly templates: Readonly<Record<string, PodTemplate>>;
  readonly pods: Readonly<Record<string, KeptMemory>>;
}

/** What is kept of a memory. No moment in time: a monotonic clock means nothing to the next process, so waits begin again. */
export interface KeptMemory {
  readonly restarts: number;
  readonly crashes: number;
  readonly everReady: boolean;
  readonly exitCode?: number;
  readonly reason?: Reason;
  /** The process that ran last. */
  readonly run?: { readonly container: string; readonly startedAt?: string; readonly ready: boolean };
}

export function kept(memory: PodMemory): KeptMemory {
  const { restarts, crashes, everReady, lastEnd, run } = memory;
  return {
    restarts,
    crashes,
    everReady,
    ...(lastEnd?.exitCode === undefined ? {} : { exitCode: lastEnd.exitCode }),
    ...(lastEnd === undefined ? {} : { reason: lastEnd.reason }),
    ...(run === undefined
      ? {}
      : {
          run: {
            container: run.container,
            ready: run.ready,
            ...(run.startedAt === undefined ? {} : { startedAt: run.startedAt }),
          },
        }),
  };
}

/** How long each pod that was placed waits between two crashes; undefined where its template is not known. */
export function restartRules({ placements, templates }: Pick<LastKnown, "placements" | "templates">) {
  const byPod = new Map(placements.map((placement) => [placement.pod, placement]));
  return (pod: string): ResolvedTemplate["restart"] | undefined => {
    const { deployment, revision } = byPod.get(pod) ?? {};
    const template = templates[`${deployment}/${revision}`];
    return template && resolveRestart(template);
  };
}

/** The memory of a pod after a restart of this worker. A recorded readiness counts until a probe disagrees. */
export function recalled(
  memory: KeptMemory | undefined,
  restart: ResolvedTemplate["restart"] | undefined,
  now: number,
): PodMemory {
  if (!memory) return newMemory;
  const { restarts, crashes, everReady, exitCode, reason, run } = memory;
  const lastEnd = reason && {
    at: Number.NEGATIVE_INFINITY,
    reason,
    wasReady: everReady,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
  return {
    ...newMemory,
    restarts,
    crashes,
    everReady,
    // Begun anew: a wait is never shortened by a restart of ours.
    startNotBefore: run || crashes < 2 ? 0 : now + backoffMs(restart && { restart }, crashes),
    ...(lastEnd ? { lastEnd } : {}),
    ...(run
      ? { run: { ...run, since: now, readiness: freshProbe(now, run.ready), liveness: freshProbe(now, true) } }
      : {}),
  };
}

/** What the store's own status tells, where the disk has nothing. `container`: the full id of the pod's container now. */
export function keptFromStatus(status: PodStatus, container: string | undefined): KeptMemory {
  const isSame = container !== undefined && status.container !== undefined && container.startsWith(status.container);
  return {
    restarts: status.restarts,
    // It may have been long ago that it was well, so it does not start over with a crash at once.
    crashes: status.phase === "ready" ? 0 : status.restarts,
    // A pod that was on its way out may have been in DNS: its drain must not be skipped.
    everReady: status.phase === "ready" || status.phase === "stopping",
    ...(status.exitCode === undefined ? {} : { exitCode: status.exitCode }),
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    ...(isSame
      ? {
          run: {
            container,
            ready: status.phase === "ready",
            ...(status.startedAt === undefined ? {} : { startedAt: status.startedAt }),
          },
        }
      : {}),
  };
}

/**
 * What the disk and the store remember of one pod. A process that is killed leaves one of them behind the other, so of a run that both know
 * either word for its readiness counts: names that are answered now must not go before a probe disagrees.
 */
export function reconciled(disk: KeptMemory | undefined, store: KeptMemory | undefined): KeptMemory | undefined {
  if (!disk || !store) return disk ?? store;
  const run = newestRun(disk.run, store.run);
  return {
    ...disk,
    restarts: Math.max(disk.restarts, store.restarts),
    everReady: disk.everReady || store.everReady,
    ...(run ? { run } : {}),
  };
}

function newestRun(disk: KeptMemory["run"], store: KeptMemory["run"]): KeptMemory["run"] {
  if (!disk || !store) return disk ?? store;
  const isSame =
    disk.container === store.container &&
    (disk.startedAt === undefined || store.startedAt === undefined || disk.startedAt === store.startedAt);
  if (isSame) return { ...store, ...disk, ready: disk.ready || store.ready };
  return (store.startedAt ?? "") > (disk.startedAt ?? "") ? store : disk;
}
