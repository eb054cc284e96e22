// What views and listings follow of the store: whole collections and single documents, each for as long as anybody looks at it. Asks nobody anything.
import { collectionOf } from "../model/keys.ts";
import type { Watch } from "../zookeeper/zookeeper.ts";
import type { Selection } from "./snapshot.ts";

/** What is followed because somebody looks at it. */
export interface Shelf {
  /** A collection, or the key of one document. */
  readonly name: string;
  users: number;
  watch: Watch | undefined;
  /** Everything on it has been read, or is known to have to be. */
  listed: boolean;
}

export class Shelves {
  readonly #all = new Map<string, Shelf>();

  names(): string[] {
    return [...this.#all.keys()];
  }

  /** One more looks at what is selected. */
  use(selection: Selection): void {
    for (const name of namesOf(selection)) {
      const shelf = this.#all.get(name);
      if (shelf) shelf.users += 1;
      else this.#all.set(name, { name, users: 1, watch: undefined, listed: false });
    }
  }

  /** One less. Returns the names that nobody looks at any more. */
  release(selection: Selection): string[] {
    return namesOf(selection).filter((name) => {
      const shelf = this.#all.get(name);
      if (!shelf) return false;
      shelf.users -= 1;
      if (shelf.users > 0) return false;
      this.#all.delete(name);
      void shelf.watch?.remove();
      return true;
    });
  }

  /** Whether anybody looks at it. */
  covers(key: string): boolean {
    return this.#all.has(key) || this.#all.has(collectionOf(key));
  }

  /** Whether it still is what is followed under its name. */
  has(shelf: Shelf): boolean {
    return this.#all.get(shelf.name) === shelf;
  }

  /** Keeps the watch, or ends it where it is not for this shelf any more, or another was quicker. `isValid`: what made it still holds. */
  watched(shelf: Shelf, watch: Watch, isValid: boolean): void {
    if (isValid && this.has(shelf) && !shelf.watch) shelf.watch = watch;
    else void watch.remove();
  }

  unlisted(): Shelf[] {
    return [...this.#all.values()].filter(({ listed }) => !listed);
  }

  isListed(selection: Selection): boolean {
    return namesOf(selection).every((name) => this.#all.get(name)?.listed);
  }

  /** Listens and looks at it anew, as if nothing had been told since. */
  renew(name: string): void {
    const shelf = this.#all.get(name);
    void shelf?.watch?.remove();
    if (shelf) Object.assign(shelf, { watch: undefined, listed: false });
  }

  /** Nobody knows what was missed. */
  distrust(): void {
    for (const shelf of this.#all.values()) shelf.listed = false;
  }

  /** Their session has ended. */
  forgetWatches(): void {
    for (const shelf of this.#all.values()) shelf.watch = undefined;
  }
}

function namesOf({ collections, keys }: Selection): string[] {
  return [...new Set([...collections, ...keys])];
}
