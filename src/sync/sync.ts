// The room `sync/`: keeps the Deployments of one source equal to a folder or a Git branch, for as long as it leads there. Start here.
// Reads the source, deployments, revisions, cluster and its control; writes Deployments and revisions through the plan, and `syncs/<source>`.
import { planSelectors } from "../apply/commit.ts";
import { sleep } from "../clock.ts";
import { type Loop, startLoop } from "../loop.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { clusterKey, syncControlKey, syncKey } from "../model/keys.ts";
import { type SyncDocument, sourceId } from "../model/sync.ts";
import { type Leadership, overwrite, type Store, type View } from "../store/store.ts";
import { leaderText } from "./health.ts";
import { Meter, type Reading, type Shown } from "./meter.ts";
import { Pass, type PassOptions } from "./pass.ts";
import { isOwn } from "./record.ts";
import { type Source, sourceName } from "./source.ts";

export interface SyncOptions extends Omit<PassOptions, "meter"> {
  /** Opens the source when this sync leads; `wake` is called when something may have changed in it. */
  readonly open: (wake: () => void) => Source;
  /** This process, for people. */
  readonly pid: number;
  /** Called after each pass. */
  readonly passed?: () => void;
}

export interface Sync {
  /** What it has done until now. */
  reading(): Reading;
  /** Ends after the pass under way and gives leadership up. */
  close(): Promise<void>;
}

/** Whatever was missed in the source or in the store is found by then. */
const resyncMs = 60_000;
/** Who has not been elected by then says that it stands by. */
const standbyToldMs = 500;
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
  while (!stop.aborted) {
    try {
      const leadership = await elected(options, stop);
      failures = 0;
      await lead(options, leadership, stop).finally(() => meter.takes("starts", clock.now(), undefined));
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      meter.troubled(messageOf(error));
      if (failures === 1) log.warn("sync cannot lead now and tries again", { error: messageOf(error) });
      await sleep(clock, Math.min(retryMaxMs, retryFirstMs * 2 ** (failures - 1)), stop).catch(() => {});
    }
  }
}

async function elected({ store, follows, clock, log, meter }: Metered, stop: AbortSignal): Promise<Leadership> {
  const source = sourceName(follows);
  const view = await store.view([syncKey(source)]);
  const look = () => shownBy(view, source);
  const cancel = clock.after(standbyToldMs, () => {
    const { fresh, document } = look();
    meter.takes("stands-by", clock.now(), look);
    if (fresh) log.info("this sync stands by", { source, because: leaderText(document?.lead) });
    else log.warn("this sync waits: the store does not answer", { source });
  });
  try {
    return await store.elect(`sync-${sourceId(source)}`, stop);
  } finally {
    cancel();
    view.close();
  }
}

function shownBy(view: View, source: string): Shown {
  const snapshot = view.snapshot();
  return { fresh: snapshot.fresh, document: snapshot.get(syncKey(source))?.value };
}

async function lead(options: Metered, leadership: Leadership, stop: AbortSignal): Promise<void> {
  const { store, follows, host, pid, clock, log } = options;
  const source = sourceName(follows);
  // Whoever finds another's word in its own document stands for election again: then it is either elected or not.
  const doubt = new AbortController();
  const ended = AbortSignal.any([stop, leadership.signal, doubt.signal]);
  try {
    const own = { host, pid, since: clock.wall() };
    const view = await store.view([...planSelectors, clusterKey, syncKey(source), syncControlKey(source)]);
    let loop: Loop | undefined;
    let pass: Pass | undefined;
    const opened = options.open(() => loop?.wake());
    try {
      await claim(store, source, { source, follows, lead: own });
      options.meter.takes("leads", clock.now(), () => shownBy(view, source));
      log.info("sync follows its source", { source });
      const passing = new Pass(options, { leadership, view, source: opened, own, doubt, wake: () => loop?.wake() });
      pass = passing;
      loop = startLoop({
        name: "sync",
        pass: (signal) => measured(options, () => passing.run(signal)),
        resyncMs,
        clock,
        log,
      });
      const unsubscribe = view.onChange(() => loop?.wake());
      await fired(ended);
      unsubscribe();
      await loop.close();
      if (!leadership.signal.aborted) await tellEnd(store, source, own, clock.wall());
      log.info("sync no longer follows its source", { source });
    } finally {
      pass?.close();
      await opened.close();
      view.close();
    }
  } finally {
    await leadership.resign();
  }
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

/** From here on nothing is written that an earlier leader decides: each of its commits names the version of this document. */
async function claim(store: Store, source: string, fresh: SyncDocument): Promise<void> {
  const key = syncKey(source);
  const snapshot = await store.list([key]);
  const before = snapshot.get(key)?.value;
  await store.commit({ changes: [overwrite(snapshot, key, { ...before, ...fresh })] });
}

async function tellEnd(store: Store, source: string, own: SyncDocument["lead"], ended: string): Promise<void> {
  const key = syncKey(source);
  try {
    const snapshot = await store.list([key]);
    const found = snapshot.get(key)?.value;
    if (!found || !isOwn(found.lead, own)) return;
    await store.commit({ changes: [overwrite(snapshot, key, { ...found, lead: { ...own, ended } })] });
  } catch {
    // Nobody waits for this word: a store that does not answer now is no reason to go on.
  }
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
