// The room that makes this node's engine run what was placed here: placements → containers, and what it sees back into the store.
// It also sees to it that this node's containers and those of other nodes reach each other.
// Reads `placements/<node>`, the templates and `nodes`; writes `ranges/<range>`, `statuses/<node>`, `failures/<node>`, `nodes/<node>`, `presence/<node>`, and its own state folder.
import { dirname, join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { type Loop, type PassResult, startLoop } from "../loop.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { type Collection, collectionOf } from "../model/keys.ts";
import type { PodStatus } from "../model/pod.ts";
import type { PodTemplate } from "../model/template.ts";
import { openStateFile, readStateFile, type StateFile } from "../state-file.ts";
import type { Snapshot, Store } from "../store/store.ts";
import { Trouble } from "../trouble.ts";
import { decide, decideBlind, type PodView } from "./decide.ts";
import { type Failures, openFailures } from "./failures.ts";
import type { LastKnown } from "./last-known.ts";
import { joinNode, type Membership } from "./membership.ts";
import { NodeSetup } from "./node-setup.ts";
import { type Orders, type OrdersSource, openOrders, whyNotTrusted } from "./orders.ts";
import { openPicture, type Picture, type Sight } from "./picture.ts";
import { lastKnownNow, type Recollection, recallFrom, recordedStatuses } from "./recall.ts";
import type { NodeFacts } from "./registration.ts";
import { openReport, type Report } from "./report.ts";
import type { HostNetwork } from "./routes.ts";
import { type Routing, startRouting } from "./routing.ts";
import type { ContainerState, Runtime } from "./runtime.ts";
import { statusOf } from "./status.ts";
import { openSteps, type Steps } from "./steps.ts";
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
  /** This cluster's folder on this machine, in the machine's state folder. */
  readonly stateDir: string;
  /** Returns the template, or throws what is wrong with it. */
  readonly validateTemplate: (template: unknown) => PodTemplate;
  /** Gives up a start that waits. */
  readonly stop?: AbortSignal;
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
const engineWords = {
  begins: "the engine does not answer: pods are asked on over the network, and nothing is started or stopped",
  lasts: "the engine still does not answer",
  ends: "the engine answers again",
};
/** A start of many pods changes the memory with each of them; one write a quarter second is enough to go on from. */
const saveMs = 250;
/** Steps under way may end on their own for so long when the worker closes; what is cut off is adopted by the next one. */
const closeMs = 3_000;

/**
 * Starts the worker. Throws `conflict` when another process or machine is this node, `invalid` when the cluster's network cannot be made here;
 * a store or an engine that does not answer is waited for.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { store, clock, log, facts, stateDir, stop = new AbortController().signal } = options;
  const lastKnownPath = join(stateDir, "worker.json");
  const lastKnown = await readStateFile<LastKnown>(lastKnownPath);
  // Before it joins: that takes back what was told before the machine was started anew, and how often pods had restarted stays true.
  const recorded = await recordedStatuses(store, facts.node);
  const membership = await joinNode({ store, facts, pid: process.pid, stateDir: dirname(stateDir), clock, log, stop });
  const disk = openStateFile<LastKnown>(lastKnownPath, { spacingMs: saveMs, clock, log });
  const worker = new NodeWorker(options, { membership, disk, lastKnown, recorded });
  await worker.start();
  return worker;
}

/** What the worker begins with. */
interface Beginning extends Recollection {
  readonly membership: Membership;
  readonly disk: StateFile<LastKnown>;
}

class NodeWorker implements Worker {
  readonly #options: WorkerOptions;
  readonly #beginning: Beginning;
  readonly #stop = new AbortController();
  readonly #report: Report;
  readonly #failures: Failures;
  readonly #table: PodTable;
  readonly #setup: NodeSetup;
  readonly #picture: Picture;
  readonly #orders: OrdersSource;
  readonly #steps: Steps;
  #loop: Loop | undefined;
  #routing: Routing | undefined;
  #watching: Promise<void> | undefined;
  /** When the store was last asked whether it has what this worker wrote. */
  #comparedAt: number;

  constructor(options: WorkerOptions, beginning: Beginning) {
    const { store, runtime, clock, log, facts, validateTemplate } = options;
    const { node } = facts;
    const wake = () => this.#loop?.wake();
    this.#options = options;
    this.#beginning = beginning;
    this.#comparedAt = clock.now();
    this.#report = openReport({ store, node, boot: facts.boot, clock, log });
    this.#failures = openFailures({ runtime, report: this.#report, clock, signal: this.#stop.signal });
    this.#table = new PodTable({
      recall: recallFrom(beginning, clock),
      sinceOf: (container) => sinceOf(container, clock),
      onCrash: (container, placement, memory) => this.#failures.crashed(container, placement, memory),
    });
    this.#setup = new NodeSetup({
      ...options,
      onNetwork: () => this.#routing?.wake(),
      onDoubt: () => this.#doubt(),
      whyNotTrusted: (snapshot) => whyNotTrusted(snapshot, node, this.#orders.known()),
    });
    const trouble = new Trouble({ clock, log, words: engineWords });
    this.#picture = openPicture({ runtime, table: this.#table, setup: this.#setup, clock, trouble, wake });
    this.#orders = openOrders({ store, node, lastKnown: beginning.lastKnown, validateTemplate, clock, log, wake });
    this.#steps = this.#openSteps(wake);
  }

  /** Throws what makes this node impossible. */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      // The first look: what it throws is told to whoever starts the worker, and not to the log again and again.
      await this.#picture.first(this.#stop.signal);
    } catch (error) {
      if (!isOrchestraError(error, "unavailable")) {
        this.#setup.close();
        await this.#beginning.membership.leave();
        throw error;
      }
    }
    this.#loop = startLoop({ name: "worker", pass: (signal) => this.#pass(signal), clock, log, resyncMs: relistMs });
    this.#routing = this.#startRouting();
    this.#watching = this.#picture.watch(this.#stop.signal).catch((error: unknown) => {
      log.error("the engine's events cannot be followed", { error: messageOf(error) });
    });
  }

  async close(): Promise<void> {
    const { membership, disk } = this.#beginning;
    await this.#routing?.close();
    await this.#loop?.close();
    const cancel = this.#options.clock.after(closeMs, () => this.#stop.abort());
    this.#setup.close();
    await this.#steps.idle();
    cancel();
    this.#stop.abort(new Error("the worker is closing"));
    await this.#watching;
    await this.#report.close();
    await disk.close();
    this.#orders.close();
    await membership.leave();
  }

  #openSteps(wake: () => void): Steps {
    const { runtime, clock, log } = this.#options;
    const table = this.#table;
    return openSteps({
      runtime,
      table,
      clock,
      log,
      wake,
      network: () => this.#setup.network(),
      onEnd: (container) => this.#failures.listen(container),
      onSilence: () => this.#picture.onSilence(),
      onSlow: () => this.#picture.onSlow(),
      onEngineError: () => this.#picture.onDoubt(),
      onRefusal: (pod, reason) => this.#failures.refused(table.placementOf(pod), reason),
      signal: this.#stop.signal,
    });
  }

  #startRouting(): Routing {
    const { store, host, cluster, facts, clock, log } = this.#options;
    const { node } = facts;
    return startRouting({
      store,
      host,
      node,
      cluster,
      clock,
      log,
      network: () => this.#setup.claimed(),
      trusts: (snapshot) =>
        whyNotTrusted(snapshot, node, this.#orders.known()) === undefined && !isAnyDamaged(snapshot, "nodes"),
      onProblem: (problem) => this.#setup.onProblem(problem),
      onForgotten: () => this.#doubt(),
      onUnseen: () => this.#setup.announceAgain(),
    });
  }

  #doubt(): void {
    this.#picture.onDoubt();
    this.#loop?.wake();
  }

  async #pass(signal: AbortSignal): Promise<PassResult> {
    const { clock } = this.#options;
    const sight = await this.#picture.refresh(relistMs, signal);
    if (clock.now() - this.#comparedAt >= relistMs) {
      this.#comparedAt = clock.now();
      this.#report.compare();
    }
    const told = await this.#orders.look();
    if (told.isBack) this.#report.hurry();
    const nextAt = sight.hasListed ? this.#follow(told, sight) : this.#wait(told, sight);
    const lookAt = told.incomplete ? clock.now() + incompleteMs : Number.POSITIVE_INFINITY;
    return { againInMs: Math.max(0, Math.min(nextAt, sight.nextAt, lookAt) - clock.now()) };
  }

  /** Does what the orders and the engine allow, and tells what is so; gives when something is due. */
  #follow(told: Orders, { answers, silence }: Sight): number {
    const table = this.#table;
    const now = this.#options.clock.now();
    table.place(told.placements, told.templateOf, told.mayStop, now);
    table.settle(now);
    const decision = answers
      ? decide(table.views(), now, callsAtATime - table.calls)
      : { giveUp: [], queued: [], ...decideBlind(table.views(), now) };
    for (const step of decision.steps) this.#steps.begin(step);
    for (const pod of decision.giveUp) this.#steps.giveUp(pod);
    const statuses = statusesOf(placedOf(table), told, new Set(decision.queued));
    const isNew = this.#report.statuses({ statuses, hold: told.hold, engine: silence });
    // What the disk keeps of a pod changes only with what is told of it.
    if (isNew || told.isNew) this.#beginning.disk.save(() => lastKnownNow(this.#orders.known(), placedOf(table)));
    return decision.nextAt;
  }

  /** Without one listing no container is known: what was told of them before stays, and that the engine is silent is new. */
  #wait({ hold }: Orders, { silence }: Sight): number {
    if (silence) this.#report.statuses({ hold, engine: silence });
    return Number.POSITIVE_INFINITY;
  }
}

/** What is missing in it may be there all the same. */
function isAnyDamaged({ damaged }: Snapshot, collection: Collection): boolean {
  return [...damaged.keys()].some((key) => collectionOf(key) === collection);
}

/** When a container's process started, in monotonic time. */
function sinceOf({ startedAt }: ContainerState, clock: Clock): number {
  return clock.now() - Math.max(0, startedAt ? Date.parse(clock.wall()) - Date.parse(startedAt) : 0);
}

const placedOf = (table: PodTable): PodView[] => table.views().filter(({ placement }) => placement !== undefined);

function statusesOf(views: readonly PodView[], told: Orders, queued: ReadonlySet<string>): PodStatus[] {
  return views
    .map((view) => statusOf(view, view.placement && told.refusalOf(view.placement), queued.has(view.id)))
    .filter((status) => status !== undefined)
    .sort((a, b) => (a.pod < b.pod ? -1 : 1));
}
