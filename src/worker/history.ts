// What the worker remembers of a pod beyond what the engine tells: how often it ended, how its probes went, what was refused.
// Pure: each function takes the memory as it was and gives it as it is. Times are monotonic milliseconds.
import type { Reason, ReasonCode } from "../model/pod.ts";
import { formatMemory } from "../model/quantity.ts";
import type { ResolvedProbe, ResolvedTemplate } from "../model/template.ts";
import { type SharedAddress, sharedReason } from "./address-conflict.ts";
import { freshProbe, type ProbeMemory, probeAnswered } from "./probing.ts";
import type { ContainerState } from "./runtime.ts";

export type ProbeKind = "readiness" | "liveness";

export interface PodMemory {
  /** Starts after the first one, for people. */
  readonly restarts: number;
  /** Ends in a row without a period of health between them: what the back-off grows with. */
  readonly crashes: number;
  readonly everReady: boolean;
  readonly lastEnd?: LastEnd;
  /** The ends of the last while, oldest first: an engine that shuts down may end a pod, start it again as it is told to, and end it once more. */
  readonly recentEnds?: readonly RecentEnd[];
  /** Not started again before this moment. */
  readonly startNotBefore: number;
  readonly refusal?: Refusal;
  /** The image must be pulled before the next creation: the engine does not have it. */
  readonly imageMissing: boolean;
  /** The image was pulled for the next creation. */
  readonly imagePulled: boolean;
  /** How much of the image is here, in percent, while it is pulled. */
  readonly pulled?: number;
  /** The process that runs now. */
  readonly run?: Run;
  /** This worker has seen, on a fresh view, that the pod must end. */
  readonly stop?: { readonly seenAt: number; readonly signalledAt?: number };
}

export interface Run {
  readonly container: string;
  readonly startedAt?: string;
  readonly since: number;
  readonly ready: boolean;
  readonly readiness: ProbeMemory;
  readonly liveness: ProbeMemory;
  /** Liveness has failed: it gets its signal, and is killed after its grace. */
  readonly ending?: { readonly message: string; readonly signalledAt?: number };
  /** The kernel has killed a process of it for want of memory. */
  readonly starved?: true;
  readonly shared?: SharedAddress;
}

export interface LastEnd {
  readonly at: number;
  readonly exitCode?: number;
  readonly reason: Reason;
  readonly wasReady: boolean;
}

export interface RecentEnd {
  readonly at: number;
  /** As counted before it. */
  readonly crashesBefore: number;
}

/** The engine said no. */
export interface Refusal {
  readonly at: number;
  readonly reason: Reason;
  /** Only another template helps. */
  readonly final: boolean;
  readonly attempts: number;
  readonly notBefore: number;
  /** The container that the step was about, if there was one. */
  readonly container?: string;
  /** It was a look: nothing else is done with the container before one is answered. */
  readonly look?: true;
}

export const newMemory: PodMemory = Object.freeze({
  restarts: 0,
  crashes: 0,
  everReady: false,
  startNotBefore: 0,
  imageMissing: false,
  imagePulled: false,
});

/** A pod that ran for so long, and for its longest back-off, was healthy: a crash a day later starts again at once. */
const healthyAfterMs = 10_000;
const refusalFirstMs = 1_000;
const refusalMaxMs = 60_000;
const localRefusalMaxMs = 5_000;

/** How long to wait before the start that follows so many crashes in a row: the first time not at all. */
export function backoffMs(template: Pick<ResolvedTemplate, "restart"> | undefined, crashes: number): number {
  const { backoffMs: first, backoffMaxMs: most } = template?.restart ?? { backoffMs: 1_000, backoffMaxMs: 60_000 };
  if (crashes <= 1) return 0;
  // Past 2^20 the limit has long been reached; without it the power would grow out of every number.
  return Math.min(first * 2 ** Math.min(crashes - 2, 20), most);
}

