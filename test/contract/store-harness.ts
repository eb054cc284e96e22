// What a store's adapter brings to the contract suite: a store of its own, and ways to do to it what only the outside can do.
import { isOrchestraError } from "../../src/model/errors.ts";
import type { Store } from "../../src/store/store.ts";

/** One new, empty store. */
export interface StoreUnderTest {
  /** Another client of the same store; the suite closes it. */
  open(): Promise<Store>;
  /** Cuts clients from the store; the result mends it. With reach "one" the other clients go on. */
  readonly cut: { readonly reach: "one" | "all"; run(store: Store): Promise<() => Promise<void>> } | NotOffered;
  /** Ends a presence behind its holder's back, as an expired session does. */
  readonly endPresence: ((key: string) => Promise<void>) | NotOffered;
  /** Ends a leadership behind its leader's back. */
  readonly depose: ((name: string) => Promise<void>) | NotOffered;
  /** Puts an older state of the store in its place: the result of this call is to be called later and goes back to now. */
  readonly remember: (() => Promise<() => Promise<void>>) | NotOffered;
  /** Removes it; every client is closed by then. */
  destroy(): Promise<void>;
}

/** A hook that an adapter cannot offer, with the reason: the suite reports it as skipped. */
export interface NotOffered {
  readonly notOffered: string;
}

export interface StoreAdapter {
  readonly name: string;
  create(): Promise<StoreUnderTest>;
}

/** A test of the suite: gets a new store, and a way to open clients that are closed whatever happens. */
export type StoreLaw = (store: StoreUnderTest, open: () => Promise<Store>) => Promise<void>;

export function isOffered<T extends object>(hook: T | NotOffered): hook is T {
  return !("notOffered" in hook);
}

/** For `assert.rejects`: a conflict that names `key` as the first document that is not as it was. */
export function conflictAt(key: string): (error: unknown) => boolean {
  return (error) => isOrchestraError(error, "conflict") && error.details?.["key"] === key;
}
