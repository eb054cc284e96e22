// The last words of pods that ended: who they were, why, and the last lines that they wrote.
import type { Clock } from "../clock.ts";
import { type Failure, failureLineBytes, failureLines, type Placement, type Reason } from "../model/pod.ts";
import type { PodMemory } from "./history.ts";
import type { Report } from "./report.ts";
import type { ContainerState, Runtime } from "./runtime.ts";

export interface Failures {
  /** Reads the last lines of a process that has ended. Before it is started again: an engine gives none of a container that is starting. */
  listen(container: ContainerState): Promise<void>;
  /** A process has ended that should not have. */
  crashed(container: ContainerState, placement: Placement | undefined, memory: PodMemory): void;
  /** The engine refused a pod. */
  refused(placement: Placement | undefined, reason: Reason): void;
}

export interface FailuresOptions {
  readonly runtime: Runtime;
  readonly report: Report;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Lines are a help for people: an engine that is slow to give them must not hold the restart up for longer than a start takes there. */
const linesLimitMs = 1_000;

export function openFailures({ runtime, report, clock, signal }: FailuresOptions): Failures {
  /** By what was seen of the container: gone with it, told or not. */
  const heard = new WeakMap<ContainerState, readonly string[]>();
  return {
    async listen(container) {
      heard.set(container, await lastLines(runtime, container, signal));
    },
    crashed(container, placement, { lastEnd }) {
      const lines = heard.get(container) ?? [];
      if (!placement || !lastEnd) return;
      const { reason, exitCode } = lastEnd;
      const failure = failureOf(placement, clock.wall(), reason, lines);
      report.failure(exitCode === undefined ? failure : { ...failure, exitCode });
    },
    refused(placement, reason) {
      if (placement) report.failure(failureOf(placement, clock.wall(), reason, []));
    },
  };
}

function failureOf(placement: Placement, at: string, reason: Reason, lines: readonly string[]): Failure {
  const { pod, deployment, slot, revision } = placement;
  return { deployment, slot, pod, revision, at, reason, lines };
}

/** The last lines of the run that ended; none when the container is gone or the engine does not give them. */
async function lastLines(runtime: Runtime, container: ContainerState, signal: AbortSignal): Promise<string[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(linesLimitMs)]);
  const since = container.startedAt === undefined ? {} : { since: container.startedAt };
  const lines: string[] = [];
  try {
    const options = { follow: false, tail: failureLines, timestamps: false, ...since };
    for await (const { line } of runtime.logs(container.id, options, limit)) lines.push(cutLine(line));
  } catch {
    // What was read until then is better than nothing.
  }
  return lines.slice(-failureLines);
}

/** At most so many bytes as JSON, where a control character takes six; never half a character. */
export function cutLine(line: string): string {
  let bytes = 0;
  let end = 0;
  for (const character of line) {
    bytes += Buffer.byteLength(JSON.stringify(character)) - quotesBytes;
    if (bytes > failureLineBytes) return line.slice(0, end);
    end += character.length;
  }
  return line;
}

const quotesBytes = 2;