/** The container runs: the run that is known, or a new one since `since`. `ready`: it is taken over with its recorded readiness. */
export function started(memory: PodMemory, container: ContainerState, since: number, ready = false): PodMemory {
  const { run } = memory;
  const { startedAt } = container;
  if (run && isSameRun(run, container)) {
    return startedAt === undefined || run.startedAt !== undefined ? memory : { ...memory, run: { ...run, startedAt } };
  }
  const { refusal: _over, ...rest } = memory;
  return {
    ...rest,
    everReady: memory.everReady || ready,
    imageMissing: false,
    imagePulled: false,
    run: {
      container: container.id,
      ...(startedAt === undefined ? {} : { startedAt }),
      since,
      ready,
      readiness: freshProbe(since, ready),
      liveness: freshProbe(since, true),
    },
  };
}

/** Whether the container still runs the process that is known. */
export function isSameRun(run: Run, container: ContainerState): boolean {
  if (run.container !== container.id) return false;
  return run.startedAt === undefined || container.startedAt === undefined || run.startedAt === container.startedAt;
}

export interface End {
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** The container is gone as well. */
  readonly removed: boolean;
}

/** The process has ended and nobody had asked for it: restarted at once the first time, then with back-off. */
export function crashed(memory: PodMemory, end: End, template: ResolvedTemplate | undefined, now: number): PodMemory {
  const { run, ...rest } = memory;
  if (!run) return memory;
  const ranMs = now - run.since;
  const isHealthy = ranMs >= Math.max(healthyAfterMs, template?.restart.backoffMaxMs ?? 0);
  const crashes = isHealthy ? 1 : memory.crashes + 1;
  return {
    ...rest,
    restarts: memory.restarts + 1,
    crashes,
    recentEnds: [...endsSince(memory, now - shutdownMs), { at: now, crashesBefore: memory.crashes }],
    startNotBefore: now + backoffMs(template, crashes),
    lastEnd: {
      at: now,
      ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
      reason: endReason(run, end, template),
      wasReady: run.ready,
    },
  };
}

/** How long after an end its cause may still be told: the two are told by different parts of an engine. */
const lateCauseMs = 5_000;
/** What a process ends with that was killed. */
const killedExitCode = 137;

/** The kernel has killed a process of the container for want of memory: the one that ended a moment ago without a cause, or one of this run. */
export function starved(memory: PodMemory, template: ResolvedTemplate | undefined, now: number): PodMemory {
  const { lastEnd, run } = memory;
  if (isLateCause(lastEnd, now)) return { ...memory, lastEnd: { ...lastEnd, reason: starvedReason(template) } };
  return run ? { ...memory, run: { ...run, starved: true } } : memory;
}

/** Whether the process was killed a moment ago, and nobody knows why yet. */
function isLateCause(lastEnd: LastEnd | undefined, now: number): lastEnd is LastEnd {
  return lastEnd?.reason.code === "CRASHED" && lastEnd.exitCode === killedExitCode && now - lastEnd.at <= lateCauseMs;
}

/**
 * Somebody else has removed the container: that is why its process was killed a moment ago, and what the engine refused of the container
 * meanwhile says nothing about the next one.
 */
export function removed(memory: PodMemory, container: string, now: number): PodMemory {
  const { refusal, ...rest } = memory;
  const kept = refusal === undefined || refusal.container === container ? rest : memory;
  return isLateCause(memory.lastEnd, now) ? { ...kept, lastEnd: { ...memory.lastEnd, reason: removedReason } } : kept;
}

/** The process ended with the engine or the host, or because it was told to: no crash, and no back-off. */
export function endedWithHost(memory: PodMemory): PodMemory {
  const { run: _over, ...rest } = memory;
  return memory.run ? { ...rest, startNotBefore: 0 } : memory;
}

/** The container was looked at: what had been refused was no more than that. */
export function seen(memory: PodMemory): PodMemory {
  if (!memory.refusal?.look) return memory;
  const { refusal: _over, ...rest } = memory;
  return rest;
}

/** How long an engine may take to shut down, refusing starts and ending containers before it goes silent. */
const shutdownMs = 20_000;

