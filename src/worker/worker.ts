// The room that makes this node's engine run what was placed here: placements → containers, and what it sees back into the store.
// It also sees to it that this node's containers and those of other nodes reach each other.
// Reads `placements/<node>`, the templates and `nodes`; writes `ranges/<range>`, `statuses/<node>`, `failures/<node>`, `nodes/<node>`, `presence/<node>`, and its own state folder.
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { type Loop, startLoop } from "../loop.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { type Collection, collectionOf, statusesKey } from "../model/keys.ts";
import type { PodStatus } from "../model/pod.ts";
import type { PodTemplate } from "../model/template.ts";
import { openStateFile, readStateFile } from "../state-file.ts";
import type { Snapshot, Store } from "../store/store.ts";
import { decide } from "./decide.ts";
import { openFailures } from "./failures.ts";
import { kept, keptFromStatus, type LastKnown, recalled, reconciled, restartRules } from "./last-known.ts";
import { openOrders, whyNotTrusted } from "./orders.ts";
import { openPicture } from "./picture.ts";
import { joinNode, type NodeFacts } from "./registration.ts";
import { openReport } from "./report.ts";
import type { HostNetwork } from "./routes.ts";
import { type Routing, startRouting } from "./routing.ts";
import type { Runtime } from "./runtime.ts";
import { statusOf } from "./status.ts";
import { openSteps } from "./steps.ts";
import { PodTable } from "./table.ts";

export interface WorkerOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly host: HostNetwork;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: NodeFacts;
  /** Of the `cluster` document. */
  readonly cluster: { readonly id: string; readonly networkRange: string };
  /** This cluster's folder on this machine. */
  readonly stateDir: string;
  /** Returns the template, or throws what is wrong with it. */
  readonly validateTemplate: (template: unknown) => PodTemplate;
}

export interface Worker {
  /** Ends the loop and leaves; containers stay as they are. */
  close(): Promise<void>;
}

/** So many calls are about the best that an engine does at a time. */
const callsAtATime = 8;
/** The engine is listed again this often, whatever its events said. */
const relistMs = 60_000;
/** While the store does not tell everything, it is asked again this often. */
const incompleteMs = 1_000;
/** A start of many pods changes the memory with each of them; one write a quarter second is enough to go on from. */
const saveMs = 250;
/** Steps under way may end on their own for so long when the worker closes; what is cut off is adopted by the next one. */
const closeMs = 3_000;

