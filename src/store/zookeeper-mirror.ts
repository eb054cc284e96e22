// The part of the store that views show, kept up to date by watches. One recursive watch for each collection or single document that is asked
// for, shared by all views of the process. An event only says which document to read again.
import type { Log } from "../log.ts";
import { collectionOf } from "../model/keys.ts";
import type { WatchEvent } from "../zookeeper/records.ts";
import type { Watch, ZooKeeper } from "../zookeeper/zookeeper.ts";
import { type Document, type Selection, selects } from "./snapshot.ts";
import type { Position } from "./store.ts";
import type { FedView } from "./view.ts";
import { isInterruption, replacedStore, translateError } from "./zookeeper-errors.ts";
import { commitsPath, keyOfPath, pathOfKey } from "./zookeeper-paths.ts";
import { Picture } from "./zookeeper-picture.ts";
import { childrenOf, positionOf, readDocuments } from "./zookeeper-read.ts";
import type { Recheck } from "./zookeeper-recheck.ts";
import { Rounds } from "./zookeeper-rounds.ts";
import type { Session } from "./zookeeper-session.ts";
import type { Versions } from "./zookeeper-versions.ts";

export interface MirrorOptions {
  readonly url: string;
  readonly session: Session;
  readonly versions: Versions;
  readonly log: Log | undefined;
  /** Called with every position that was read. */
  readonly see: (position: Position) => void;
  readonly recheck: (names: () => readonly string[], relist: (name: string) => void) => Recheck;
}

