// A folder of manifests as a source: watched, and read until it is the same twice. Reads the folder; writes nothing.
// Contents are read only where size, file number or a time differ from the last look.
import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { openTreeReader, readManifestFile, type Tree, type TreeFile } from "../manifest/manifest.ts";
import { listFolder } from "./directory-listing.ts";
import { type Folder, folderAt } from "./directory-place.ts";
import type { Reach } from "./directory-reach.ts";
import { type FolderWatch, watchFolder } from "./directory-watch.ts";
import { gitWorkIn } from "./git-lock.ts";
import { Mounts } from "./mounts.ts";
import type { Look, Source } from "./source.ts";
import { isRacy, type Listing, type Seen, sameListing, stampOf } from "./stamps.ts";

export interface DirectoryOptions {
  /** Absolute. */
  readonly path: string;
  readonly wake: () => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the folder answers: asked before each look, which would stand still with it. */
  readonly reach: Reach;
  /** Where is kept what was mounted there. */
  readonly mountsFile: string;
  /** How it is watched: `watchFolder`, unless a test has another way to fail. */
  readonly watch?: typeof watchFolder;
}

/** Two looks that are so far apart and equal: nobody is writing just now. */
const settleMs = 30;
/** Who copies or removes a folder file by file, or takes a git command's next step, is done when nothing has changed for so long. */
const wholeAfterMs = 5_000;
/** A tree that is written all the time is told as busy after so many looks; the next pass goes on. */
const looksLimit = 8;
/** Who waits for a folder to come back, or for a git command to end, looks so often. */
const awayLookMs = 1_000;
const busyLookMs = 100;
/** After a listing it rests so many times as long as that took, if nothing but events of the folder wakes it. */
const restShare = 4;
/** Without watches it is looked at so often; a folder that takes long to list less often. */
const pollMs = 1_000;
const pollShare = 50;

export function openDirectory(options: DirectoryOptions): Source {
  return new Directory(options);
}

class Directory implements Source {
  readonly #options: DirectoryOptions;
  readonly #reader = openTreeReader();
  /** The path may mean another folder later. */
  #watching: { readonly place: string; readonly watch: FolderWatch } | undefined;
  readonly #mounts: Mounts;
  #cancelPoll = () => {};
  #polls = false;
  /** The listing that `tree` was read from. */
  #last:
    | { readonly listing: Listing; readonly tree: Tree; readonly isRacy: boolean; readonly since: number }
    | undefined;
  #listingMs = 0;
  #listedAt = 0;
  #isWaking = false;
  #cancelWake = () => {};
  #isClosed = false;

  constructor(options: DirectoryOptions) {
    const { mountsFile: path, clock, log } = options;
    this.#options = options;
    this.#mounts = new Mounts({ path, clock, log });
  }

  async look(signal: AbortSignal, asked?: string): Promise<Look> {
    const { path, reach } = this.#options;
    const since = await reach.silentSince(signal);
    if (since !== undefined) return { state: "away", reason: silent(path, since), againInMs: awayLookMs };
    await this.#mounts.hear(asked);
    const folder = folderAt(path);
    if (typeof folder === "string") {
      await this.#unwatch();
      return { state: "away", reason: folder, againInMs: awayLookMs };
    }
    const lost = this.#mounts.lost(folder.real);
    // Watches end with the file system that they are on.
    if (this.#watching?.place !== folder.place || lost !== undefined) await this.#unwatch();
    if (lost !== undefined) return unmounted(lost);
    this.#follow(folder);
    const work = gitWorkIn(path);
    if (work) return gitBusy(work);
    const look = await this.#settled(signal);
    // One that began meanwhile may stand still for longer than a look takes.
    const later = gitWorkIn(path);
    if (later) return gitBusy(later);
    // What was found in a folder that went meanwhile says nothing: it is looked at again, and its watch with it.
    const now = folderAt(path);
    const isSame =
      typeof now !== "string" && now.place === folder.place && this.#mounts.lost(folder.real) === undefined;
    if (isSame) {
      if (this.#last) await this.#mounts.note(folder, this.#last.listing);
      return look;
    }
    return { state: "busy", reason: `${path} has just gone or come`, againInMs: busyLookMs };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelPoll();
    this.#cancelWake();
    await this.#unwatch();
    await this.#mounts.close();
  }

  /** Reads until two listings are equal with nothing written in between. */
  async #settled(signal: AbortSignal): Promise<Look> {
    let listing = await this.#list(signal);
    if (this.#last && !this.#last.isRacy && sameListing(this.#last.listing, listing)) {
      return this.#read(this.#last);
    }
    for (let looks = 1; looks <= looksLimit; looks += 1) {
      const until = performance.now() + settleMs;
      const { at } = listing;
      const tree = await this.#reader.read(
        listing.files.map((seen) => treeFile(seen, at)),
        listing,
      );
      await pause(Math.max(0, until - performance.now()), undefined, { signal });
      const next = await this.#list(signal);
      if (sameListing(listing, next)) {
        const isSame = this.#last !== undefined && sameListing(this.#last.listing, listing);
        const since = isSame && this.#last ? this.#last.since : this.#options.clock.now();
        this.#last = { listing, tree, isRacy: listing.files.some((seen) => isRacy(seen, at)), since };
        return this.#read(this.#last);
      }
      listing = next;
    }
    return { state: "busy", reason: "its files change faster than they can be read", againInMs: busyLookMs };
  }

