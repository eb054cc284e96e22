// The last words of a command that changes Deployments. Pure.
import type { Followed } from "../../apply/follow.ts";
import { changesAnything, type Plan, type PlanItem } from "../../apply/plan.ts";
import { isFollowed } from "../../model/source.ts";
import { summaryOf } from "./plan-document.ts";
import { listText, noticesOf } from "./plan-text.ts";
import { unfinishedTexts, type WaitEnd } from "./wait-text.ts";

/** `1 created, 2 updated, 5 unchanged`. */
export function writtenText(plan: Plan): string {
  const { create, update, unchanged, delete: deleted } = summaryOf(plan);
  const counts = [
    ...(create > 0 ? [`${create} created`] : []),
    ...(update > 0 ? [`${update} updated`] : []),
    ...(deleted > 0 ? [`${deleted} deleted`] : []),
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
  ];
  return counts.join(", ");
}

/** Where nothing is written. */
export function upToDateText(plan: Plan): string {
  if (plan.items.length === 0) return "Nothing to delete.";
  const deleting = plan.items.filter(({ before }) => before?.value.deleted).map(({ name }) => name);
  const first = deleting.length > 0 ? `Being deleted already: ${deleting.join(", ")}.` : "Up to date.";
  return [first, ...noticesOf(plan)].join("\n");
}

/** Where someone else was first with a part of what was planned; "" where nobody was. */
export function meanwhileText(planned: Plan, written: Plan): string {
  const mine = new Set(written.items.filter(({ after }) => after !== undefined).map(({ name }) => name));
  const theirs = planned.items.filter(({ name, after }) => after !== undefined && !mine.has(name));
  return theirs.length === 0
    ? ""
    : `Someone else has done the same meanwhile: ${theirs.map(({ name }) => name).join(", ")}.`;
}

/** What a hand is about to do to Deployments of syncs against their files. Empty: nothing. */
export function besideTheFiles({ items }: Plan): PlanItem[] {
  return items.filter(({ before, after }) => {
    if (!before || !after || !isFollowed(before.value.source) || after.source !== before.value.source) return false;
    const { file, override } = after.replicas;
    return after.deleted !== undefined || (file !== undefined && override !== undefined);
  });
}

/** What their syncs make of it: those in `leaving` leave it so, the others take it back. "" where there is nothing. */
export function besideText(items: readonly PlanItem[], leaving: ReadonlySet<string>): string {
  const isLeft = ({ before }: PlanItem) => before?.value.source !== undefined && leaving.has(before.value.source);
  const left = items.filter(isLeft);
  const undone = items.filter((item) => !isLeft(item));
  const takesBack = `takes this back for ${namesOf(undone)}, unless it is paused: change the files instead`;
  const leaves = `leaves this so for ${namesOf(left)} until its own manifest says something else (--no-self-heal)`;
  const notes = [
    ...(undone.length > 0 ? [`Note: the sync of ${sourcesOf(undone)} ${takesBack}.`] : []),
    ...(left.length > 0 ? [`Note: the sync of ${sourcesOf(left)} ${leaves}.`] : []),
  ];
  return notes.join("\n");
}

/** What is taken over from syncs. Empty: nothing. */
export function takenFromSyncs({ items }: Plan): PlanItem[] {
  return items.filter(({ before, after }) => {
    return before && after && isFollowed(before.value.source) && after.source !== before.value.source;
  });
}

/** What their syncs, of which `known` are there, make of it. "" where there is nothing. */
export function takenText(items: readonly PlanItem[], known: ReadonlySet<string>): string {
  const bySource = Map.groupBy(items, ({ before }) => before?.value.source ?? "");
  const notes = [...bySource].flatMap(([source, taken]) => {
    const doing = `applies nothing while its files still name ${namesOf(taken)}: take it out of them`;
    return known.has(source) ? [`Note: the sync of ${source} ${doing} (started with --adopt it takes it back).`] : [];
  });
  return notes.join("\n");
}

function namesOf(items: readonly PlanItem[]): string {
  return listText(items.map(({ name }) => name));
}

function sourcesOf(items: readonly PlanItem[]): string {
  return [...new Set(items.map(({ before }) => before?.value.source))].join(", ");
}

/** Where it is written and nobody waits: because nothing runs that could carry it out, or because nobody wanted to. */
export function notWaitedText(plan: Plan, running: boolean, url: string): string {
  if (!changesAnything(plan)) return "";
  const isDelete = plan.items.some(({ action }) => action === "delete");
  const written = `${isDelete ? "Marked" : "Written"}: ${writtenText(plan)}.`;
  if (running) return `${written} Not waited for: orchestra get -w shows how it goes on.`;
  const what = isDelete ? "stops the pods and clears them away" : "starts it";
  return `${written} No worker runs on this store (${url}): \`orchestra up\` ${what}.`;
}

/** Why a wait did not end well, and what helps. */
export interface WaitFailure {
  readonly code: Exclude<WaitEnd, "done">;
  readonly message: string;
  readonly hint: string;
}

/** How the wait failed; undefined when it did not. */
export function waitFailure(end: WaitEnd, timeoutText: string): WaitFailure | undefined {
  switch (end) {
    case "done":
      return undefined;
    case "nobody":
      return { code: end, message: "nothing runs on this store any more", hint: "start it again with: orchestra up" };
    case "superseded":
      return {
        code: end,
        message: "someone else has changed it since",
        hint: "orchestra diff shows what applying would do now",
      };
    case "failed":
      return {
        code: end,
        message: "it cannot run as it is",
        hint: "mend what is named above and apply again; orchestra describe tells more",
      };
    case "timeout":
      return {
        code: end,
        message: `not all is done after ${timeoutText}`,
        hint: "orchestra get -w shows how it goes on; --timeout waits longer",
      };
    case "unplaced":
      return {
        code: end,
        message: "there is no place for some of its pods",
        hint: "make room or ask for less; orchestra why POD tells more",
      };
    case "interrupted":
      return { code: end, message: "stopped waiting", hint: "orchestra get -w shows how it goes on" };
    default:
      return end satisfies never;
  }
}

/** What is done now that the rest is ready. */
export function pruningText(names: readonly string[]): string {
  return `The rest is ready; what the files lack is deleted: ${listText(names)}.`;
}

/** What was to be pruned and is not. */
export function keptBackText(names: readonly string[]): string {
  return `Nothing was pruned; until the rest is ready these stay: ${listText(names)}`;
}

interface Failed {
  readonly plan: Plan;
  readonly followed?: Followed;
  readonly keptBack: readonly string[];
}

/** How a change that did not end well is told to people. */
export function failureText(failure: WaitFailure, { plan, followed, keptBack }: Failed): string {
  const written = changesAnything(plan) ? "What was written stays" : "Nothing was changed";
  const first = failure.code === "interrupted" ? "Stopped waiting" : `Error: ${failure.message}`;
  const left = (followed ? unfinishedTexts(followed) : []).map((line) => `  ${line}`);
  const kept = keptBack.length > 0 ? [`${keptBackText(keptBack)}.`] : [];
  const isShort = keptBack.length > 0 && failure.code === "unplaced";
  const delays = isShort ? "; where these hold the room, orchestra delete lets them go first" : "";
  return [`${first}. ${written}.`, ...left, ...kept, `Hint: ${failure.hint}${delays}.`].join("\n");
}
