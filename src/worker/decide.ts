// What the worker does next: a pure function of the placements, the containers, its memory and the time.
// Only steps that are possible now; each pod gets at most one, because the next one depends on how it went.
import type { Placement } from "../model/pod.ts";
import { type ResolvedProbe, type ResolvedTemplate, templateDefaults } from "../model/template.ts";
import { believedAt } from "./address-conflict.ts";
import type { PodMemory, ProbeKind } from "./history.ts";
import { probeDueAt } from "./probing.ts";
import { readiness } from "./readiness.ts";
import type { ContainerState } from "./runtime.ts";

export type Step =
  | { readonly do: "pull"; readonly pod: string; readonly template: ResolvedTemplate }
  | { readonly do: "create"; readonly pod: string; readonly placement: Placement; readonly template: ResolvedTemplate }
  | { readonly do: "start"; readonly pod: string; readonly container: string }
  | { readonly do: "look"; readonly pod: string; readonly container: string }
  | { readonly do: "signal"; readonly pod: string; readonly container: string; readonly signal: string }
  | { readonly do: "remove"; readonly pod: string; readonly container: string }
  | ProbeStep;

export interface ProbeStep {
  readonly do: "probe";
  readonly pod: string;
  readonly container: string;
  readonly kind: ProbeKind;
  readonly probe: ResolvedProbe;
  readonly ip: string;
  /** Which run of the container is asked. */
  readonly since: number;
}

/** Everything that is known about one pod. */
export interface PodView {
  readonly id: string;
  /** Absent: a container of ours without a placement. */
  readonly placement?: Placement;
  /** Absent: not read yet, or refused by validation. */
  readonly template?: ResolvedTemplate;
  readonly container?: ContainerState;
  /** The container may have changed since it was looked at. */
  readonly stale: boolean;
  readonly memory: PodMemory;
  /** The step under way; its result decides the next one. */
  readonly busy?: Step["do"];
  readonly probing: ReadonlySet<ProbeKind>;
}

export interface Decision {
  readonly steps: readonly Step[];
  /** Pods whose pull under way is in vain: they must end, and a slow registry must not hold that up. */
  readonly giveUp: readonly string[];
  /** Pods that wait until one of the images under way has been pulled. */
  readonly queued: readonly string[];
  /** When something is due even if nothing happens (monotonic). */
  readonly nextAt: number;
}

/**
 * So many images are pulled at the same time. The engine fetches three layers at a time anyway, so more would not come sooner; and it
 * is no fewer, because a registry that stalls keeps its places for minutes, and the images of others must not wait for that.
 */
export const pullsAtATime = 8;

/** Something to do, a moment to wait for, or neither. */
type Next = Step | { readonly do: "wait"; readonly until: number } | undefined;

/**
 * The steps of this moment. `room`: how many more calls the engine may get now. Looks, probes and pulls do not count:
 * looks and probes are quick, and a slow pull must not keep other pods waiting: pulls have a limit of their own.
 */
export function decide(pods: readonly PodView[], now: number, room: number): Decision {
  const counted: Step[] = [];
  const free: Step[] = [];
  let nextAt = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    for (const next of [pod.busy ? undefined : nextStep(pod, now), ...probeSteps(pod, now)]) {
      if (next === undefined) continue;
      if (next.do === "wait") nextAt = Math.min(nextAt, next.until);
      else (next.do in rank ? counted : free).push(next);
      // An answer that changes nothing wakes nobody, so the next question is planned with this one.
      if (next.do === "probe") nextAt = Math.min(nextAt, now + next.probe.periodMs);
    }
    nextAt = Math.min(nextAt, readyFrom(pod, now));
  }
  counted.sort((a, b) => rankOf(a) - rankOf(b));
  const { may, queued } = admitPulls(pods, free);
  const giveUp = pods.filter(({ busy, memory }) => busy === "pull" && memory.stop).map(({ id }) => id);
  return { steps: [...may, ...counted.slice(0, Math.max(0, room))], giveUp, queued, nextAt };
}

/** The steps without the pulls that there is no place for. Pulls of one image are one. */
function admitPulls(
  pods: readonly PodView[],
  steps: readonly Step[],
): { readonly may: Step[]; readonly queued: string[] } {
  const images = new Set(pods.flatMap(({ busy, template }) => (busy === "pull" && template ? [template.image] : [])));
  const queued: string[] = [];
  const may = steps.filter((step) => {
    if (step.do !== "pull") return true;
    const { image } = step.template;
    const isAdmitted = images.has(image) || images.size < pullsAtATime;
    if (isAdmitted) images.add(image);
    else queued.push(step.pod);
    return isAdmitted;
  });
  return { may, queued };
}

/** The steps of this moment while the engine is silent: pods are asked on over the network, and nothing else is decided. */
export function decideBlind(pods: readonly PodView[], now: number): Omit<Decision, "giveUp" | "queued"> {
  const steps: Step[] = [];
  let nextAt = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    for (const next of probeSteps(pod, now)) {
      if (next?.do === "wait") nextAt = Math.min(nextAt, next.until);
      if (next?.do !== "probe") continue;
      // A probe that needs the engine is no longer due when it is back: it is asked then.
      if (next.probe.action.do === "exec") continue;
      steps.push(next);
      nextAt = Math.min(nextAt, now + next.probe.periodMs);
    }
    nextAt = Math.min(nextAt, readyFrom(pod, now));
  }
  return { steps, nextAt };
}

/** What is finished first when the engine is busy: a pod that is one step from running, then what makes room, then new ones. */
const rank = { start: 0, signal: 1, remove: 2, create: 3 } as const;
const rankOf = (step: Step) => rank[step.do as keyof typeof rank];

