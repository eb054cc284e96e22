// The embedded store: one SQLite file that many processes of one machine share; no server. Reads and writes that file, its `-wal` and
// `-shm`, and the folder `<file>-live` with locks. Every step is one short transaction that never waits; waiting is done outside, asynchronously.
import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { isBusy } from "../kernel-lock.ts";
import type { ClusterDocument } from "../model/cluster.ts";
import { OrchestraError } from "../model/errors.ts";
import { clusterKey, type Key } from "../model/keys.ts";
import { attempt, busyPauseMs } from "./embedded-attempt.ts";
import { makeFolder, openDatabase, transaction } from "./embedded-database.ts";
import type { DocumentTable } from "./embedded-documents.ts";
import { decidedElsewhere } from "./embedded-errors.ts";
import { openStoreFile, type StoreFile } from "./embedded-file.ts";
import { type Holdings, openHoldings } from "./embedded-holdings.ts";
import { isAlive, openProber, type Prober } from "./embedded-locks.ts";
import { discardFormerLog, liveFolder } from "./embedded-log.ts";
import { touch, watchTouches } from "./embedded-watch.ts";
import { checkKey, encodeCommit } from "./encode.ts";
import { makeSnapshot, selectionOf, soundDocument } from "./snapshot.ts";
import type { Commit, Leadership, Position, Presence, Selector, Snapshot, Store, Versioned, View } from "./store.ts";
import { type FedView, openView } from "./view.ts";

/** One transaction of this size takes about a second; more is refused rather than letting everyone wait. */
const commitBytesLimit = 64 * 1024 * 1024;
/** How soon a view over presence notices that another process has died. */
const probeMs = 100;

export interface EmbeddedOptions {
  readonly create: boolean;
  /** Throws for a cluster that this program must not touch. Asked when another file is in the store's place, or the document changes. */
  readonly check?: (cluster: ClusterDocument) => void;
}

