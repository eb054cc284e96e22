// What is said while and after waiting for an apply, scale or delete. Pure.

import type { Followed } from "../../apply/follow.ts";
import type { Goal, Progress } from "../../apply/wait.ts";
import type { ClusterState } from "../../model/cluster-state.ts";
import type { Failure } from "../../model/pod.ts";
import { podsText } from "../../model/pod.ts";
import { oneLine, printable } from "../print.ts";
import { lineText, type ProgressLine } from "../progress.ts";
import { waitingTexts } from "../show/waiting.ts";

/** DESIGN section 9; 130 is what a shell gives to a command that Ctrl-C ended. */
export const waitExitCodes = Object.freeze({
  done: 0,
  nobody: 1,
  superseded: 3,
  failed: 4,
  timeout: 5,
  unplaced: 6,
  interrupted: 130,
});
export type WaitEnd = keyof typeof waitExitCodes;

/** The end of a wait in one word; the worst counts, and among them the one that names a cause. */
export function endOf({ end, progress, unplaced }: Pick<Followed, "end" | "progress" | "unplaced">): WaitEnd {
  if (progress.some(({ state }) => state === "superseded")) return "superseded";
  if (progress.some(({ state }) => state === "failed")) return "failed";
  if (end === "interrupted" || end === "nobody") return end;
  if (progress.some(({ goal }) => unplaced.has(goal))) return "unplaced";
  return end === "timeout" ? "timeout" : "done";
}

/** More lines than this are counted together: nobody reads the progress of a hundred Deployments. */
const linesLimit = 30;

/** Lines for the Deployments that are on their way or were; `phases` only where lines are drawn in place. */
export function progressLines(progress: readonly Progress[], seen: Set<Goal>, phases: boolean): ProgressLine[] {
  for (const { goal, state } of progress) if (state !== "done") seen.add(goal);
  const shown = progress.filter(({ goal }) => seen.has(goal));
  if (shown.length <= linesLimit) return shown.map((one) => progressLine(one, phases));
  const done = shown.filter(({ state }) => state === "done").length;
  return [{ key: "", text: `${done} of ${shown.length} Deployments are done` }];
}

/** `web: 1 of 3 updated and ready, 1 pulling, 2 old pods left; web-1: exit code 1`. */
export function progressText(progress: Progress, phases: boolean): string {
  return lineText(progressLine(progress, phases));
}

function progressLine({ goal, ready, leaving, old, state, ...progress }: Progress, phases: boolean): ProgressLine {
  const key = goal.name;
  if (goal.do === "delete") return { key, text: `${key}: ${state === "done" ? "gone" : `${podsText(leaving)} left`}` };
  // The old ones may all be ready: who reads "0 of 3 ready" would think that nothing serves.
  const counts = [`${ready} of ${goal.replicas} ${old > 0 ? "updated and ready" : "ready"}`];
  if (phases) for (const [phase, pods] of progress.phases) counts.push(`${pods} ${phase}`);
  if (old > 0) counts.push(`${podsText(old, "old ")} left`);
  if (leaving > old) counts.push(`${leaving - old} stopping`);
  const text = `${key}: ${counts.join(", ")}`;
  if (!progress.trouble) return { key, text };
  // A program that is not listening yet is no news: it only becomes news when it goes on.
  return { key, text, reason: { text: troubleText(progress.trouble), passing: progress.trouble.code === "NOT_READY" } };
}

/** What keeps each goal that is not done from being so, one line each. */
export function unfinishedTexts({ progress, unplaced, state }: Followed): string[] {
  const reasons = unplaced.size > 0 ? waitingTexts(state) : new Map<string, string>();
  return progress.flatMap((one) => {
    if (one.state === "done") return [];
    if (one.state === "superseded") return [one.why.message];
    if (one.state === "failed") return [`${one.goal.name}: ${troubleText(one.why)}`];
    const reason = unplaced.has(one.goal) ? pendingReason(state, one.goal, reasons) : undefined;
    return [reason === undefined ? progressText(one, true) : `${one.goal.name}: ${reason}`];
  });
}

/** What is done as far as anybody can now, one line for each node that is out of reach. */
export function outOfReachTexts(progress: readonly Progress[]): string[] {
  return progress.flatMap(({ goal, outOfReach }) =>
    [...outOfReach].map(([node, pods]) => {
      const [is, it] = pods === 1 ? ["is", "it"] : ["are", "them"];
      const way = `${is} stopped when it is back; orchestra nodes forget ${node} drops ${it}`;
      return `${goal.name}: ${podsText(pods)} on ${node}, which is absent or lost, ${way}`;
    }),
  );
}

/** The last lines of the container that failed, for those that did. */
export function failureLines(progress: readonly Progress[], failures: readonly Failure[]): string[] {
  return progress.flatMap(({ state, goal }) => {
    if (state !== "failed") return [];
    const last = failures.find((one) => one.deployment === goal.name && one.revision === goal.revision);
    if (!last || last.lines.length === 0) return [];
    return [`Last lines of ${goal.name}-${last.slot}:`, ...last.lines.map((line) => `  ${printable(line)}`)];
  });
}

function pendingReason(state: ClusterState, { name }: Goal, reasons: ReadonlyMap<string, string>): string | undefined {
  const waiting = state.pods.get(name)?.pods.find(({ id }) => reasons.has(id));
  return waiting && `${name}-${waiting.slot} ${reasons.get(waiting.id)}`;
}

function troubleText({ code, message, pod }: NonNullable<Progress["trouble"]>): string {
  const text = oneLine(message);
  return pod === undefined ? text : `${pod}: ${text} (${code})`;
}