/** A process needs a moment to end even on SIGKILL; without it a grace of 0 would signal again and again. */
const leastGraceMs = 100;

function nextStep(pod: PodView, now: number): Next {
  if (pod.memory.stop) return nextStopStep(pod, pod.memory.stop, now);
  // A stop that was read from a view that is not fresh is not acted on, and neither is it a reason to start anything.
  if (!pod.placement || pod.placement.stop) return lookIfStale(pod, now);
  return nextRunStep(pod, pod.placement, now);
}

function nextRunStep(pod: PodView, placement: Placement, now: number): Next {
  const { container, memory, template } = pod;
  const look = lookIfStale(pod, now);
  if (look) return look;
  // A running container has an address from the start; one that was disconnected starts without it, too, so only a new one helps.
  if (container?.state === "running" && container.ip === undefined && template) {
    return { do: "remove", pod: pod.id, container: container.id };
  }
  if (container?.state === "running") {
    return nextEndingStep(pod, container.id, now) ?? nextSharerStep(pod, container.id, now);
  }
  if (!template || memory.refusal?.final) return undefined;
  const notBefore = Math.max(memory.refusal?.notBefore ?? 0, memory.startNotBefore);
  if (notBefore > now) return { do: "wait", until: notBefore };
  if (container) {
    // An engine that was killed may hold on to a half-started container for good: a new one of the same pod gets past that.
    const { reason, attempts = 0, container: refused } = memory.refusal ?? {};
    const isStuck = reason?.code === "ENGINE_ERROR" && attempts > 1 && refused === container.id;
    return { do: isStuck ? "remove" : "start", pod: pod.id, container: container.id };
  }
  const { imagePullPolicy } = template;
  const needsPull = memory.imageMissing ? imagePullPolicy !== "Never" : imagePullPolicy === "Always";
  if (needsPull && !memory.imagePulled) return { do: "pull", pod: pod.id, template };
  return { do: "create", pod: pod.id, placement, template };
}

/** A container that runs but whose liveness has failed: its signal, and after its grace the end. */
function nextEndingStep(pod: PodView, container: string, now: number): Next {
  const ending = pod.memory.run?.ending;
  if (!ending) return undefined;
  const { signal, graceMs } = stopRules(pod);
  if (ending.signalledAt === undefined) return { do: "signal", pod: pod.id, container, signal };
  const killAt = ending.signalledAt + Math.max(graceMs, leastGraceMs);
  return now < killAt ? { do: "wait", until: killAt } : { do: "signal", pod: pod.id, container, signal: "SIGKILL" };
}

/**
 * Nobody knows which of the two is answered, so each is made anew. Both: an engine gives the address of the one that is removed away again, though
 * the other one still has it.
 */
function nextSharerStep({ id, memory, template }: PodView, container: string, now: number): Next {
  const at = believedAt(memory);
  if (at === undefined || !template) return undefined;
  return now < at ? { do: "wait", until: at } : { do: "remove", pod: id, container };
}

function nextStopStep(pod: PodView, stop: NonNullable<PodMemory["stop"]>, now: number): Next {
  const { container } = pod;
  if (!container) return undefined;
  if (container.state !== "running") return { do: "remove", pod: pod.id, container: container.id };
  const { signal, graceMs } = stopRules(pod);
  if (stop.signalledAt === undefined) {
    const leaveAt = stop.seenAt + drainMs(pod);
    if (now < leaveAt) return lookIfStale(pod, now) ?? { do: "wait", until: leaveAt };
    return { do: "signal", pod: pod.id, container: container.id, signal };
  }
  const look = lookIfStale(pod, now);
  // An engine that does not answer the look may well remove it.
  if (look?.do === "look") return look;
  const killAt = stop.signalledAt + Math.max(graceMs, leastGraceMs);
  return now < killAt ? { do: "wait", until: killAt } : { do: "remove", pod: pod.id, container: container.id };
}

/** How long the pod stays up after it has left DNS: only one that was in DNS needs it, and `delete` waits only where the manifest says so. */
function drainMs({ placement, template, memory }: PodView): number {
  if (!placement?.stop || !template || !memory.everReady) return 0;
  if (placement.stop.reason === "delete" && !template.stop.drainIsExplicit) return 0;
  return template.stop.drainMs;
}

function stopRules({ template }: PodView): { readonly signal: string; readonly graceMs: number } {
  return template?.stop ?? { signal: templateDefaults.stopSignal, graceMs: templateDefaults.graceSeconds * 1000 };
}

function lookIfStale({ id, container, stale, memory }: PodView, now: number): Next {
  if (!container || !stale) return undefined;
  const { look, notBefore = 0 } = memory.refusal ?? {};
  return look && notBefore > now ? { do: "wait", until: notBefore } : { do: "look", pod: id, container: container.id };
}

function probeSteps(pod: PodView, now: number): Next[] {
  const { container, memory, template } = pod;
  const { run } = memory;
  if (!template || !run || run.ending || memory.stop || container?.state !== "running") return [];
  const { ip } = container;
  if (ip === undefined) return [];
  return (["readiness", "liveness"] as const).map((kind): Next => {
    const probe = template[kind];
    if (!probe) return undefined;
    if (pod.probing.has(kind)) return { do: "wait", until: now + probe.periodMs };
    const dueAt = probeDueAt(run[kind], probe, run.since);
    if (dueAt > now) return { do: "wait", until: dueAt };
    return { do: "probe", pod: pod.id, container: container.id, kind, probe, ip, since: run.since };
  });
}

function readyFrom({ memory, container, template }: PodView, now: number): number {
  const from = template && !memory.stop ? readiness(memory, container, template, now).from : undefined;
  return from ?? Number.POSITIVE_INFINITY;
}