/** Opens the store in the file `path`; with `create` makes it, and its folder, if it is not there. */
export async function openEmbedded(path: string, { create, check = () => {} }: EmbeddedOptions): Promise<Store> {
  return attempt(path, () => {
    if (existsSync(path)) discardFormerLog(path);
    const database = openDatabase(path, create);
    try {
      return new EmbeddedStore(path, database, check);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

class EmbeddedStore implements Store {
  readonly url: string;
  readonly commitBytesLimit = commitBytesLimit;
  readonly #path: string;
  readonly #live: string;
  readonly #file: StoreFile;
  readonly #check: (cluster: ClusterDocument) => void;
  readonly #prober: Prober;
  readonly #holdings: Holdings;
  readonly #views = new Set<FedView>();
  /** Where all views are. */
  #position: Position = 0;
  /** Holders of the presence documents that views show: looked after while there are any. */
  #shown = new Map<string, string>();
  /** False: views must be brought up to date even if the position is the same. */
  #settled = false;
  /** Rises when another file takes the place of the store's: versions of one say nothing in another. */
  #generation = 1;
  /** Views show another file's documents. */
  #outdated = false;
  /** The cluster in the file must not be touched, or has not been looked at yet. */
  #foreign = false;
  #unwatch = () => {};
  #probing: NodeJS.Timeout | undefined;
  #lookAgain: NodeJS.Timeout | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(path: string, database: DatabaseSync, check: (cluster: ClusterDocument) => void) {
    const live = liveFolder(path);
    makeFolder(live);
    this.url = `file:${path}`;
    this.#path = path;
    this.#live = live;
    this.#check = check;
    this.#prober = openProber(live);
    this.#file = openStoreFile(path, database, (holder) => this.#isHeld(holder));
    this.#holdings = openHoldings({
      live,
      documents: () => this.#documents,
      isHeld: (holder) => this.#isHeld(holder),
      read: (step) => this.#step("DEFERRED", step),
      write: (step) => this.#write(step),
      look: () => this.#look(),
    });
  }

  async read<T>(key: Key<T>): Promise<Versioned<T> | undefined> {
    checkKey(key);
    const found = await this.#step("DEFERRED", () => this.#documents.read(key));
    return soundDocument(found, this.url) as Versioned<T> | undefined;
  }

  async list(selectors: readonly Selector[]): Promise<Snapshot> {
    const selection = selectionOf(selectors);
    return this.#step("DEFERRED", () =>
      makeSnapshot(selection, this.#documents.readAll(selection), this.#documents.position(), true),
    );
  }

  async view(selectors: readonly Selector[]): Promise<View> {
    const selection = selectionOf(selectors);
    const first = await this.#step("DEFERRED", () => {
      // All views stand at one position, so that a change is read once for all of them.
      this.#bringUpToDate();
      return { documents: this.#documents.readAll(selection), position: this.#documents.position() };
    });
    const view = openView(selection, first.documents, first.position, (closed) => this.#dropView(closed));
    this.#position = first.position;
    if (this.#views.size === 0) this.#unwatch = watchTouches(this.#live, () => this.#look());
    this.#views.add(view);
    this.#settled = false;
    this.#look();
    return view;
  }

  async commit(commit: Commit): Promise<Position> {
    const changes = encodeCommit(commit, this.commitBytesLimit);
    const checks = commit.checks ?? [];
    const generation = this.#generation;
    if (changes.length > 0) {
      return this.#write(() => {
        if (generation !== this.#generation) throw decidedElsewhere(this.url);
        this.#documents.check(checks, commit.epoch);
        return this.#documents.write(changes);
      });
    }
    return this.#step("DEFERRED", () => {
      this.#documents.check(checks, commit.epoch);
      return this.#documents.position();
    });
  }

  join<T>(key: Key<T>, value: T): Promise<Presence> {
    return this.#holdings.join(key, value);
  }

  elect(name: string, stop: AbortSignal): Promise<Leadership> {
    return this.#holdings.elect(name, stop);
  }

  isLed(name: string): Promise<boolean> {
    return this.#holdings.isLed(name);
  }

  /** Who closes what is being closed waits with the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#holdings.close();
    this.#closed = true;
    for (const view of [...this.#views]) view.close();
    this.#prober.close();
    this.#file.close();
  }

  get #documents(): DocumentTable {
    return this.#file.now.documents;
  }

  /** A step that writes: when it is on disk, other processes and our own views are told. */
  async #write<T>(step: () => T): Promise<T> {
    const result = await this.#step("IMMEDIATE", step);
    touch(this.#live);
    this.#look();
    return result;
  }

  #step<T>(mode: "DEFERRED" | "IMMEDIATE", step: () => T): Promise<T> {
    return attempt(this.#path, () => {
      this.#checkFile();
      const { database } = this.#file.now;
      const result = transaction(database, mode, step);
      // What was just written into a deleted file is written nowhere: it must not be acknowledged.
      if (mode === "IMMEDIATE") this.#checkFile();
      if (database !== this.#file.now.database) throw decidedElsewhere(this.url);
      return result;
    });
  }

  /** A step needs the file at the path: SQLite itself would go on with one that was deleted or replaced. */
  #checkFile(): void {
    if (this.#closed) throw new OrchestraError("unavailable", `the store ${this.#path} has been closed`);
    try {
      if (!this.#file.isSame()) this.#begin();
      if (this.#foreign) this.#checkCluster();
    } catch (error) {
      this.#holdings.loseAll();
      throw error;
    }
  }

  /** With another file in its place: what is held, and what views show, is of the one before. */
  #begin(): void {
    this.#generation += 1;
    this.#outdated = true;
    this.#settled = false;
    this.#foreign = true;
    this.#holdings.loseAll();
  }

  #checkCluster(): void {
    this.#foreign = true;
    const cluster = this.#documents.read(clusterKey);
    if (cluster && cluster.damaged === undefined) this.#check(cluster.value as ClusterDocument);
    this.#foreign = false;
  }

  /** Brings every view up to date, or marks them stale. Never throws: it is tried again with the next touch or look. */
  #look(): void {
    if (this.#closed) return;
    try {
      this.#checkFile();
      this.#holdings.checkLocks();
      if (this.#views.size > 0 && !this.#isSettled()) {
        transaction(this.#file.now.database, "DEFERRED", () => this.#bringUpToDate());
      }
    } catch (error) {
      this.#settled = false;
      // Hardly ever, while the last process closes or the first recovers; a touch is not repeated, so look again soon.
      if (isBusy(error)) this.#lookAgain ??= setTimeout(() => this.#lookOnceMore(), busyPauseMs);
      else for (const view of this.#views) view.markStale();
    }
    this.#keepProbing();
  }

  #lookOnceMore(): void {
    this.#lookAgain = undefined;
    this.#look();
  }

  /** Whether nothing can have changed: what an idle look costs. */
  #isSettled(): boolean {
    if (!this.#settled || this.#documents.position() !== this.#position) return false;
    for (const holder of this.#shown.values()) if (!this.#isHeld(holder)) return false;
    return true;
  }

  #bringUpToDate(): void {
    if (this.#outdated) {
      const position = this.#documents.position();
      for (const view of this.#views) view.replace(this.#documents.readAll(view.selection), position);
      this.#position = position;
      this.#shown = this.#documents.holders();
      this.#outdated = false;
    } else {
      const selections = [...this.#views].map(({ selection }) => selection);
      const changes = this.#documents.changesSince(this.#position, selections);
      if (changes.written.some(({ key }) => key === clusterKey)) this.#checkCluster();
      for (const view of this.#views) view.apply(changes);
      this.#position = changes.position;
      this.#shown = changes.left.has("presence") ? this.#documents.holders() : new Map();
    }
    this.#settled = true;
  }

  /** Other processes die without a commit: while views show any of them, somebody must ask. */
  #keepProbing(): void {
    clearTimeout(this.#probing);
    this.#probing = undefined;
    const others = [...this.#shown.values()].filter((holder) => !this.#holdings.has(holder));
    if (this.#closed || this.#views.size === 0 || others.length === 0) return;
    const probe = () => {
      if (others.every(isAlive)) this.#probing = setTimeout(probe, probeMs);
      else this.#look();
    };
    this.#probing = setTimeout(probe, probeMs);
  }

  #isHeld(holder: string): boolean {
    return this.#holdings.has(holder) || this.#prober.isHeld(holder);
  }

  #dropView(view: FedView): void {
    this.#views.delete(view);
    if (this.#views.size > 0) return;
    this.#unwatch();
    clearTimeout(this.#probing);
    clearTimeout(this.#lookAgain);
    this.#lookAgain = undefined;
  }
}