  #read({ tree, since }: { readonly tree: Tree; readonly since: number }): Look {
    const unsettledMs = since + wholeAfterMs - this.#options.clock.now();
    return { state: "read", tree, ...(unsettledMs > 0 ? { unsettledMs } : {}) };
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    const begun = performance.now();
    const listing = await listFolder(this.#options.path, signal);
    this.#listingMs = performance.now() - begun;
    this.#listedAt = this.#options.clock.now();
    return listing;
  }

  #follow({ place, real, links }: Folder): void {
    if (this.#watching || this.#polls || this.#isClosed) return;
    const { watch = watchFolder } = this.#options;
    const failed = (error: Error) => this.#poll(error);
    this.#watching = { place, watch: watch({ folder: real, links, wake: () => this.#wake(), failed }) };
  }

  /** Looking again takes its time in a large folder: events that keep coming are answered now and then. */
  #wake(): void {
    if (this.#isWaking || this.#isClosed) return;
    const { clock, wake } = this.#options;
    const leftMs = this.#listedAt + this.#listingMs * restShare - clock.now();
    const after = () => {
      this.#isWaking = false;
      wake();
    };
    this.#isWaking = leftMs > 0;
    if (leftMs > 0) this.#cancelWake = clock.after(leftMs, after);
    else after();
  }

  async #unwatch(): Promise<void> {
    const before = this.#watching;
    this.#watching = undefined;
    await before?.watch.close();
  }

  /** There is no need to be told of changes: each is found by looking. */
  #poll(error: Error): void {
    if (this.#polls || this.#isClosed) return;
    this.#polls = true;
    const { log, path } = this.#options;
    log.warn("the folder cannot be watched and is looked at every second instead", { path, error: error.message });
    void this.#unwatch();
    this.#pollLater();
  }

  #pollLater(): void {
    const { clock, wake } = this.#options;
    this.#cancelPoll = clock.after(Math.max(pollMs, this.#listingMs * pollShare), () => {
      wake();
      this.#pollLater();
    });
  }
}

function unmounted(point: string): Look {
  const remedy = "mount it again; if it is to stay like this: orchestra sync trigger";
  return { state: "away", reason: `${point} is no longer mounted; ${remedy}`, againInMs: awayLookMs };
}

function silent(path: string, since: string): string {
  const cure = "when it answers this goes on by itself, and umount -l gives it up";
  return `${path} has not answered since ${since}, as a network mount does whose server is gone; ${cure}`;
}

function gitBusy({ path, remedy }: NonNullable<ReturnType<typeof gitWorkIn>>): Look {
  return { state: "busy", reason: `a git command is at work there (${path} exists); ${remedy}`, againInMs: busyLookMs };
}

function treeFile(file: Seen, at: number): TreeFile {
  return { name: file.name, stamp: stampOf(file, at), read: () => readManifestFile(file.name, file.path) };
}
