// The steps of a change: what is written and waited for first, and the deletions of what the files lack, which come when that is ready.
import { commitPlan } from "../../apply/commit.ts";
import { commitPrune } from "../../apply/commit-prune.ts";
import { type Followed, follow, observationOf } from "../../apply/follow.ts";
import { changesAnything, type KnownState, type Plan } from "../../apply/plan.ts";
import { pruneOf, withoutPrune } from "../../apply/prune.ts";
import { type Goal, goalOf, judge } from "../../apply/wait.ts";
import { systemClock } from "../../clock.ts";
import { ensureCluster } from "../../store/cluster.ts";
import type { Snapshot, Store } from "../../store/store.ts";
import { openProgress } from "../progress.ts";
import type { Look } from "./change-look.ts";
import { meanwhileText, pruningText } from "./change-text.ts";
import type { Answer } from "./confirm.ts";
import { endOf, progressLines, type WaitEnd } from "./wait-text.ts";

export interface ChangeOptions {
  readonly store: Store;
  readonly plan: (state: KnownState) => Plan;
  /** The same where it may rest on what was written by this; absent: `plan`. */
  readonly planAgain?: (state: KnownState) => Plan;
  /** Of a cluster that is created by this. */
  readonly networkRange: string;
  readonly output: "table" | "json";
  readonly wait: boolean;
  readonly timeout: { readonly ms: number; readonly text: string };
  /** Throws where what was looked at must not be done; nothing is said or written then. */
  readonly check?: (look: Look) => void;
  /** Asked before anything is written, with the plan on the screen; without a yes nothing is. */
  readonly confirm?: (look: Look) => Promise<Answer>;
}

/** How far a change has come. */
export interface Carried {
  /** What was written, or would have been if it had not been so already. */
  readonly plan: Plan;
  /** Absent where nobody waited, or nothing was left to wait for. */
  readonly followed?: Followed;
  readonly end?: WaitEnd;
  /** When the time that somebody wants to wait is over, by the monotonic clock. */
  readonly untilMs: number;
  /** Deployments that were not pruned as planned, because the rest did not get ready. */
  readonly keptBack: readonly string[];
}

/** All but the pruning: writes what changes, and waits for all of it, what was so before too. */
export async function carryOutRest(
  options: ChangeOptions,
  { plan, running, snapshot }: Look,
  say: (text: string) => void,
): Promise<Carried> {
  const planned = withoutPrune(plan);
  const changing = changesAnything(planned);
  const written = changing ? await write(options, planned) : planned;
  say(meanwhileText(planned, written));
  // What is as it should be in the look that found nothing to change needs no second look.
  const isDone = !changing && snapshot !== undefined && isAllDone(snapshot, written);
  const untilMs = systemClock.now() + options.timeout.ms;
  const carried = { plan: written, untilMs, keptBack: pruneOf(plan).items.map(({ name }) => name) };
  if (!running || !options.wait || isDone) return carried;
  const followed = await waitFor(options, written, untilMs);
  return { ...carried, followed, end: endOf(followed) };
}

/** The pruning, where there is any and the rest is ready. Throws a `conflict` where something is not as it was shown. */
export async function pruneAfter(
  rest: Carried,
  options: ChangeOptions,
  { plan: planned, running }: Look,
  say: (text: string) => void,
): Promise<Carried> {
  const isReady = running && (rest.end === undefined || rest.end === "done");
  if (rest.keptBack.length === 0 || !isReady) return rest;
  say(pruningText(rest.keptBack));
  const plan = await commitPrune(options.store, planned, options.planAgain ?? options.plan);
  say(meanwhileText(pruneOf(planned), plan));
  const followed = joined(rest.followed, await waitFor(options, plan, rest.untilMs));
  return {
    ...rest,
    plan: { ...rest.plan, items: [...rest.plan.items, ...plan.items] },
    followed,
    end: endOf(followed),
    keptBack: [],
  };
}

async function write({ store, plan, networkRange }: ChangeOptions, planned: Plan): Promise<Plan> {
  let isWritten = false;
  // An output that cannot be written ends the program: who is told only that would take the change for failed.
  process.stdout.prependListener("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.stderr.write(isWritten ? "The change is written all the same.\n" : mayBeWritten);
  });
  await ensureCluster(store, { now: systemClock.wall(), networkRange });
  const written = await commitPlan(store, planned, (state) => withoutPrune(plan(state)));
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

async function waitFor({ store, output }: ChangeOptions, plan: Plan, untilMs: number): Promise<Followed> {
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
      timeoutMs: Math.max(0, untilMs - systemClock.now()),
      signal: stop.signal,
      onProgress: (now) => progress?.show(progressLines(now, seen, inPlace)),
    });
  } finally {
    progress?.end();
    process.removeListener("SIGINT", interrupt);
  }
}

/** The end is that of the second. */
function joined(first: Followed | undefined, second: Followed): Followed {
  if (!first) return second;
  return { ...second, progress: [...first.progress, ...second.progress] };
}
