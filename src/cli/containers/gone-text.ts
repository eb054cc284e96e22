// What `logs` says of a pod that has no lines, because its container is gone, was never made or has never started. Pure.
import type { JoinedPod } from "../../model/joined-pod.ts";
import { age, oneLine } from "../print.ts";
import type { FailureView } from "../show/failures.ts";

export interface GoneText {
  /** For people. */
  readonly note: string;
  /** What its last failure left of its output. */
  readonly lines: readonly string[];
}

/** `made`: it has a container, which has never run. */
export function goneText(pod: JoinedPod, made: boolean, failure: FailureView | undefined, nowMs: number): GoneText {
  const what = made ? "has a container that has never started" : "has no container";
  if (failure && failure.lines.length > 0) {
    const note = `pod/${pod.name} ${what}; these lines are of its failure ${age(failure.at, nowMs)} ago:`;
    return { note, lines: failure.lines };
  }
  // The worker's last word is newer than what an earlier incarnation in this slot has left.
  const reason = pod.status?.reason ?? failure?.reason;
  const why = reason === undefined ? "" : `: ${oneLine(reason.message)} (${reason.code})`;
  return { note: `pod/${pod.name} ${what} (${pod.phase})${why}; orchestra why ${pod.name} tells more.`, lines: [] };
}
