// The embedded store: one SQLite file that many processes of one machine share; no server. Reads and writes that file, its `-wal` and
// `-shm`, and the folder `<file>-live` with locks. Every step is one short transaction that never waits; waiting is done outside, asynchronously.
import { realpathSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "../kernel-lock.ts";
import { OrchestraError } from "../model/errors.ts";
import type { Key } from "../model/keys.ts";
import { makeFolder, openDatabase, transaction } from "./embedded-database.ts";
import { type DocumentTable, openDocumentTable } from "./embedded-documents.ts";
import { stillBusy, translateError } from "./embedded-errors.ts";
import { type Holdings, openHoldings } from "./embedded-holdings.ts";
import { isAlive, openProber, type Prober } from "./embedded-locks.ts";
import { touch, watchTouches } from "./embedded-watch.ts";
import { checkKey, encodeCommit } from "./encode.ts";
import { makeSnapshot, selectionOf, soundDocument } from "./snapshot.ts";
import type { Commit, Leadership, Position, Presence, Selector, Snapshot, Store, Versioned, View } from "./store.ts";
import { type FedView, openView } from "./view.ts";

/** One transaction of this size takes about a second; more is refused rather than letting everyone wait. */
const commitBytesLimit = 64 * 1024 * 1024;
/** Others commit in milliseconds: who waits longer than this waits for a process that hangs. */
const busyLimitSeconds = 15;
/** The longest pause between two attempts, about one commit on a slow disk. */
const busyPauseMs = 16;
/** How soon a view over presence notices that another process has died. */
const probeMs = 100;

/** Opens the store in the file `path`; with `create` makes it, and its folder, if it is not there. */
export async function openEmbedded(path: string, { create }: { readonly create: boolean }): Promise<Store> {
  return attempt(path, () => {
    const database = openDatabase(path, create);
    try {
      return new EmbeddedStore(path, database);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Runs one step, again and again while another process holds the lock it needs. Throws OrchestraErrors only. */
async function attempt<T>(path: string, step: () => T): Promise<T> {
  const end = performance.now() + busyLimitSeconds * 1000;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, busyPauseMs)) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error)) throw translateError(error, path);
      if (performance.now() > end) throw stillBusy(path, busyLimitSeconds);
    }
    // Random, so that processes that met once do not meet again in step.
    await delay(0.5 + Math.random() * pauseMs);
  }
}

class EmbeddedStore implements Store {
  readonly url: string;
  readonly commitBytesLimit = commitBytesLimit;
  readonly #path: string;
  readonly #live: string;
  readonly #database: DatabaseSync;
  readonly #documents: DocumentTable;
  readonly #prober: Prober;
  readonly #holdings: Holdings;
  readonly #identity: string | undefined;
  readonly #views = new Set<FedView>();
  /** Where all views are. */
  #position: Position = 0;
  /** Holders of the presence documents that views show: looked after while there are any. */
  #shown = new Map<string, string>();
  /** False: views must be brought up to date even if the position is the same. */
  #settled = false;
  #unwatch = () => {};
  #probing: NodeJS.Timeout | undefined;
  #lookAgain: NodeJS.Timeout | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(path: string, database: DatabaseSync) {
    // Two names of one file must lead to one set of locks.
    const live = `${realpathSync(path)}-live`;
    makeFolder(live);
    this.url = `file:${path}`;
    this.#path = path;
    this.#live = live;
    this.#database = database;
    this.#identity = identityOf(path);
    this.#prober = openProber(live);
    this.#documents = openDocumentTable(database, (holder) => this.#isHeld(holder));
    this.#holdings = openHoldings({
      live,
      documents: this.#documents,
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
    if (changes.length > 0) {
      return this.#write(() => {
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
    this.#database.close();
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
      const result = transaction(this.#database, mode, step);
      // What was just written into a deleted file is written nowhere: it must not be acknowledged.
      if (mode === "IMMEDIATE") this.#checkFile();
      return result;
    });
  }

  /** A step needs the file that was opened: SQLite itself would go on with a deleted one. */
  #checkFile(): void {
    if (this.#closed) throw new OrchestraError("unavailable", `the store ${this.#path} has been closed`);
    const identity = identityOf(this.#path);
    if (identity === this.#identity) return;
    this.#holdings.loseAll();
    const what = identity === undefined ? "deleted" : "replaced by another file";
    throw new OrchestraError("unavailable", `the store ${this.#path} has been ${what} under this process`, {
      hint: "put the file back, or restart orchestra to go on with what is there now",
    });
  }

  /** Brings every view up to date, or marks them stale. Never throws: it is tried again with the next touch or look. */
  #look(): void {
    if (this.#closed) return;
    try {
      this.#checkFile();
      this.#holdings.checkLocks();
      if (this.#views.size > 0 && !this.#isSettled()) {
        transaction(this.#database, "DEFERRED", () => this.#bringUpToDate());
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
    const selections = [...this.#views].map(({ selection }) => selection);
    const changes = this.#documents.changesSince(this.#position, selections);
    for (const view of this.#views) view.apply(changes);
    this.#position = changes.position;
    this.#shown = changes.left.has("presence") ? this.#documents.holders() : new Map();
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

/** Which file lies at `path`: device and inode. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