/** What is followed because somebody looks at it. */
interface Shelf {
  /** A collection, or the key of one document. */
  readonly name: string;
  users: number;
  watch: Watch | undefined;
  /** Everything on it has been read, or is known to have to be. */
  listed: boolean;
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
  readonly #shelves = new Map<string, Shelf>();
  readonly #picture = new Picture();
  /** To be read again. */
  readonly #dirty = new Set<string>();
  /** Being read: answers may have come, but nothing of them is in the picture yet. */
  #reading: ReadonlySet<string> = new Set();
  readonly #progress = new Rounds();
  readonly #stopListening: () => void;
  readonly #recheck: Recheck;
  #running = false;
  #soon: NodeJS.Immediate | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#recheck = options.recheck(
      () => [...this.#shelves.keys()],
      (name) => this.#relist(name),
    );
    this.#stopListening = options.session.listen({
      up: () => this.#run(),
      down: () => this.#distrust(),
      ended: () => {
        for (const shelf of this.#shelves.values()) shelf.watch = undefined;
      },
    });
  }

  /**
   * Follows what is selected until `release`, also when this throws. Resolves with the result of `take`, which gets it as it is now and
   * must use it at once: a moment later our own commit may have changed it.
   */
  async follow<T>(selection: Selection, take: (documents: readonly Document[], position: Position) => T): Promise<T> {
    const { session } = this.#options;
    for (const name of shelfNames(selection)) {
      const shelf = this.#shelves.get(name);
      if (shelf) shelf.users += 1;
      else this.#shelves.set(name, { name, users: 1, watch: undefined, listed: false });
    }
    await session.read(async (client) => {
      // Before anything is read, so that this client sees what any other was told to be done.
      const synced = client.sync("/");
      const commits = client.exists(commitsPath);
      this.#run();
      const [, stat] = await Promise.all([synced, commits]);
      if (!stat) throw replacedStore(this.#options.url, "has been removed");
      this.#see(positionOf(stat));
    });
    while (!this.#isQuiet(selection)) {
      if (session.isUp) await this.#progress.next();
      else await session.usable();
    }
    return take(this.#picture.select(selection), this.#picture.position);
  }

  release(selection: Selection): void {
    for (const name of shelfNames(selection)) {
      const shelf = this.#shelves.get(name);
      if (!shelf) continue;
      shelf.users -= 1;
      if (shelf.users > 0) continue;
      this.#shelves.delete(name);
      void shelf.watch?.remove();
      this.#recheck.forget(name);
      for (const key of this.#dirty) if (!this.covers(key)) this.#dirty.delete(key);
      this.#picture.forget((key) => this.covers(key));
    }
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
    this.#see(position);
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
    return this.#shelves.has(key) || this.#shelves.has(collectionOf(key));
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
    const { session, url, log } = this.#options;
    const touched = new Set<string>();
    try {
      for (let round = 1; session.isUp && this.#hasWork(); round += 1) {
        await this.#list(session.client);
        for (const key of this.#dirty) touched.add(key);
        await this.#read(session.client, round > quickRounds ? touched : this.#dirty);
        this.#show();
        this.#progress.end();
      }
    } catch (error) {
      // With a connection it begins again.
      if (isInterruption(error)) return interruptedMs;
      const refusal = translateError(error, url);
      log?.error(refusal.message, { hint: refusal.hint });
      this.#distrust();
      this.#progress.end(refusal);
      return refusedMs;
    }
    return 0;
  }

  #hasWork(): boolean {
    return this.#dirty.size > 0 || [...this.#shelves.values()].some(({ listed }) => !listed);
  }

  /** Watches first, then looks: what changes in between is told. */
  async #list(client: ZooKeeper): Promise<void> {
    const shelves = [...this.#shelves.values()].filter(({ listed }) => !listed);
    await Promise.all(
      shelves.map(async (shelf) => {
        const watching =
          shelf.watch ?? client.addWatch(pathOfKey(shelf.name), "recursive", (event) => this.#onEvent(event));
        const listing = shelf.name.includes("/") ? [] : childrenOf(client, shelf.name);
        const [watch, children] = await Promise.all([watching, listing]);
        if (this.#shelves.get(shelf.name) !== shelf) return void watch.remove();
        // The connection may have ended in the same moment as the answer came.
        if (!this.#options.session.isUp || client.state !== "connected") return;
        shelf.watch = watch;
        const there = new Set([shelf.name, ...children]);
        for (const key of this.#picture.keysOf(shelf.name)) if (!there.has(key)) this.#picture.put(key, undefined);
        for (const key of there) this.#dirty.add(key);
        shelf.listed = true;
      }),
    );
  }

  async #read(client: ZooKeeper, keys: ReadonlySet<string>): Promise<void> {
    const { versions, url } = this.#options;
    this.#reading = new Set(keys);
    try {
      const { found, position } = await readDocuments(client, this.#reading, {
        versions,
        known: (key) => this.#picture.get(key),
        // What changed until here is in the answer; what is told from now on is not.
        onAnswer: (key) => this.#dirty.delete(key),
      });
      if (position === undefined) throw replacedStore(url, "has been removed");
      for (const [key, document] of found) this.#take(key, document);
      this.#see(position);
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

  /** Listens and looks anew, as if nothing had been told since. */
  #relist(name: string): void {
    const shelf = this.#shelves.get(name);
    void shelf?.watch?.remove();
    if (shelf) Object.assign(shelf, { watch: undefined, listed: false });
    this.#run();
  }

  #see(position: Position): void {
    this.#options.see(position);
    this.#picture.position = Math.max(this.#picture.position, position);
  }

  #show(): void {
    this.#picture.show((selection) => this.#isQuiet(selection));
  }

  #isQuiet(selection: Selection): boolean {
    if (!this.#options.session.isUp) return false;
    for (const name of shelfNames(selection)) if (!this.#shelves.get(name)?.listed) return false;
    for (const keys of [this.#dirty, this.#reading]) {
      for (const key of keys) if (selects(selection, key)) return false;
    }
    return true;
  }

  /** Nobody knows what was missed: until everything is listed again no view is fresh. */
  #distrust(): void {
    for (const shelf of this.#shelves.values()) shelf.listed = false;
    for (const view of this.#picture.views) view.markStale();
    this.#progress.end();
  }
}

function shelfNames({ collections, keys }: Selection): string[] {
  return [...new Set([...collections, ...keys])];
}
