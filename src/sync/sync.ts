// The room `sync/`: keeps the Deployments of one source equal to a folder or a Git branch, for as long as it leads there. Start here.
// Reads the source, deployments, revisions, cluster and its control; writes Deployments and revisions through the plan, and `syncs/<source>`.
import { randomBytes } from "node:crypto";
import { commitPlan, knownState, planSelectors } from "../apply/commit.ts";
import type { Author } from "../apply/document.ts";
import { changesAnything } from "../apply/plan.ts";
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../log.ts";
import { type Loop, type PassResult, startLoop } from "../loop.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { clusterKey, syncControlKey, syncKey } from "../model/keys.ts";
import { type Followed, type SyncDocument, sourceId } from "../model/sync.ts";
import { type Leadership, overwrite, type Snapshot, type Store, type View } from "../store/store.ts";
import { type Decision, decide } from "./decide.ts";
import { nextRecord, type Report } from "./record.ts";
import { type Look, type Source, sourceName } from "./source.ts";

export interface SyncOptions {
  readonly store: Store;
  readonly follows: Followed;
  /** Opens the source when this sync leads; `wake` is called when something may have changed in it. */
  readonly open: (wake: () => void) => Source;
  /** This machine and process, for people. */
  readonly host: string;
  readonly pid: number;
  /** Applies what is valid although something is not. */
  readonly partial: boolean;
  /** Takes back what was changed by hand. */
  readonly heals: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Sync {
  /** Ends after the pass under way and gives leadership up. */
  close(): Promise<void>;
}

/** Whatever was missed in the source or in the store is found by then. */
const resyncMs = 60_000;
/** What is being changed for longer than this is told as a trouble. */
const busyToldMs = 5_000;
/** Who has not been elected by then says that it stands by. */
const standbyToldMs = 500;
/** A leader whose own word is not in the store for so long asks again whether it leads. */
const strangeMs = 5_000;
const retryFirstMs = 100;
const retryMaxMs = 5_000;

/** Waits to be elected for its source, follows it, and waits again when leadership is lost, until it is closed. */
export function startSync(options: SyncOptions): Sync {
  const stop = new AbortController();
  const done = leadAgainAndAgain(options, stop.signal);
  return {
    async close() {
      stop.abort(new Error("the sync is closing"));
      await done;
    },
  };
}

async function leadAgainAndAgain(options: SyncOptions, stop: AbortSignal): Promise<void> {
  const { clock, log } = options;
  let failures = 0;
  while (!stop.aborted) {
    try {
      const leadership = await elected(options, stop);
      failures = 0;
      await lead(options, leadership, stop);
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      if (failures === 1) log.warn("sync cannot lead now and tries again", { error: messageOf(error) });
      await sleep(clock, Math.min(retryMaxMs, retryFirstMs * 2 ** (failures - 1)), stop).catch(() => {});
    }
  }
}

async function elected({ store, follows, clock, log }: SyncOptions, stop: AbortSignal): Promise<Leadership> {
  const source = sourceName(follows);
  const cancel = clock.after(standbyToldMs, () =>
    log.info("another sync follows this source; this one stands by", { source }),
  );
  try {
    return await store.elect(`sync-${sourceId(source)}`, stop);
  } finally {
    cancel();
  }
}

async function lead(options: SyncOptions, leadership: Leadership, stop: AbortSignal): Promise<void> {
  const { store, follows, host, pid, clock, log } = options;
  const source = sourceName(follows);
  // Whoever finds another's word in its own document stands for election again: then it is either elected or not.
  const doubt = new AbortController();
  const ended = AbortSignal.any([stop, leadership.signal, doubt.signal]);
  try {
    const own = { host, pid, since: clock.wall() };
    const view = await store.view([...planSelectors, clusterKey, syncKey(source), syncControlKey(source)]);
    let loop: Loop | undefined;
    const opened = options.open(() => loop?.wake());
    try {
      await claim(store, source, { source, follows, lead: own });
      log.info("sync follows its source", { source });
      const pass = new Pass(options, { leadership, view, source: opened, own, doubt });
      loop = startLoop({ name: "sync", pass: (signal) => pass.run(signal), resyncMs, clock, log });
      const unsubscribe = view.onChange(() => loop?.wake());
      await fired(ended);
      unsubscribe();
      await loop.close();
      if (!leadership.signal.aborted) await tellEnd(store, source, own, clock.wall());
      log.info("sync no longer follows its source", { source });
    } finally {
      await opened.close();
      view.close();
    }
  } finally {
    await leadership.resign();
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
  const snapshot = await store.list([key]);
  const found = snapshot.get(key)?.value;
  if (!found || !isOwn(found.lead, own)) return;
  // Nobody waits for this word: a store that does not answer now is no reason to go on.
  await store.commit({ changes: [overwrite(snapshot, key, { ...found, lead: { ...own, ended } })] }).catch(() => {});
}

interface Led {
  readonly leadership: Leadership;
  readonly view: View;
  readonly source: Source;
  readonly own: SyncDocument["lead"];
  readonly doubt: AbortController;
}

/** What was found in the store and in the source, and is to be made equal. */
interface Found {
  readonly snapshot: Snapshot;
  readonly document: SyncDocument;
  readonly version: number;
}

class Pass {
  readonly #options: SyncOptions;
  readonly #led: Led;
  readonly #name: string;
  #busySince: number | undefined;
  #strangeSince: number | undefined;
  /** What the last pass that had nothing left to do looked at. */
  #calm: { readonly look: object; readonly position: number } | undefined;

  constructor(options: SyncOptions, led: Led) {
    this.#options = options;
    this.#led = led;
    this.#name = sourceName(options.follows);
  }

  /** One look at the source and the store, at most one commit of Deployments, and one of what there is to tell. */
  async run(signal: AbortSignal): Promise<PassResult> {
    const { leadership, view, source } = this.#led;
    const found = this.#find(view.snapshot());
    if (!found || leadership.signal.aborted) return { againInMs: strangeMs };
    if (found.snapshot.get(syncControlKey(this.#name))?.value.paused) {
      await this.#tell(found, { outcome: "paused", errors: [] });
      return {};
    }
    const look = await source.look(signal);
    if (signal.aborted || leadership.signal.aborted) return {};
    if (look.state !== "read") return this.#wait(found, look);
    this.#busySince = undefined;
    const { tree } = look;
    // The store may have moved while the source was read.
    const now = this.#find(view.snapshot());
    if (!now) return { againInMs: strangeMs };
    const { position } = now.snapshot;
    if (this.#calm?.look === tree && this.#calm.position === position) return {};
    await this.#apply(now, tree);
    this.#calm = { look: tree, position };
    return {};
  }

  /** Undefined while the store's word cannot be relied on, or somebody else has been elected. */
  #find(snapshot: Snapshot): Found | undefined {
    if (!snapshot.fresh) return undefined;
    if (!snapshot.get(clusterKey)) {
      const hint = "put the store back, or have it followed as it is: orchestra store accept-rollback";
      throw new OrchestraError("unavailable", "the store holds no cluster; nothing is applied to it", { hint });
    }
    const document = snapshot.get(syncKey(this.#name));
    if (!document || !isOwn(document.value.lead, this.#led.own)) return this.#doubt();
    this.#strangeSince = undefined;
    return { snapshot, document: document.value, version: document.version };
  }

  /** Our own word is not there: it is on its way, or another leads, or somebody has put an older document in its place. */
  #doubt(): undefined {
    const { clock } = this.#options;
    this.#strangeSince ??= clock.now();
    if (clock.now() - this.#strangeSince >= strangeMs) this.#led.doubt.abort(new Error("another one leads"));
  }

  async #wait(found: Found, { state, reason, againInMs }: Exclude<Look, { state: "read" }>): Promise<PassResult> {
    const { clock } = this.#options;
    this.#busySince ??= clock.now();
    if (state === "away" || clock.now() - this.#busySince >= busyToldMs) {
      await this.#tell(found, { outcome: "away", errors: [reason] });
    }
    return { againInMs };
  }

  async #apply(found: Found, tree: Extract<Look, { state: "read" }>["tree"]): Promise<void> {
    const { store, partial, heals, clock, log } = this.#options;
    const author = this.#author();
    const begun = clock.now();
    const state = knownState(found.snapshot);
    const decision = decide({ tree, state, applied: found.document.applied, author, partial, heals });
    const { plan } = decision;
    const checks = [{ key: syncKey(this.#name), version: found.version }];
    const written = await commitPlan(store, plan(state), plan, checks);
    if (changesAnything(written)) {
      const names = written.items.filter(({ after }) => after).map(({ name }) => name);
      const ms = Math.round(clock.now() - begun);
      log.info("sync applied", { count: names.length, deployments: names.slice(0, 20), ms });
    }
    await this.#tell(found, reportOf(decision, heals));
  }

  #author(): Author {
    const { host, clock } = this.#options;
    const newUid = () => randomBytes(8).toString("hex");
    return { by: `sync on ${host}`, at: clock.wall(), source: this.#name, newUid };
  }

  async #tell({ document, version }: Found, report: Report): Promise<void> {
    const { store, clock, log } = this.#options;
    const next = nextRecord(document, report, clock.wall());
    if (next === document) return;
    await store.commit({ changes: [{ do: "put", key: syncKey(this.#name), value: next, version }] });
    if (next.pass !== document.pass) tellPass(next.pass, log);
    if (next.drift !== document.drift) log.warn("changed by hand", { ...next.drift });
  }
}

function reportOf({ outcome, errors, tree, deployments, drifted }: Decision, heals: boolean): Report {
  return {
    outcome,
    errors,
    ...(tree === undefined ? {} : { applied: { tree, deployments } }),
    ...(drifted.length > 0 ? { drift: { corrected: heals, deployments: drifted } } : {}),
  };
}

function tellPass(pass: SyncDocument["pass"], log: Log): void {
  if (!pass) return;
  const { outcome, errors, more } = pass;
  const fields = { ...(errors.length > 0 ? { errors } : {}), ...(more === undefined ? {} : { more }) };
  if (outcome === "synced" || outcome === "paused") log.info(`sync is ${outcome}`, fields);
  else log.warn(`sync is ${outcome}`, fields);
}

function isOwn(lead: SyncDocument["lead"], own: SyncDocument["lead"]): boolean {
  return lead.host === own.host && lead.pid === own.pid && lead.since === own.since;
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
