// The part of the store that views show, kept up to date by watches. One recursive watch for each collection or single document that is asked
// for, shared by all views of the process. An event only says which document to read again.
import type { Log } from "../log.ts";
import type { ClusterDocument } from "../model/cluster.ts";
import { clusterKey } from "../model/keys.ts";
import type { WatchEvent } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { type Document, type Selection, selects } from "./snapshot.ts";
import type { Position } from "./store.ts";
import type { FedView } from "./view.ts";
import { StrangeStore } from "./zookeeper-errors.ts";
import { commitsPath, keyOfPath, pathOfKey } from "./zookeeper-paths.ts";
import { Picture } from "./zookeeper-picture.ts";
import { childrenOf, positionOf, readDocuments } from "./zookeeper-read.ts";
import type { Recheck } from "./zookeeper-recheck.ts";
import { Refusals } from "./zookeeper-refusals.ts";
import type { Root } from "./zookeeper-root.ts";
import { Rounds } from "./zookeeper-rounds.ts";
import type { Session } from "./zookeeper-session.ts";
import { type Shelf, Shelves } from "./zookeeper-shelves.ts";
import type { Versions } from "./zookeeper-versions.ts";

export interface MirrorOptions {
  readonly url: string;
  readonly session: Session;
  readonly versions: Versions;
  readonly log: Log | undefined;
  /** Told of every position, and asked whether what was read can be of the store that is known. */
  readonly root: Pick<Root, "see" | "expect" | "admits">;
  readonly recheck: (names: () => readonly string[], relist: (name: string) => void) => Recheck;
}

/** After so many rounds in which others wrote meanwhile, all that changed since the first is read again together. */
const quickRounds = 4;
/** Between two attempts when the servers refuse to be read, and when one is overloaded. */
const refusedMs = 1_000;
const interruptedMs = 50;
/** A commit does not wait longer for the views of its own process. */
const showLimitMs = 2_000;