/**
 * Starts the worker. Throws `conflict` when another process or machine is this node, `invalid` when the cluster's network cannot be made here;
 * a store or an engine that does not answer is waited for.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { store, runtime, host, clock, log, facts, cluster, stateDir } = options;
  const stop = new AbortController();
  const lastKnownPath = join(stateDir, "worker.json");
  const lastKnown = await readStateFile<LastKnown>(lastKnownPath);
  const membership = await joinNode(store, facts, process.pid, clock, log);
  const disk = openStateFile<LastKnown>(lastKnownPath, { spacingMs: saveMs, clock, log });
  const report = openReport({ store, node: facts.node, clock, log });
  const failures = openFailures({ runtime, report, clock, signal: stop.signal });
  const recorded = await recordedStatuses(store, facts.node);
  let loop: Loop | undefined;
  let routing: Routing | undefined;
  const wake = () => loop?.wake();

  const restartOf = lastKnown && restartRules(lastKnown);
  const table = new PodTable({
    recall(pod, container) {
      const status = recorded.get(pod);
      const memory = reconciled(lastKnown?.pods[pod], status && keptFromStatus(status, container?.id));
      return recalled(memory, restartOf?.(pod), clock.now());
    },
    sinceOf: ({ startedAt }) =>
      clock.now() - Math.max(0, startedAt ? Date.parse(clock.wall()) - Date.parse(startedAt) : 0),
    onCrash: failures.crashed,
  });
  const onNetwork = () => routing?.wake();
  const picture = openPicture({ store, runtime, table, clock, log, facts, cluster, host, wake, onNetwork });
  const orders = openOrders({
    store,
    node: facts.node,
    lastKnown,
    validateTemplate: options.validateTemplate,
    clock,
    log,
    wake,
  });
  const steps = openSteps({
    runtime,
    table,
    clock,
    log,
    network: picture.network,
    wake,
    onEnd: failures.listen,
    onSilence: picture.onSilence,
    onEngineError: picture.onDoubt,
    onRefusal: (pod, reason) => failures.refused(table.placementOf(pod), reason),
    signal: stop.signal,
  });

  let comparedAt = clock.now();
  const pass = async (signal: AbortSignal) => {
    await picture.refresh(relistMs, signal);
    if (clock.now() - comparedAt >= relistMs) {
      comparedAt = clock.now();
      report.compare();
    }
    const told = await orders.look();
    const now = clock.now();
    table.place(told.placements, told.templateOf, told.mayStop, now);
    table.settle(now);
    const decision = decide(table.views(), now, callsAtATime - table.calls);
    for (const step of decision.steps) steps.begin(step);
    const views = table.views().filter(({ placement }) => placement !== undefined);
    const isNew = report.statuses(
      views
        .map((view) => statusOf(view, view.placement && told.refusalOf(view.placement)))
        .filter((status) => status !== undefined)
        .sort((a, b) => (a.pod < b.pod ? -1 : 1)),
      told.hold,
    );
    // What the disk keeps of a pod changes only with what is told of it.
    if (isNew || told.isNew) disk.save(() => lastKnownNow(orders.known(), table.views()));
    const nextAt = Math.min(decision.nextAt, told.incomplete ? now + incompleteMs : Number.POSITIVE_INFINITY);
    return { againInMs: Math.max(0, nextAt - clock.now()) };
  };

  try {
    // The first look: what makes this node impossible is told to whoever starts it, and not to the log again and again.
    await picture.refresh(relistMs, stop.signal);
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) {
      await membership.leave();
      throw error;
    }
  }
  loop = startLoop({ name: "worker", pass, clock, log, resyncMs: relistMs });
  routing = startRouting({
    store,
    host,
    node: facts.node,
    cluster,
    network: picture.claimed,
    trusts: (snapshot) =>
      whyNotTrusted(snapshot, facts.node, orders.known()) === undefined && !isAnyDamaged(snapshot, "nodes"),
    onProblem: picture.onProblem,
    onForgotten() {
      picture.onDoubt();
      wake();
    },
    clock,
    log,
  });
  const watching = picture.watch(stop.signal).catch((error: unknown) => {
    log.error("the engine's events cannot be followed", { error: messageOf(error) });
  });

  return {
    async close() {
      await routing?.close();
      await loop?.close();
      const cancel = clock.after(closeMs, () => stop.abort());
      picture.close();
      await steps.idle();
      cancel();
      stop.abort(new Error("the worker is closing"));
      await watching;
      await report.close();
      await disk.close();
      orders.close();
      await membership.leave();
    },
  };
}

/** What the store has of this node's pods from before this process; nothing while it cannot be asked, or where it is damaged. */
async function recordedStatuses(store: Store, node: string): Promise<ReadonlyMap<string, PodStatus>> {
  const found = await store.read(statusesKey(node)).catch((error: unknown) => {
    if (!isOrchestraError(error, "unavailable") && !isOrchestraError(error, "invalid")) throw error;
  });
  return new Map((found?.value.statuses ?? []).map((status) => [status.pod, status]));
}

/** What is missing in it may be there all the same. */
function isAnyDamaged({ damaged }: Snapshot, collection: Collection): boolean {
  return [...damaged.keys()].some((key) => collectionOf(key) === collection);
}

function lastKnownNow(
  known: ReturnType<ReturnType<typeof openOrders>["known"]>,
  views: ReturnType<PodTable["views"]>,
): LastKnown | undefined {
  const placed = views.filter(({ placement }) => placement !== undefined);
  return known && { ...known, pods: Object.fromEntries(placed.map(({ id, memory }) => [id, kept(memory)])) };
}
