// The master: while it leads, makes pods and placements follow the Deployments, and turns presence into verdicts.
// Reads deployments, revisions, pods, placements, statuses, nodes, controls, presence; writes pods, placements, verdicts, and removes
// what a deleted Deployment leaves and revisions that nobody names; and its own file in the state folder.
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../log.ts";
import { type PassResult, startLoop } from "../loop.ts";
import { clusterState, stateCollections } from "../model/cluster-state.ts";
import { messageOf } from "../model/errors.ts";
import { clusterKey, nameOf, verdictsKey } from "../model/keys.ts";
import type { Leadership, Snapshot, Store, View } from "../store/store.ts";
import { commitOf } from "./commit.ts";
import { decide } from "./decide.ts";
import type { Problem } from "./decision.ts";
import { openStoreMemory, type StoreMemory } from "./store-memory.ts";
import { verdictsOf } from "./verdicts.ts";

export interface MasterOptions {
  readonly store: Store;
  /** This cluster's folder on this machine. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Master {
  /** Ends after the pass under way and gives leadership up. Pods run on. */
  close(): Promise<void>;
}

/** Every change wakes it; this only makes up for what nobody foresaw. */
const resyncMs = 30_000;
/** Between two attempts to be elected while the store cannot be reached: this at first, doubling up to the second. */
const retryFirstMs = 100;
const retryMaxMs = 5_000;
/** A commit of this size takes some 10 ms; workers can begin with its pods while the rest is being decided. */
const commitBytes = 1024 * 1024;

/** Waits to be elected, leads, and waits again when leadership is lost, until it is closed. */
export function startMaster(options: MasterOptions): Master {
  const stop = new AbortController();
  const done = leadAgainAndAgain(options, stop.signal);
  return {
    async close() {
      stop.abort(new Error("the master is closing"));
      await done;
    },
  };
}

async function leadAgainAndAgain(options: MasterOptions, stop: AbortSignal): Promise<void> {
  const { store, clock, log } = options;
  let failures = 0;
  while (!stop.aborted) {
    try {
      const leadership = await store.elect("master", stop);
      failures = 0;
      log.info("master leads", { epoch: leadership.epoch });
      await lead(options, leadership, stop);
      log.info("master no longer leads", { epoch: leadership.epoch });
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      if (failures === 1) log.warn("master cannot lead now and tries again", { error: messageOf(error) });
      await sleep(clock, Math.min(retryMaxMs, retryFirstMs * 2 ** (failures - 1)), stop).catch(() => {});
    }
  }
}

async function lead(options: MasterOptions, leadership: Leadership, stop: AbortSignal): Promise<void> {
  const ended = AbortSignal.any([stop, leadership.signal]);
  try {
    const { store, stateDir, clock, log } = options;
    const memory = await openStoreMemory(stateDir, clock, log);
    const view = await store.view([...stateCollections, "presence", verdictsKey, clusterKey]);
    try {
      const pass = masterPass(options, leadership, view, memory);
      const loop = startLoop({ name: "master", pass, resyncMs, clock, log });
      const unsubscribe = view.onChange(() => loop.wake());
      await fired(ended);
      unsubscribe();
      await loop.close();
    } finally {
      view.close();
      await memory.close();
    }
  } finally {
    await leadership.resign();
  }
}

/** One look and one commit. Timers begin with the leadership, so a new leader restarts each of them. */
function masterPass({ store, clock, log }: MasterOptions, leadership: Leadership, view: View, memory: StoreMemory) {
  let firstSeen: ReadonlyMap<string, number> = new Map();
  let told: readonly Problem[] = [];
  return async (signal: AbortSignal): Promise<PassResult> => {
    const snapshot = view.snapshot();
    if (!snapshot.fresh || signal.aborted || leadership.signal.aborted) return {};
    if (!memory.trusts(snapshot)) return {};
    const { state, verdicts } = lookAt(snapshot, clock.wall());
    const decision = decide(state, { now: clock.now(), firstSeen, wall: clock.wall() });
    firstSeen = decision.firstSeen;
    told = tell(decision.problems, told, log);
    const bytesLimit = Math.min(commitBytes, store.commitBytesLimit);
    const { changes, checks, complete } = commitOf(decision, verdicts, snapshot, bytesLimit);
    if (changes.length > 0) {
      await store.commit({ changes, checks, epoch: leadership.epoch });
      log.debug("master wrote", { documents: changes.map(({ key }) => key) });
    }
    if (!complete) return { againInMs: 0 };
    return decision.againInMs === undefined ? {} : { againInMs: decision.againInMs };
  };
}

/** The documents with the verdicts of now; `verdicts` only when they have to be written. */
function lookAt(snapshot: Snapshot, wall: string) {
  const written = snapshot.get(verdictsKey)?.value;
  const nodes = new Map(snapshot.list("nodes").map(({ key, value }) => [nameOf(key), value]));
  const present = new Set(snapshot.list("presence").map(({ key }) => nameOf(key)));
  const verdicts = verdictsOf(written, nodes, present, wall);
  const state = clusterState({ list: (collection) => snapshot.list(collection), verdicts: () => verdicts });
  return { state, verdicts: verdicts === written ? undefined : verdicts };
}

/** Each problem once, and not again before it has gone. */
function tell(problems: readonly Problem[], told: readonly Problem[], log: Log): readonly Problem[] {
  for (const problem of problems) {
    const known = told.some(
      ({ deployment, message }) => deployment === problem.deployment && message === problem.message,
    );
    if (!known) log.warn(`${problem.deployment}: ${problem.message}`);
  }
  return problems;
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