export class Mirror {
  readonly #options: MirrorOptions;
  readonly #shelves = new Shelves();
  readonly #picture = new Picture();
  /** To be read again. */
  readonly #dirty = new Set<string>();
  /** Being read: answers may have come, but nothing of them is in the picture yet. */
  #reading: ReadonlySet<string> = new Set();
  readonly #progress = new Rounds();
  readonly #refusals: Refusals;
  readonly #stopListening: () => void;
  readonly #recheck: Recheck;
  #running = false;
  #soon: NodeJS.Immediate | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.url, options.log);
    this.#recheck = options.recheck(
      () => this.#shelves.names(),
      (name) => {
        this.#shelves.renew(name);
        this.#run();
      },
    );
    this.#stopListening = options.session.listen({
      up: () => {
        this.#refusals.begin();
        this.#run();
      },
      down: () => {
        // Servers that start again may have gone back and on, past where they were: nodes' own counters then mean something else.
        options.versions.clear();
        this.#distrust();
        this.#progress.end();
      },
      replaced: () => this.#forget(),
      ended: () => this.#shelves.forgetWatches(),
    });
  }

  /**
   * Follows what is selected until `release`, also when this throws, as it does when the servers refuse to be read. Resolves with the result of `take`, which gets it as it is now and
   * must use it at once: a moment later our own commit may have changed it.
   */
  async follow<T>(selection: Selection, take: (documents: readonly Document[], position: Position) => T): Promise<T> {
    const { session, root } = this.#options;
    this.#shelves.use(selection);
    await session.read(async (client) => {
      // Before anything is read, so that this client sees what any other was told to be done.
      const fits = root.expect();
      const synced = client.sync("/");
      const commits = client.exists(commitsPath);
      this.#run();
      const [, stat] = await Promise.all([synced, commits]);
      if (!stat || !fits(stat)) return this.#stray(client);
      this.#picture.see(positionOf(stat));
    });
    while (!this.#isQuiet(selection)) {
      if (session.isUp) await this.#progress.next();
      else await session.usable();
    }
    return take(this.#picture.select(selection), this.#picture.position);
  }

  release(selection: Selection): void {
    const released = this.#shelves.release(selection);
    if (released.length === 0) return;
    for (const name of released) this.#recheck.forget(name);
    for (const key of this.#dirty) if (!this.covers(key)) this.#dirty.delete(key);
    this.#picture.forget((key) => this.covers(key));
  }

  /** What the view selects must be followed. Feeds it until it is dropped. */
  feed(view: FedView): void {
    this.#picture.feed(view);
  }

  drop(view: FedView): void {
    if (this.#picture.drop(view)) this.release(view.selection);
  }

  /** Our own commit, right when its answer came: all before it has been told, nothing after it. */
  wrote(written: readonly (readonly [string, Document | undefined])[], position: Position): void {
    for (const [key, document] of written) {
      this.#dirty.delete(key);
      this.#picture.put(key, document);
    }
    this.#options.root.see(position);
    this.#picture.see(position);
    this.#show();
  }

  /** Resolves when the views that select any of these documents show the commit at this position, or cannot. */
  async shown(keys: readonly string[], position: Position): Promise<void> {
    const concerned = this.#picture.views.filter(({ selection }) => keys.some((key) => selects(selection, key)));
    const end = performance.now() + showLimitMs;
    const waits = (view: FedView) =>
      this.#picture.has(view) && this.#options.session.isUp && view.snapshot().position < position;
    while (concerned.some(waits) && performance.now() < end) await this.#progress.next().catch(() => {});
  }

  /** Whether anybody looks at it. */
  covers(key: string): boolean {
    return this.#shelves.covers(key);
  }

  close(): void {
    this.#stopListening();
    this.#recheck.close();
    clearImmediate(this.#soon);
    clearTimeout(this.#later);
    for (const view of this.#picture.views) view.close();
    this.#progress.end();
  }

  #onEvent({ path }: WatchEvent): void {
    const key = keyOfPath(path);
    if (key === undefined || !this.covers(key)) return;
    this.#dirty.add(key);
    // The events of one commit come together: they are read together.
    this.#soon ??= setImmediate(() => this.#run());
  }

  #run(): void {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    clearTimeout(this.#later);
    this.#later = undefined;
    if (this.#running) return;
    this.#running = true;
    void this.#rounds().then((againInMs) => {
      this.#running = false;
      this.#progress.end();
      if (!this.#options.session.isUp || !this.#hasWork()) return;
      this.#later ??= setTimeout(() => this.#run(), againInMs);
    });
  }

  /** Until nothing is left to read. After how long to begin again if there is. */
  async #rounds(): Promise<number> {
    const { session } = this.#options;
    const touched = new Set<string>();
    try {
      for (let round = 1; session.isUp && this.#hasWork(); round += 1) {
        await this.#list(session.client);
        for (const key of this.#dirty) touched.add(key);
        await this.#read(session.client, round > quickRounds ? touched : this.#dirty);
        this.#refusals.end();
        this.#show();
        this.#progress.end();
      }
    } catch (error) {
      const refusal = this.#refusals.judge(error);
      // With a connection it begins again.
      if (!refusal) return interruptedMs;
      this.#distrust();
      this.#progress.end(refusal);
      return refusedMs;
    }
    return 0;
  }

  #hasWork(): boolean {
    return this.#dirty.size > 0 || this.#shelves.unlisted().length > 0;
  }

  async #list(client: ZooKeeper): Promise<void> {
    const { session } = this.#options;
    const { generation } = session;
    // The connection may end in the same moment as an answer comes, or the store become another one.
    const holds = () => session.isUp && client.state === "connected" && session.generation === generation;
    await Promise.all(this.#shelves.unlisted().map((shelf) => this.#listOne(shelf, client, holds)));
  }

  /** Watches first, then looks: what changes in between is told. */
  async #listOne(shelf: Shelf, client: ZooKeeper, holds: () => boolean): Promise<void> {
    const watch = async () => {
      const made = await client.addWatch(pathOfKey(shelf.name), "recursive", (event) => this.#onEvent(event));
      // At once, whatever becomes of the list: a watch that nobody keeps can be ended by nobody.
      this.#shelves.watched(shelf, made, holds());
    };
    const watching = shelf.watch ?? watch();
    const listing = shelf.name.includes("/") ? [] : childrenOf(client, shelf.name);
    const [children] = await Promise.all([listing, watching]);
    // Without its watch it is to be listed anew.
    if (!this.#shelves.has(shelf) || !shelf.watch || !holds()) return;
    const there = new Set([shelf.name, ...children]);
    for (const key of this.#picture.keysOf(shelf.name)) if (!there.has(key)) this.#picture.put(key, undefined);
    for (const key of there) this.#dirty.add(key);
    shelf.listed = true;
  }

  async #read(client: ZooKeeper, keys: ReadonlySet<string>): Promise<void> {
    const { versions, session, root } = this.#options;
    const { generation } = session;
    this.#reading = new Set(keys);
    const fits = root.expect();
    try {
      const { found, commits } = await readDocuments(client, this.#reading, {
        versions,
        known: (key) => this.#picture.get(key),
        // What changed until here is in the answer; what is told from now on is not.
        onAnswer: (key) => this.#dirty.delete(key),
      });
      if (session.generation !== generation) throw new StrangeStore();
      const cluster = found.get(clusterKey);
      const isAdmitted = !cluster || cluster.damaged !== undefined || root.admits(cluster.value as ClusterDocument);
      if (!commits || !fits(commits) || !isAdmitted) return this.#stray(client);
      for (const [key, document] of found) this.#take(key, document);
      this.#picture.see(positionOf(commits));
    } catch (error) {
      for (const key of this.#reading) if (this.covers(key)) this.#dirty.add(key);
      throw error;
    } finally {
      this.#reading = new Set();
    }
  }

  #take(key: string, document: Document | undefined): void {
    if (!this.covers(key)) return;
    if (document?.damaged !== undefined && this.#picture.get(key)?.version !== document.version)
      this.#options.log?.error(`the document ${key} is damaged and left out: ${document.damaged}`);
    this.#picture.put(key, document);
  }

  #stray(client: ZooKeeper): never {
    this.#options.session.suspect(client);
    throw new StrangeStore();
  }

  #show(): void {
    this.#picture.show((selection) => this.#isQuiet(selection));
  }

  #isQuiet(selection: Selection): boolean {
    if (!this.#options.session.isUp || !this.#shelves.isListed(selection)) return false;
    for (const keys of [this.#dirty, this.#reading]) {
      for (const key of keys) if (selects(selection, key)) return false;
    }
    return true;
  }

  /** Nobody knows what was missed: until everything is listed again no view is fresh. */
  #distrust(): void {
    this.#shelves.distrust();
    for (const view of this.#picture.views) view.markStale();
  }

  /** Another store's: a version that is known from one may stand for another text in the other. */
  #forget(): void {
    this.#dirty.clear();
    this.#options.versions.clear();
    this.#picture.begin();
  }
}