/** The engine went silent: ends and refusals shortly before were its shutdown, and whatever it refused is tried again when it is back. */
export function silenced(memory: PodMemory, now: number): PodMemory {
  const { lastEnd, refusal, recentEnds, ...rest } = memory;
  const itsEnds = endsSince(memory, now - shutdownMs);
  const [first] = itsEnds;
  const wasRefused = refusal?.final && now - refusal.at >= shutdownMs;
  return {
    ...rest,
    ...(wasRefused ? { refusal } : {}),
    ...(first
      ? { restarts: memory.restarts - itsEnds.length, crashes: first.crashesBefore, startNotBefore: 0 }
      : { ...(lastEnd && { lastEnd }), ...(recentEnds && { recentEnds }) }),
  };
}

function endsSince({ recentEnds = [] }: PodMemory, since: number): readonly RecentEnd[] {
  return recentEnds.filter(({ at }) => at > since);
}

/** How far the pull has come. In steps of ten: each is a commit. The same object while it is the same. */
export function pulling(memory: PodMemory, percent: number | undefined): PodMemory {
  if (percent === undefined) return memory;
  const pulled = Math.floor(percent / 10) * 10;
  return memory.pulled === pulled ? memory : { ...memory, pulled };
}

/** The image is here. */
export function pulled(memory: PodMemory): PodMemory {
  const { pulled: _all, ...rest } = memory;
  return { ...rest, imageMissing: false, imagePulled: true };
}

/** What the engine refused for this reason is tried again at the latest after so long. A registry must not be asked too often; this host may be. */
export function refusalLimitMs(code: ReasonCode): number {
  return code === "PORT_TAKEN" || code === "IMAGE_NOT_PRESENT" ? localRefusalMaxMs : refusalMaxMs;
}

/** The engine refused a step. */
export function refused(
  memory: PodMemory,
  what: Pick<Refusal, "reason" | "final" | "container" | "look">,
  now: number,
): PodMemory {
  const attempts = (memory.refusal?.attempts ?? 0) + 1;
  const waitMs = Math.min(refusalFirstMs * 2 ** Math.min(attempts - 1, 20), refusalLimitMs(what.reason.code));
  const { pulled: _inVain, ...rest } = memory;
  return { ...rest, imagePulled: false, refusal: { ...what, at: now, attempts, notBefore: now + waitMs } };
}

/** A probe has answered (`message` says what was wrong). */
export function probed(
  memory: PodMemory,
  kind: ProbeKind,
  probe: ResolvedProbe,
  answer: { readonly ok: boolean; readonly message: string },
  now: number,
): PodMemory {
  const { run } = memory;
  if (!run) return memory;
  const next = probeAnswered(run[kind], probe, answer, now, kind === "readiness" && !run.readiness.ok);
  const ending = kind === "liveness" && !next.ok && !run.ending ? { ending: { message: answer.message } } : {};
  return { ...memory, run: { ...run, [kind]: next, ...ending } };
}

/** Records that the pod is, or no longer is, ready. */
export function settled(memory: PodMemory, ready: boolean): PodMemory {
  if (!memory.run || memory.run.ready === ready) return memory;
  return { ...memory, everReady: memory.everReady || ready, run: { ...memory.run, ready } };
}

function endReason(run: Run, end: End, template: ResolvedTemplate | undefined): Reason {
  if (run.ending)
    return { code: "LIVENESS_FAILED", message: cut(`restarted, its liveness probe failed: ${run.ending.message}`) };
  if (end.oomKilled || run.starved) return starvedReason(template);
  if (end.removed) return run.shared ? sharedReason(run.shared) : removedReason;
  return { code: "CRASHED", message: `ended with exit code ${end.exitCode ?? "unknown"}; see \`orchestra logs\`` };
}

const removedReason: Reason = Object.freeze({
  code: "CRASHED",
  message: "its container was removed by someone else, or had lost its network",
});

function starvedReason(template: ResolvedTemplate | undefined): Reason {
  const { memoryBytes = 0 } = template?.resources ?? {};
  const message =
    memoryBytes > 0
      ? `it needed more memory than its limit of ${formatMemory(memoryBytes)}; raise resources.memory`
      : "its node has run out of memory; set resources.memory, or make room";
  return { code: "OUT_OF_MEMORY", message };
}

function cut(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}
