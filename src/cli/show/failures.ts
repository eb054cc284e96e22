// The last failures that workers wrote down, and what probably caused each. Pure.
import { type ClusterState, templateOf } from "../../model/cluster-state.ts";
import type { JoinedPod } from "../../model/joined-pod.ts";
import { type Failure, podName, type Reason } from "../../model/pod.ts";
import type { PodTemplate } from "../../model/template.ts";

/** A failure as `describe -o json` and `why -o json` have it. */
export interface FailureView {
  readonly pod: string;
  /** The incarnation that failed; another one may hold the slot now. */
  readonly id: string;
  readonly at: string;
  readonly exitCode?: number;
  readonly reason: Reason;
  /** What it probably was, and what to do. */
  readonly cause?: string;
  /** The last lines that it wrote. */
  readonly lines: readonly string[];
}

/** Newest first. */
export function failuresOf(state: ClusterState, failures: readonly Failure[], deployment: string): FailureView[] {
  return failures
    .filter((failure) => failure.deployment === deployment)
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .map((failure) => failureView(state, failure));
}

/** Of this pod, or of the one before it in its slot. */
export function failureOf(
  state: ClusterState,
  failures: readonly Failure[],
  { deployment, pod }: JoinedPod,
): FailureView | undefined {
  const here = failuresOf(state, failures, deployment).filter(
    ({ pod: name }) => name === podName(deployment, pod.slot),
  );
  return here.find(({ id }) => id === pod.id) ?? here[0];
}

function failureView(state: ClusterState, failure: Failure): FailureView {
  const { deployment, slot, pod, revision, at, exitCode, reason, lines } = failure;
  const cause = likelyCause(reason, exitCode, templateOf(state, deployment, revision));
  return {
    pod: podName(deployment, slot),
    id: pod,
    at,
    ...(exitCode === undefined ? {} : { exitCode }),
    reason,
    ...(cause === undefined ? {} : { cause }),
    lines,
  };
}

/** What exit codes mean to the engine, to shells and to the kernel (128 + the signal's number). */
const exitCauses: Readonly<Record<number, string>> = Object.freeze({
  0: "it ended by itself or was stopped by hand, and a Deployment's program has to go on running",
  125: "the engine could not run it",
  126: "its command is not executable: look at its file mode and at the image's platform",
  127: "its command is not in the image: look at command, args and PATH",
  132: "it executed an illegal instruction: the image may be for another processor",
  134: "it aborted itself; its last lines say why",
  137: "it was killed (SIGKILL): by something outside, or because it did not end within stop.graceSeconds",
  139: "it crashed with a segmentation fault",
  141: "it wrote to a pipe that nobody reads any more",
  143: "it ended on SIGTERM, which orchestra did not send: something outside stopped it",
});

/**
 * One sentence such as `exit 137, out of memory at its limit of 128Mi: raise resources.memory`, or undefined when nothing more is known
 * than the reason says: an exit code of the program's own is explained by its last lines only.
 */
export function likelyCause(
  reason: Reason | undefined,
  exitCode: number | undefined,
  template: PodTemplate | undefined,
): string | undefined {
  if (reason?.code === "OUT_OF_MEMORY") return `exit ${exitCode ?? 137}, ${outOfMemory(template)}`;
  // These name their cause themselves; the exit code then only tells of the signal that we sent.
  if (reason !== undefined && reason.code !== "CRASHED") return undefined;
  if (exitCode === undefined) return undefined;
  const cause =
    exitCauses[exitCode] ?? (exitCode > 128 && exitCode <= 192 ? `signal ${exitCode - 128} ended it` : undefined);
  return cause === undefined ? undefined : `exit ${exitCode}: ${cause}`;
}

function outOfMemory(template: PodTemplate | undefined): string {
  if (!template) return "out of memory: set or raise resources.memory";
  const limit = template.resources?.memory;
  if (limit === undefined) return "out of memory on its node, with no limit of its own: set resources.memory";
  return `out of memory at its limit of ${limit}: raise resources.memory`;
}
