// The last words of a command that changes Deployments. Pure.
import type { Followed } from "../apply/follow.ts";
import { changesAnything, type Plan } from "../apply/plan.ts";
import { summaryOf } from "./plan-document.ts";
import { noticesOf } from "./plan-text.ts";
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

/** Where it is written and nobody waits: because nothing runs that could carry it out, or because nobody wanted to. */
export function notWaitedText(plan: Plan, running: boolean, url: string): string {
  if (!changesAnything(plan)) return "";
  const isDelete = plan.items.some(({ action }) => action === "delete");
  const written = `${isDelete ? "Marked" : "Written"}: ${writtenText(plan)}.`;
  if (running) return `${written} Not waited for: orchestra get -w shows how it goes on.`;
  const what = isDelete ? "stops the pods and clears them away" : "starts it";
  return `${written} Nothing runs on this store (${url}): \`orchestra up\` ${what}.`;
}

export interface EndText {
  /** For standard output. */
  readonly done?: string;
  /** For standard error. */
  readonly error?: string;
}

/** How a wait ended. `plan` changed nothing: only what was there already was waited for. */
export function endText(end: WaitEnd, followed: Followed, plan: Plan, timeoutText: string): EndText {
  const changed = changesAnything(plan);
  if (end === "done") return changed ? { done: `Done: ${writtenText(plan)}.` } : {};
  const written = changed ? "What was written stays" : "Nothing was changed";
  const left = unfinishedTexts(followed);
  if (end === "interrupted") {
    return { error: [`Stopped waiting. ${written}: orchestra get -w shows how it goes on.`, ...left].join("\n") };
  }
  const say: Readonly<Record<Exclude<WaitEnd, "done" | "interrupted">, readonly [string, string]>> = {
    nobody: ["nothing runs on this store any more", "start it again with: orchestra up"],
    superseded: ["someone else has changed it since", "orchestra diff shows what applying would do now"],
    failed: ["it cannot run as it is", "mend what is named above and apply again; orchestra describe tells more"],
    timeout: [`not all is done after ${timeoutText}`, "orchestra get -w shows how it goes on; --timeout waits longer"],
    unplaced: ["there is no place for some of its pods", "make room or ask for less; orchestra why POD tells more"],
  };
  const [message, hint] = say[end];
  return { error: [`Error: ${message}. ${written}.`, ...left.map((line) => `  ${line}`), `Hint: ${hint}.`].join("\n") };
}
