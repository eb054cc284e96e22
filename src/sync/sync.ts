// The room `sync/`: keeps the Deployments of one source equal to a folder or a Git branch, for as long as it leads there. Start here.
// Reads the source, deployments, revisions, placements, cluster and its control; writes Deployments and revisions through the plan, and `syncs/<source>`.
import { planSelectors } from "../apply/commit.ts";
import { fired, sleep } from "../clock.ts";
import { type Log, silentLog } from "../log.ts";
import { type Loop, startLoop } from "../loop.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { clusterKey, syncControlKey, syncKey } from "../model/keys.ts";
import { syncElection } from "../model/sync.ts";
import type { Leadership } from "../store/store.ts";
import { openStoreMemory } from "../store-memory.ts";
import { claim, tellEnd } from "./claim.ts";
import { elected, shownBy } from "./election.ts";
import { checkKnown } from "./ground.ts";
import { isCopy, type Machine } from "./machine.ts";
import { Meter, type Reading } from "./meter.ts";
import { type Led, Pass, type PassOptions } from "./pass.ts";
import { type Source, sourceName } from "./source.ts";

export interface SyncOptions extends Omit<PassOptions, "meter"> {
  /** Opens the source when this sync leads; `wake` is called when something may have changed in it. */
  readonly open: (wake: () => void) => Source;
  /** This process and this machine's address, for people. */
  readonly pid: number;
  readonly address: string;
  /** This machine, where the source is its folder. Absent: any machine may lead. */
  readonly machine?: Machine;
  /** Called after each pass. */
  readonly passed?: () => void;
  /** The cluster's folder on this machine: how far the store has been seen is kept there. */
  readonly stateDir: string;
}

export interface Sync {
  /** What it has done until now. */
  reading(): Reading;
  /** Ends after the pass under way and gives leadership up. */
  close(): Promise<void>;
}

/** Whatever was missed in the source or in the store is found by then. */
const resyncMs = 60_000;
/** Who has led for so long could lead: the next failure is another one. */
const ledMs = 10_000;
const retryFirstMs = 100;
const retryMaxMs = 5_000;

type Metered = SyncOptions & PassOptions;

/** Waits to be elected for its source, follows it, and waits again when leadership is lost, until it is closed. */
export function startSync(options: SyncOptions): Sync {
  const stop = new AbortController();
  const meter = new Meter(sourceName(options.follows));
  const done = leadAgainAndAgain({ ...options, meter }, stop.signal);
  return {
    reading: () => meter.reading,
    async close() {
      stop.abort(new Error("the sync is closing"));
      await done;
    },
  };
}

async function leadAgainAndAgain(options: Metered, stop: AbortSignal): Promise<void> {
  const { clock, log, meter } = options;
  let failures = 0;
  let told: string | undefined;
  while (!stop.aborted) {
    let since: number | undefined;
    try {
      const leadership = await elected(options, sourceName(options.follows), stop);
      since = clock.now();
      // What keeps the store from being followed is said once, and not at each try.
      const memoryLog = failures === 0 ? log : silentLog;
      await lead(options, { leadership, stop, memoryLog }).finally(() => meter.takes("starts", clock.now(), undefined));
      [failures, told] = [0, undefined];
    } catch (error) {
      if (stop.aborted) return;
      if (since !== undefined && clock.now() - since >= ledMs) [failures, told] = [0, undefined];
      failures += 1;
      const reason = messageOf(error);
      const remedy = isOrchestraError(error) && error.hint !== undefined ? { hint: error.hint } : {};
      meter.troubled([reason, ...Object.values(remedy)].join("; "));
      const isOver = isCopy(error);
      const what = `sync cannot lead${isOver ? "" : " now and tries again"}`;
      if (reason !== told) log.warn(what, { error: reason, ...remedy });
      told = reason;
      // Whichever is the copy, it is made a machine of its own while its sync does not run.
      if (isOver) await fired(stop);
      await sleep(clock, Math.min(retryMaxMs, retryFirstMs * 2 ** (failures - 1)), stop).catch(() => {});
    }
  }
}

interface Leading {
  readonly leadership: Leadership;
  readonly stop: AbortSignal;
  readonly memoryLog: Log;
}

async function lead(options: Metered, { leadership, stop, memoryLog }: Leading): Promise<void> {
  const { store, follows, machine, host, address, pid, stateDir, clock, log } = options;
  const source = sourceName(follows);
  const closers: (() => unknown)[] = [() => leadership.resign()];
  const opened = <T extends { close(): unknown }>(one: T): T => {
    closers.push(() => one.close());
    return one;
  };
  try {
    const role = syncElection(source);
    const holding = "it applies nothing";
    const memory = opened(await openStoreMemory({ folder: stateDir, role, holding, clock, log: memoryLog }));
    const counts = opened(await store.view(["placements"]));
    const view = opened(await store.view([...planSelectors, clusterKey, syncKey(source), syncControlKey(source)]));
    checkKnown({ view, counts, memory });
    const boot = machine?.boot === undefined ? {} : { boot: machine.boot };
    const own = { host, address, ...boot, pid, since: clock.wall() };
    await claim(store, { source, follows, lead: own }, machine);
    // Whoever finds another's word in its own document stands for election again: then it is either elected or not.
    const doubt = new AbortController();
    const led = { leadership, view, counts, memory, own, doubt };
    await follow(options, led, AbortSignal.any([stop, leadership.signal, doubt.signal]));
    if (!leadership.signal.aborted) await tellEnd(store, source, own, clock.wall());
    log.info("sync no longer follows its source", { source });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Until `ended` fires. */
async function follow(options: Metered, led: Omit<Led, "source" | "wake">, ended: AbortSignal): Promise<void> {
  const { clock, log, meter } = options;
  const { view } = led;
  let loop: Loop | undefined;
  const wake = () => loop?.wake();
  const source = options.open(wake);
  const pass = new Pass(options, { ...led, source, wake });
  const name = sourceName(options.follows);
  meter.takes("leads", clock.now(), () => shownBy(view, name));
  log.info("sync follows its source", { source: name });
  loop = startLoop({ name: "sync", pass: (signal) => measured(options, () => pass.run(signal)), resyncMs, clock, log });
  const unsubscribe = view.onChange(wake);
  await fired(ended);
  unsubscribe();
  await loop.close();
  pass.close();
  await source.close();
}

async function measured<T>({ meter, clock, passed: tell }: Metered, pass: () => Promise<T>): Promise<T> {
  const begun = clock.now();
  const passed = (trouble?: string) => {
    meter.passed({ ms: clock.now() - begun, at: clock.now(), trouble });
    tell?.();
  };
  try {
    const result = await pass();
    passed();
    return result;
  } catch (error) {
    // Somebody was first: an ordinary result, and the next look sees it.
    if (!isOrchestraError(error, "conflict")) meter.failed();
    passed(isOrchestraError(error, "conflict") ? undefined : messageOf(error));
    throw error;
  }
}
