// How every command changes Deployments: plan, say it, commit, wait. One flow for apply, deploy, scale and delete.
import { commitPlan, refuseBlocked } from "../../apply/commit.ts";
import { type Followed, follow, observationOf } from "../../apply/follow.ts";
import { changesAnything, type KnownState, type Plan } from "../../apply/plan.ts";
import { type Goal, goalOf, judge } from "../../apply/wait.ts";
import { systemClock } from "../../clock.ts";
import { ensureCluster } from "../../store/cluster.ts";
import type { Snapshot, Store } from "../../store/store.ts";
import { wantsColour } from "../print.ts";
import { openProgress } from "../progress.ts";
import { holdNotes } from "../show/node-rows.ts";
import { lookAt } from "./change-look.ts";
import {
  failureText,
  meanwhileText,
  notWaitedText,
  upToDateText,
  type WaitFailure,
  waitFailure,
  writtenText,
} from "./change-text.ts";
import { type Answer, declinedExitCodes } from "./confirm.ts";
import { type PlanDocument, planDocument } from "./plan-document.ts";
import { summaryText } from "./plan-text.ts";
import {
  endOf,
  failureLines,
  outOfReachTexts,
  progressLines,
  unfinishedTexts,
  type WaitEnd,
  waitExitCodes,
} from "./wait-text.ts";

export interface ChangeOptions {
  readonly store: Store;
  readonly plan: (state: KnownState) => Plan;
  /** Of a cluster that is created by this. */
  readonly networkRange: string;
  readonly output: "table" | "json";
  readonly wait: boolean;
  readonly timeout: { readonly ms: number; readonly text: string };
  /** Asked before anything is written, with the plan on the screen; without a yes nothing is. */
  readonly confirm?: (plan: Plan) => Promise<Answer>;
}

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
  const { plan: planned, forecasts, running, snapshot } = await lookAt(store, options.plan);
  refuseBlocked(planned);
  const changing = changesAnything(planned);
  const say = (text: string | undefined) => output === "table" && text && process.stdout.write(`${text}\n`);
  const look = { colour: wantsColour(process.stdout), showValues: false };
  say(changing ? summaryText(planned, forecasts, look) : upToDateText(planned));
  const answer = changing ? await options.confirm?.(planned) : undefined;
  if (answer === "no" || answer === "interrupted") {
    say("Nothing was changed.");
    return declinedExitCodes[answer];
  }
  if (snapshot && running && wait) tellHolds(snapshot);
  const plan = changing ? await write(options, planned) : planned;
  const wrote = changesAnything(plan);
  say(meanwhileText(planned, plan));
  // What is as it should be in the look that found nothing to change needs no second look.
  const isDone = !changing && snapshot !== undefined && isAllDone(snapshot, plan);
  const followed = running && wait && !isDone ? await waitFor(options, plan) : undefined;
  const end = followed && endOf(followed);
  const failure = end && waitFailure(end, options.timeout.text);
  if (output === "json") {
    const result: ChangeDocument["result"] = end ?? (wrote ? (running ? "written" : "idle") : "up-to-date");
    const document = {
      plan: planDocument(plan, forecasts, false),
      written: wrote,
      result,
      ...(failure ? { error: failure } : {}),
    };
    process.stdout.write(`${JSON.stringify(changeDocument(document, followed), undefined, 2)}\n`);
  } else if (followed) await sayEnd(store, followed, plan, failure);
  else say(notWaitedText(plan, running, store.url));
  return end === undefined ? 0 : waitExitCodes[end];
}

async function write({ store, plan, networkRange }: ChangeOptions, planned: Plan): Promise<Plan> {
  let isWritten = false;
  // An output that cannot be written ends the program: who is told only that would take the change for failed.
  process.stdout.prependListener("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.stderr.write(isWritten ? "The change is written all the same.\n" : mayBeWritten);
  });
  await ensureCluster(store, { now: systemClock.wall(), networkRange });
  const written = await commitPlan(store, planned, plan);
  isWritten = true;
  return written;
}

const mayBeWritten = "The change may be written all the same: orchestra diff tells.\n";

function goalsOf(plan: Plan): Goal[] {
  return plan.items.flatMap((item) => goalOf(item) ?? []);
}

function isAllDone(snapshot: Snapshot, plan: Plan): boolean {
  const { state, present } = observationOf(snapshot);
  return judge(state, present, goalsOf(plan)).every((progress) => progress.state === "done");
}

async function waitFor({ store, output, timeout }: ChangeOptions, plan: Plan): Promise<Followed> {
  const goals = goalsOf(plan);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  const inPlace = process.stdout.isTTY === true;
  const progress = output === "table" ? openProgress(process.stdout) : undefined;
  const seen = new Set<Goal>();
  try {
    return await follow(store, {
      goals,
      clock: systemClock,
      timeoutMs: timeout.ms,
      signal: stop.signal,
      onProgress: (now) => progress?.show(progressLines(now, seen, inPlace)),
    });
  } finally {
    progress?.end();
    process.removeListener("SIGINT", interrupt);
  }
}

/** Whoever holds may well not do what is waited for. */
function tellHolds(snapshot: Snapshot): void {
  const notes = holdNotes({ ...observationOf(snapshot), nowMs: Date.now() });
  for (const note of notes) process.stderr.write(`Note: ${note}.\n`);
}

/** The last words of a wait. */
async function sayEnd(store: Store, followed: Followed, plan: Plan, failure: WaitFailure | undefined): Promise<void> {
  if (!failure) {
    if (changesAnything(plan)) process.stdout.write(`Done: ${writtenText(plan)}.\n`);
    for (const text of outOfReachTexts(followed.progress)) process.stdout.write(`Note: ${text}.\n`);
    return;
  }
  const failures = failure.code === "failed" ? (await store.list(["failures"])).list("failures") : [];
  const last = failureLines(
    followed.progress,
    failures.flatMap(({ value }) => value.failures),
  );
  process.stderr.write(`${[...last, failureText(failure, followed, plan)].join("\n")}\n`);
}

function changeDocument(
  document: Omit<ChangeDocument, "apiVersion" | "kind" | "deployments" | "problems" | "notes">,
  followed: Followed | undefined,
): ChangeDocument {
  const deployments = (followed?.progress ?? []).map(({ goal, state, ready, leaving }) => ({
    name: goal.name,
    state: followed?.unplaced.has(goal) ? "unplaced" : state,
    replicas: goal.replicas,
    ready,
    leaving,
  }));
  const { error, ...head } = document;
  const problems = followed ? unfinishedTexts(followed) : [];
  const told = { deployments, problems, notes: followed ? outOfReachTexts(followed.progress) : [] };
  return { apiVersion: "orchestra/v1", kind: "Change", ...head, ...told, ...(error ? { error } : {}) };
}
