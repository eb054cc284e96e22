// Waits until what was applied is true, or until it is clear that it will not be: follows a view of the store and asks `wait.ts`.
import type { Clock } from "../clock.ts";
import { type ClusterState, clusterState, stateCollections } from "../model/cluster-state.ts";
import { verdictsKey } from "../model/keys.ts";
import { presentNodes } from "../model/presence.ts";
import type { Selector, Snapshot, Store } from "../store/store.ts";
import { type Goal, hopelessAfterMs, judge, type Progress, type Trouble } from "./wait.ts";

/** What a snapshot must hold to judge progress. */
export const followSelectors: readonly Selector[] = [...stateCollections, verdictsKey, "presence"];

/** A pod that fits nowhere may fit as soon as another has left, or a node has registered; after this it is said. */
const unplacedLimitMs = 5_000;
/** `up` may be restarted while somebody waits: its successor takes over within a second. */
const nobodyLimitMs = 5_000;
/** Whatever is waited for wakes it; this is in case. */
const idleLookMs = 60_000;

/** Once one goal is hopeless the others get so long to say how they are: one run should name all that is broken, and nobody likes to wait for bad news. */
const settleLimitMs = 2_000;

/**
 * - `settled`: every goal is done, failed, superseded or cannot be placed; or one that was changed now cannot become true, and the others had time to settle
 * - `timeout`: `timeoutMs` went by
 * - `interrupted`: `signal` fired
 * - `nobody`: no worker runs on this store
 *
 * While the store is away only the second and the third can come true.
 */
export interface Followed {
  readonly end: "settled" | "timeout" | "interrupted" | "nobody";
  readonly progress: readonly Progress[];
  /** Goals with pods that fit nowhere. */
  readonly unplaced: ReadonlySet<Goal>;
  /** What was judged last. */
  readonly state: ClusterState;
}

export interface FollowOptions {
  readonly goals: readonly Goal[];
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: readonly Progress[]) => void;
}

/** Follows the goals until one of the ends above. Every wake-up is judged from the whole snapshot; nothing is polled. */
export async function follow(store: Store, options: FollowOptions): Promise<Followed> {
  const { clock, timeoutMs, signal } = options;
  const view = await store.view(followSelectors);
  const timers = openTimers(options);
  const { promise, resolve, reject } = Promise.withResolvers<Followed>();
  let cancelAlarm = () => {};
  const look = () => {
    try {
      const looked = timers.look(view.snapshot());
      options.onProgress(looked.progress);
      cancelAlarm();
      if (looked.end) resolve({ ...looked, end: looked.end });
      else cancelAlarm = clock.after(looked.againInMs, look);
    } catch (error) {
      reject(error);
    }
  };
  const interrupt = () => resolve({ ...timers.look(view.snapshot()), end: "interrupted" });
  const expire = () => resolve({ ...timers.look(view.snapshot()), end: "timeout" });
  const cancelTimeout = clock.after(timeoutMs, expire);
  const unsubscribe = view.onChange(look);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    if (signal.aborted) interrupt();
    look();
    return await promise;
  } finally {
    signal.removeEventListener("abort", interrupt);
    unsubscribe();
    cancelAlarm();
    cancelTimeout();
    view.close();
  }
}

/** What a snapshot of `followSelectors` says: the documents, and the nodes whose worker is alive. */
export function observationOf(snapshot: Snapshot): {
  readonly state: ClusterState;
  readonly present: ReadonlySet<string>;
} {
  const state = clusterState({
    list: (collection) => snapshot.list(collection),
    verdicts: () => snapshot.get(verdictsKey)?.value,
    damaged: snapshot.damaged,
  });
  return { state, present: presentNodes(snapshot) };
}

interface Looked extends Omit<Followed, "end"> {
  readonly end: Followed["end"] | undefined;
  /** When time alone may change the answer. */
  readonly againInMs: number;
}

/** Remembers since when pods of each goal have had no node, how long a failure of each may still pass, and since when no worker has been there: a snapshot does not tell. */
function openTimers({ goals, clock }: FollowOptions): { look(snapshot: Snapshot): Looked } {
  const pendingSince = new Map<Goal, number>();
  const failures = new Map<Goal, { readonly code: Trouble["code"]; readonly hopelessAt: number }>();
  let nobodySince: number | undefined;
  let hopelessSince: number | undefined;
  return {
    look(snapshot) {
      const now = clock.now();
      const { state, present } = observationOf(snapshot);
      const progress = judge(state, present, goals);
      if (!snapshot.fresh) {
        // Much may have changed that is not seen: nothing follows from this, and no time that went by unseen counts.
        pendingSince.clear();
        failures.clear();
        nobodySince = undefined;
        return { end: undefined, progress, unplaced: new Set(), state, againInMs: idleLookMs };
      }
      nobodySince = present.size > 0 ? undefined : (nobodySince ?? now);
      for (const one of progress) {
        if (!isStuck(one)) pendingSince.delete(one.goal);
        else if (!pendingSince.has(one.goal)) pendingSince.set(one.goal, now);
        if (one.state !== "failed") failures.delete(one.goal);
        else if (failures.get(one.goal)?.code !== one.why.code)
          failures.set(one.goal, { code: one.why.code, hopelessAt: now + hopelessAfterMs(one.goal, one.why) });
      }
      const isOver = (since: number) => now - since >= unplacedLimitMs;
      const unplaced = new Set([...pendingSince].filter(([, since]) => isOver(since)).map(([goal]) => goal));
      const mending = [...failures].filter(([, { hopelessAt }]) => hopelessAt > now);
      const nobody = nobodySince !== undefined && now - nobodySince >= nobodyLimitMs;
      const undecided = undecidedOf(progress, unplaced, new Set(mending.map(([goal]) => goal)));
      // What was broken before keeps nobody from waiting for what was changed now.
      const isHopeless = progress.some((one) => one.goal.changed && one.state !== "done" && !undecided.has(one.goal));
      hopelessSince = isHopeless ? (hopelessSince ?? now) : undefined;
      const settled = undecided.size === 0 || (hopelessSince !== undefined && now - hopelessSince >= settleLimitMs);
      const end = settled ? "settled" : nobody ? "nobody" : undefined;
      // A worker that has gone wakes nobody up when the limit is over, nor does a pod that stays where it is.
      const waits = [...pendingSince.values()]
        .filter((since) => !isOver(since))
        .map((since) => since + unplacedLimitMs);
      waits.push(...mending.map(([, { hopelessAt }]) => hopelessAt));
      if (hopelessSince !== undefined) waits.push(hopelessSince + settleLimitMs);
      if (nobodySince !== undefined) waits.push(nobodySince + nobodyLimitMs);
      return { end, progress, unplaced, state, againInMs: Math.max(1, Math.min(...waits, now + idleLookMs) - now) };
    },
  };
}

/** Pods without a node, and nothing on its way out whose room they may be waiting for. */
function isStuck({ state, phases, stopping }: Progress): boolean {
  return state === "working" && stopping === 0 && (phases.get("pending") ?? 0) > 0;
}

/** The goals that may still become true. */
function undecidedOf(
  progress: readonly Progress[],
  unplaced: ReadonlySet<Goal>,
  mending: ReadonlySet<Goal>,
): ReadonlySet<Goal> {
  const isUndecided = ({ state, goal }: Progress) =>
    (state === "working" && !unplaced.has(goal)) || (state === "failed" && mending.has(goal));
  return new Set(progress.filter(isUndecided).map(({ goal }) => goal));
}
