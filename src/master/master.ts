// The master: while it leads, makes pods and placements follow the Deployments, and turns presence into verdicts.
// Reads deployments, revisions, pods, placements, statuses, nodes, controls, presence; writes pods, placements, verdicts, and removes
// what a deleted Deployment or a forgotten node leaves, and revisions that nobody names; and its own file in the state folder.

import { type Clock, fired, sleep } from "../clock.ts";
import type { Log } from "../log.ts";
import { type PassResult, startLoop } from "../loop.ts";
import { clusterState, stateCollections, withVerdicts } from "../model/cluster-state.ts";
import { messageOf } from "../model/errors.ts";
import { clusterKey, failuresKey, type Key, nameOf, rangeKey, verdictsKey } from "../model/keys.ts";
import { storeSeen } from "../model/known-store.ts";
import type { VerdictsDocument } from "../model/node.ts";
import { isGivenUp } from "../model/phase.ts";
import { presentNodes } from "../model/presence.ts";
import {
  documentBytesLimit,
  epochElection,
  type Leadership,
  type Snapshot,
  type Store,
  type Versioned,
  type View,
} from "../store/store.ts";
import { openStoreMemory, type StoreMemory } from "../store-memory.ts";
import { commitOf } from "./commit.ts";
import { decide } from "./decide.ts";
import type { Problem } from "./decision.ts";
import { type Moment, openTimers } from "./timers.ts";
import { verdictsOf } from "./verdicts.ts";

export interface MasterOptions {
  readonly store: Store;
  /** This cluster's folder on this machine. */
  readonly stateDir: string;
  /** A node whose worker has been away for so long is lost. */
  readonly nodeLostAfterMs: number;
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
/** A commit of this size takes some 10 ms; workers can begin with its pods while the rest is being decided. No document in it is too large then. */
const commitBytes = documentBytesLimit;

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
      const leadership = await store.elect(epochElection, stop);
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
    const holding = "it starts, moves and stops nothing";
    const memory = await openStoreMemory({ folder: stateDir, role: "master", holding, clock, log });
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
function masterPass(options: MasterOptions, leadership: Leadership, view: View, memory: StoreMemory) {
  const { store, clock, log } = options;
  let firstSeen: ReadonlyMap<string, number> = new Map();
  let told: readonly Problem[] = [];
  return async (signal: AbortSignal): Promise<PassResult> => {
    const snapshot = view.snapshot();
    if (!snapshot.fresh || signal.aborted || leadership.signal.aborted) return {};
    if (!memory.trusts(storeSeen(snapshot))) return {};
    const moment = { now: clock.now(), firstSeen, wall: clock.wall() };
    const { state, verdicts, ...looked } = lookAt(snapshot, moment, options.nodeLostAfterMs);
    const decision = decide(state, moment);
    firstSeen = new Map([...looked.seen, ...decision.firstSeen]);
    const bytesLimit = Math.min(commitBytes, store.commitBytesLimit);
    const leftovers = await leftoversOf(store, decision.forgotten);
    const { changes, checks, complete, problems } = commitOf(decision, verdicts, snapshot, bytesLimit, leftovers);
    told = tell([...decision.problems, ...problems], told, log);
    if (changes.length > 0) {
      await store.commit({ changes, checks, epoch: leadership.epoch });
      log.debug("master wrote", { documents: changes.map(({ key }) => key) });
      if (verdicts) tellVerdicts(snapshot.get(verdictsKey)?.value, verdicts, log);
    }
    const againInMs = complete ? Math.min(decision.againInMs ?? resyncMs, looked.againInMs ?? resyncMs) : 0;
    return { againInMs };
  };
}

/** The documents with the verdicts of now; `verdicts` only when they have to be written. */
function lookAt(snapshot: Snapshot, moment: Moment, nodeLostAfterMs: number) {
  const written = snapshot.get(verdictsKey)?.value;
  const state = clusterState({
    list: (collection) => snapshot.list(collection),
    verdicts: () => undefined,
    damaged: snapshot.damaged,
  });
  const present = presentNodes(snapshot);
  const silent = new Set([...state.statuses.keys()].filter((node) => state.statuses.get(node)?.engine));
  const timers = openTimers(moment);
  const { verdicts, againInMs } = verdictsOf(written, { ...state, present, silent }, timers, nodeLostAfterMs);
  return {
    state: { ...withVerdicts(state, verdicts), incarnation: snapshot.get(clusterKey)?.value.incarnation ?? 1 },
    verdicts: verdicts === written ? undefined : verdicts,
    seen: timers.seen,
    againInMs,
  };
}

/** What the master's view does not hold of nodes that are to be forgotten. Without its claim a range is free for others. */
async function leftoversOf(store: Store, nodes: readonly string[]): Promise<Versioned<unknown>[]> {
  if (nodes.length === 0) return [];
  const snapshot = await store.list([...nodes.map(failuresKey), "nodes", "ranges"]);
  const failures = nodes.map((node) => snapshot.get(failuresKey(node))).filter((document) => document !== undefined);
  const ranges = snapshot.list("ranges").filter(({ value }) => nodes.includes(value.node));
  // Whose a damaged claim was, the node's own document tells.
  const own = snapshot.list("nodes").filter(({ key }) => nodes.includes(nameOf(key)));
  const named = own.flatMap(({ value }): string[] => (value.network ? [rangeKey(value.network.range)] : []));
  const broken = [...snapshot.damaged].filter(([key]) => [...named, ...nodes.map<string>(failuresKey)].includes(key));
  const damaged = broken.map(([key, { version }]) => ({ key: key as Key<unknown>, version, value: undefined }));
  return [...failures, ...ranges, ...damaged];
}

/** What became of nodes, for the log: each change once. */
function tellVerdicts(before: VerdictsDocument | undefined, { nodes, hold }: VerdictsDocument, log: Log): void {
  for (const [node, verdict] of Object.entries(nodes)) {
    const { state } = verdict;
    const was = before?.nodes[node]?.state;
    const wasGivenUp = isGivenUp(before?.nodes[node]);
    if (isGivenUp(verdict) && state === "present" && !wasGivenUp)
      log.warn("the engine of a node is lost: its pods get successors elsewhere", { node });
    if (!isGivenUp(verdict) && state === was && wasGivenUp) log.info("the engine of a node answers again", { node });
    if (state === was || (was === undefined && state === "present")) continue;
    if (state === "lost") log.warn("a node is lost: its pods get successors elsewhere", { node });
    else log.info(`a node is ${state}`, { node });
  }
  if (hold?.reason === before?.hold?.reason) return;
  if (hold) log.warn("the master holds: for absent nodes nothing is moved or stopped", { reason: hold.reason });
  else log.info("the master no longer holds: enough nodes are there");
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
