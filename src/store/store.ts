// The store contract: where everything meets. Small JSON documents with versions, commits that are all or nothing,
// views that stay fresh, presence and leadership that end with their process. The store holds no rules about what it keeps.
// Reads and writes nothing itself: `embedded.ts` and `zookeeper.ts` are the adapters, `view.ts` what they share. One contract suite holds them to this.
import type { Collection, Collections, Key } from "../model/keys.ts";

/** A document as read: `version` is what a later change of it must name. Values are frozen; never change one in place. */
export interface Versioned<T> {
  readonly key: Key<T>;
  readonly value: T;
  readonly version: number;
}

/** Write a document. `version` is the one it was decided on; "absent" creates it. */
export interface Put<T = unknown> {
  readonly do: "put";
  readonly key: Key<T>;
  readonly value: T;
  readonly version: number | "absent";
}

/** Remove a document that still has this version. */
export interface Remove {
  readonly do: "remove";
  readonly key: Key<unknown>;
  readonly version: number;
}

export type Change = Put | Remove;

/** An existing document that must still have this version. */
export interface Check {
  readonly key: Key<unknown>;
  readonly version: number;
}

export interface Commit {
  readonly changes: readonly Change[];
  readonly checks?: readonly Check[];
  /** Of the leader that writes: refused as a conflict when another one has been elected since. */
  readonly epoch?: number;
}

/** The moment of a commit: rises with every commit of one store. It falls only where an older state, or another store, was put in its place: views show that. */
export type Position = number;

/** What a view follows: whole collections and single documents. */
export type Selector = Collection | Key<unknown>;

/** Everything selected, at one position. Immutable: a later change makes a new snapshot. */
export interface Snapshot {
  readonly position: Position;
  /** False: the store could not be asked since something may have changed. Nothing is stopped, deleted or moved on such a view's word. */
  readonly fresh: boolean;
  /** Asking for a key outside the selectors throws: the answer would be a guess. */
  get<T>(key: Key<T>): Versioned<T> | undefined;
  /** Sorted by key. */
  list<C extends Collection>(collection: C): readonly Versioned<Collections[C]>[];
  /** What is there and cannot be understood, by key: neither `get` nor `list` shows it, and nothing may be concluded from that. */
  readonly damaged: ReadonlyMap<string, Damage>;
}

export interface Damage {
  /** Names it in a change that puts a good document in its place. */
  readonly version: number;
  readonly why: string;
}

export interface View {
  snapshot(): Snapshot;
  /** `wake` carries no data: look again. It is called after any selected document or `fresh` changed. Returns the unsubscription. */
  onChange(wake: () => void): () => void;
  close(): void;
}

export interface JoinOptions<T> {
  /**
   * Asked about a holder of whom the store cannot tell yet whether it lives, because its process ended without a word. True: it is
   * our own predecessor, and its place is taken at once. False, or absent: it is a stranger until the store knows that it is gone.
   */
  readonly replaces?: (holder: T) => boolean;
}

/** Exists while this process is alive and connected; `lost` fires at the latest when others may see it gone. */
export interface Presence {
  readonly lost: AbortSignal;
  leave(): Promise<void>;
}

export interface Leadership {
  /** Raised by each leader of `epochElection`; name it in every commit. Of other elections 0, which no commit may name. */
  readonly epoch: number;
  /** Fires when leadership may be gone: stop acting at once. */
  readonly signal: AbortSignal;
  resign(): Promise<void>;
}

/**
 * Every method throws OrchestraError: `unavailable` when the store cannot be reached, is full or read-only (the hint says which and what to do),
 * or holds another cluster than it did, `invalid` when it is no store of ours or of a newer layout. "Database is locked" and its like never surface: they are waited out.
 */
export interface Store {
  /** For people: `file:/var/lib/orchestra/store.db`. Never holds a secret. */
  readonly url: string;
  /** Bytes of JSON that one commit may carry in all. A single document: `documentBytesLimit`. */
  readonly commitBytesLimit: number;
  /** Throws `invalid` for a damaged document. */
  read<T>(key: Key<T>): Promise<Versioned<T> | undefined>;
  /** Everything in these collections, at one position. */
  list(selectors: readonly Selector[]): Promise<Snapshot>;
  /** Resolves when the first snapshot is there. */
  view(selectors: readonly Selector[]): Promise<View>;
  /**
   * All or nothing. What was begun before another store, or an older state, took the place of this one is `unavailable`. Throws `conflict` when a version, check or epoch no longer holds (`details.key` names the first such document),
   * `invalid` when it is too large, decided before anything is written. Returns the position of the commit.
   */
  commit(commit: Commit): Promise<Position>;
  /** Throws `conflict` when another living process holds the key; says who. The same process may join again after `leave`. */
  join<T>(key: Key<T>, value: T, options?: JoinOptions<T>): Promise<Presence>;
  /** Waits until elected; `stop` gives up waiting (the promise then rejects with the signal's reason). */
  elect(name: string, stop: AbortSignal): Promise<Leadership>;
  /** Whether anybody leads there now, wherever that may be. One that was killed, or whose machine is gone, does until the store knows that. */
  isLed(name: string): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * The one election whose leaders are told from each other by an epoch. Others only choose who acts: whoever leads there and must be kept
 * from writing late checks the version of a document that the next leader writes first.
 */
export const epochElection = "master";

/**
 * A document larger than this is refused by every store, so that a cluster can move between them:
 * ZooKeeper refuses a request over 1 MiB (`jute.maxbuffer`), and some of that is its own framing.
 */
export const documentBytesLimit = 900 * 1024;

/** Shorthands: a commit reads as what it does. */
export const put = <T>(key: Key<T>, value: T, version: number | "absent"): Put => ({ do: "put", key, value, version });
/** Writes a document whatever is there, if it still is: for those that nobody else writes. */
export const overwrite = <T>(snapshot: Pick<Snapshot, "get" | "damaged">, key: Key<T>, value: T): Put =>
  put(key, value, snapshot.get(key)?.version ?? snapshot.damaged.get(key)?.version ?? "absent");
export const remove = (key: Key<unknown>, version: number): Remove => ({ do: "remove", key, version });
