// How every command changes Deployments: plan, say it, commit, wait. One flow for apply, deploy, scale and delete.
import { refuseBlocked } from "../../apply/commit.ts";
import { observationOf } from "../../apply/follow.ts";
import { changesAnything, type Plan } from "../../apply/plan.ts";
import { pruneOf } from "../../apply/prune.ts";
import type { Snapshot, Store } from "../../store/store.ts";
import { wantsColour } from "../print.ts";
import { holdNotes } from "../show/node-rows.ts";
import { lookAt } from "./change-look.ts";
import { type Carried, type ChangeOptions, carryOutRest, pruneAfter } from "./change-steps.ts";
import {
  besideText,
  besideTheFiles,
  failureText,
  keptBackText,
  notWaitedText,
  takenFromSyncs,
  takenText,
  upToDateText,
  type WaitFailure,
  waitFailure,
  writtenText,
} from "./change-text.ts";
import { declinedExitCodes } from "./confirm.ts";
import { type PlanDocument, planDocument } from "./plan-document.ts";
import { summaryText } from "./plan-text.ts";
import { failureLines, outOfReachTexts, unfinishedTexts, type WaitEnd, waitExitCodes } from "./wait-text.ts";

/** The `-o json` of apply, deploy, scale and delete. */
export interface ChangeDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Change";
  readonly plan: PlanDocument;
  readonly written: boolean;
  /** `up-to-date`, `written`, `idle` (nothing runs on this store): nobody waited. Else how the wait ended. */
  readonly result: "up-to-date" | "written" | "idle" | WaitEnd;
  readonly deployments: readonly {
    readonly name: string;
    readonly state: string;
    readonly replicas: number;
    readonly ready: number;
    readonly leaving: number;
  }[];
  /** What is not as it was asked for, and why. */
  readonly problems: readonly string[];
  /** Of pods on nodes that are out of reach: nobody waited for those. */
  readonly notes: readonly string[];
  /** Where the exit code is not 0. */
  readonly error?: WaitFailure;
}

/** Carries the change out, prints all there is to say, and gives the exit code. Throws what keeps it from being written. */
export async function carryOut(options: ChangeOptions): Promise<number> {
  const { store, output, wait } = options;
  const looked = await lookAt(store, options.plan);
  const { plan: planned, forecasts, running, snapshot } = looked;
  refuseBlocked(planned);
  options.check?.(looked);
  const changing = changesAnything(planned);
  const say = (text: string | undefined) => output === "table" && text && process.stdout.write(`${text}\n`);
  const look = { colour: wantsColour(process.stdout), showValues: false };
  say(changing ? summaryText(planned, forecasts, look) : upToDateText(planned));
  say(await besideNote(store, planned));
  const answer = changing ? await options.confirm?.(looked) : undefined;
  if (answer === "no" || answer === "interrupted") {
    say("Nothing was changed.");
    return declinedExitCodes[answer];
  }
  if (snapshot && running && wait) tellHolds(snapshot);
  const rest = await carryOutRest(options, looked, say);
  const carried = await pruneAfter(rest, options, looked, say);
  const failure = failureOf(carried, options.timeout.text);
  const { plan, followed, end } = carried;
  if (output === "json") {
    const wrote = changesAnything(plan);
    const result: ChangeDocument["result"] = end ?? (wrote ? (running ? "written" : "idle") : "up-to-date");
    const document = {
      plan: planDocument(wholePlan(planned, carried), forecasts, false),
      written: wrote,
      result,
      ...(failure ? { error: failure } : {}),
    };
    process.stdout.write(`${JSON.stringify(changeDocument(document, carried), undefined, 2)}\n`);
  } else {
    if (!followed) say(notWaitedText(plan, running, store.url));
    await sayEnd(store, carried, failure);
  }
  return failure ? waitExitCodes[failure.code] : 0;
}

/** What syncs make of what is done beside their files. One that leaves it so has written down what each manifest said. */
async function besideNote(store: Store, planned: Plan): Promise<string> {
  const items = besideTheFiles(planned);
  const taken = takenFromSyncs(planned);
  if (items.length + taken.length === 0) return "";
  const syncs = (await store.list(["syncs"])).list("syncs").map(({ value }) => value);
  const leaving = syncs.filter(({ applied }) => applied?.marks !== undefined).map(({ source }) => source);
  const known = syncs.map(({ source }) => source);
  return [besideText(items, new Set(leaving)), takenText(taken, new Set(known))]
    .filter((text) => text !== "")
    .join("\n");
}

/** Whoever holds may well not do what is waited for. */
function tellHolds(snapshot: Snapshot): void {
  const notes = holdNotes({ ...observationOf(snapshot), nowMs: Date.now() });
  for (const note of notes) process.stderr.write(`Note: ${note}.\n`);
}

/** How it failed; undefined when it did not. */
function failureOf({ end, keptBack }: Carried, timeoutText: string): WaitFailure | undefined {
  const failure = end && waitFailure(end, timeoutText);
  if (failure || keptBack.length === 0) return failure;
  return {
    code: "nobody",
    message: "nothing runs on this store that could get the rest ready",
    hint: "start it with: orchestra up; then run this again",
  };
}

/** The last words. */
async function sayEnd(store: Store, carried: Carried, failure: WaitFailure | undefined): Promise<void> {
  const { plan, followed } = carried;
  const progress = followed?.progress ?? [];
  if (!failure) {
    if (followed && changesAnything(plan)) process.stdout.write(`Done: ${writtenText(plan)}.\n`);
    for (const text of outOfReachTexts(progress)) process.stdout.write(`Note: ${text}.\n`);
    return;
  }
  const failures = failure.code === "failed" ? (await store.list(["failures"])).list("failures") : [];
  const last = failureLines(
    progress,
    failures.flatMap(({ value }) => value.failures),
  );
  process.stderr.write(`${[...last, failureText(failure, carried)].join("\n")}\n`);
}

/** What was written, and what should have been deleted then. */
function wholePlan(planned: Plan, { plan, keptBack }: Carried): Plan {
  return keptBack.length === 0 ? plan : { ...plan, items: [...plan.items, ...pruneOf(planned).items] };
}

function changeDocument(
  document: Omit<ChangeDocument, "apiVersion" | "kind" | "deployments" | "problems" | "notes">,
  { followed, keptBack }: Carried,
): ChangeDocument {
  const progress = followed?.progress ?? [];
  const deployments = progress.map(({ goal, state, ready, leaving }) => ({
    name: goal.name,
    state: followed?.unplaced.has(goal) ? "unplaced" : state,
    replicas: goal.replicas,
    ready,
    leaving,
  }));
  const { error, ...head } = document;
  const problems = [
    ...(followed ? unfinishedTexts(followed) : []),
    ...(keptBack.length > 0 ? [keptBackText(keptBack)] : []),
  ];
  const told = { deployments, problems, notes: outOfReachTexts(progress) };
  return { apiVersion: "orchestra/v1", kind: "Change", ...head, ...told, ...(error ? { error } : {}) };
}
