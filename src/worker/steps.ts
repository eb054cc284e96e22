// Does what was decided, and tells the table how it went. One step of a pod at a time; nothing here waits for another pod.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { clusterDomain } from "../model/cluster.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import type { Reason } from "../model/pod.ts";
import type { Step } from "./decide.ts";
import { type PodMemory, probed, pulled, pulling, refused } from "./history.ts";
import { ask } from "./probe.ts";
import {
  type ContainerSpec,
  type ContainerState,
  type NodeNetwork,
  type Runtime,
  RuntimeFailure,
  unansweredMs,
} from "./runtime.ts";
import type { PodTable } from "./table.ts";

export interface StepsOptions {
  readonly runtime: Runtime;
  readonly table: PodTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly network: () => NodeNetwork;
  /** After each step: look again. */
  readonly wake: () => void;
  /** A process has ended, and what follows waits for this. */
  readonly onEnd: (container: ContainerState) => Promise<void>;
  /** The engine did not answer. */
  readonly onSilence: () => void;
  /** It did not answer this one call: whether it answers at all is to be found out. */
  readonly onSlow: () => void;
  /** The engine refused a step for a reason of its own: what it needs of this node may be gone. */
  readonly onEngineError: () => void;
  /** The engine refused a step of this pod, for a reason that it had not given before. */
  readonly onRefusal: (pod: string, reason: Reason) => void;
  readonly signal: AbortSignal;
}

export interface Steps {
  /** Begins a step; its result is in the table later. */
  begin(step: Step): void;
  /** Ends the pull of this pod, without a result. */
  giveUp(pod: string): void;
  /** Resolves when no step is under way. */
  idle(): Promise<void>;
}

export function openSteps(options: StepsOptions): Steps {
  const { table, wake } = options;
  const running = new Set<Promise<void>>();
  const pulls = new Map<string, AbortController>();
  const signalFor = (step: Step): AbortSignal => {
    if (step.do !== "pull") return options.signal;
    const pull = new AbortController();
    pulls.set(step.pod, pull);
    return AbortSignal.any([options.signal, pull.signal]);
  };
  return {
    begin(step) {
      table.begin(step);
      const signal = signalFor(step);
      const done = perform(step, { ...options, signal })
        .catch((error: unknown) => {
          if (!signal.aborted) recover(step, error, options);
        })
        .finally(() => {
          table.end(step);
          running.delete(done);
          if (step.do === "pull") pulls.delete(step.pod);
          if (step.do !== "probe" || !table.isCalm(step.pod)) wake();
        });
      running.add(done);
    },
    giveUp(pod) {
      pulls.get(pod)?.abort(new Error("the pod must end"));
    },
    async idle() {
      await Promise.all(running);
    },
  };
}

async function perform(step: Step, options: StepsOptions): Promise<void> {
  const { runtime, table, clock, signal } = options;
  switch (step.do) {
    case "pull":
      await runtime.pull(step.template, (percent) => showPull(step.pod, percent, options), signal);
      return table.update(step.pod, pulled);
    case "create": {
      const spec = specOf(step, options.network());
      const id = await runtime.create(spec, signal);
      const { pod, deployment, slot, revision } = spec;
      return table.created(step.pod, { id, pod, deployment, slot, revision, state: "created" });
    }
    case "start":
      await runtime.start(step.container, signal);
      return table.startedNow(step.pod, clock.now());
    case "look": {
      const asOf = table.asOf;
      const container = await runtime.inspect(step.container, signal);
      if (container.state === "exited") await options.onEnd(container);
      return table.looked(step.pod, container, asOf, clock.now());
    }
    case "signal":
      await runtime.kill(step.container, step.signal, signal);
      return table.update(step.pod, (memory) => signalled(memory, clock.now()));
    case "remove":
      await runtime.remove(step.container, signal);
      return table.gone(step.pod, clock.now());
    case "probe": {
      const answer = await ask(step, runtime, signal);
      if (signal.aborted) return;
      // One answer that is missing counts against the pod; where the engine hangs no further one is asked for.
      if (answer.isEngineSlow) options.onSlow();
      return table.update(step.pod, (memory) =>
        // An answer about the process before this one says nothing.
        memory.run?.container === step.container && memory.run.since === step.since
          ? probed(memory, step.kind, step.probe, answer, clock.now())
          : memory,
      );
    }
    default:
      return step satisfies never;
  }
}

function showPull(pod: string, percent: number | undefined, { table, wake }: StepsOptions): void {
  table.update(pod, (memory) => {
    const next = pulling(memory, percent);
    if (next !== memory) wake();
    return next;
  });
}

function recover(step: Step, error: unknown, options: StepsOptions): void {
  const { table, clock } = options;
  const slowMs = unansweredMs(error);
  if (slowMs !== undefined) {
    options.onSlow();
    refuse(step, slowness(step, slowMs, error), options);
    return;
  }
  if (isOrchestraError(error, "unavailable")) {
    options.onSilence();
    return;
  }
  if (isOrchestraError(error, "not-found")) {
    table.gone(step.pod, clock.now());
    return;
  }
  const failure = failureOf(step, error, options);
  const { reason } = failure;
  const isMissing = step.do === "create" && reason.code === "IMAGE_NOT_PRESENT";
  // The usual way to a pull: nobody asks whether the image is there before the engine says that it is not.
  if (isMissing && step.template.imagePullPolicy !== "Never") {
    table.update(step.pod, (memory) => ({ ...memory, imageMissing: true, imagePulled: false }));
    return;
  }
  if (reason.code === "ENGINE_ERROR") options.onEngineError();
  refuse(step, failure, options);
}

function failureOf(step: Step, error: unknown, { log }: StepsOptions): RuntimeFailure {
  if (error instanceof RuntimeFailure) return error;
  log.error("a step of a pod failed in an unexpected way", { pod: step.pod, step: step.do, error: messageOf(error) });
  return new RuntimeFailure({ code: "ENGINE_ERROR", message: messageOf(error).slice(0, 160) }, false, error);
}

/** One container may have locked itself up in an engine that does its work for all others. */
function slowness(step: Step, ms: number, cause: unknown): RuntimeFailure {
  const message = `the engine did not answer its ${step.do} for ${ms / 1_000} s; tried again: see the engine's log (journalctl -u docker)`;
  return new RuntimeFailure({ code: "ENGINE_ERROR", message }, false, cause);
}

function refuse(step: Step, { reason, final }: RuntimeFailure, { table, clock, onRefusal }: StepsOptions): void {
  table.update(step.pod, (memory) => {
    if (memory.refusal?.reason.code !== reason.code) onRefusal(step.pod, reason);
    const about = "container" in step ? { container: step.container } : {};
    const look = step.do === "look" ? { look: true as const } : {};
    return refused(memory, { reason, final, ...about, ...look }, clock.now());
  });
}

function specOf(step: Extract<Step, { do: "create" }>, network: NodeNetwork): ContainerSpec {
  const { pod, deployment, slot, revision } = step.placement;
  return {
    pod,
    deployment,
    slot,
    revision,
    template: step.template,
    network: network.name,
    dns: { server: network.gateway, search: clusterDomain },
  };
}

function signalled(memory: PodMemory, now: number): PodMemory {
  const { run, stop } = memory;
  if (stop) return { ...memory, stop: { ...stop, signalledAt: now } };
  return run?.ending ? { ...memory, run: { ...run, ending: { ...run.ending, signalledAt: now } } } : memory;
}
