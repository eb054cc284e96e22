// What is known of the documents that views show, and the views that are fed from it. Asks nobody anything.
import { collectionOf } from "../model/keys.ts";
import { type Changes, type Document, type Selection, selects, sortDocuments } from "./snapshot.ts";
import type { Position } from "./store.ts";
import type { FedView } from "./view.ts";

export class Picture {
  #position: Position = 0;
  readonly #documents = new Map<string, Document>();
  /** With the keys of what is not in the view yet as it is now. */
  readonly #views = new Map<FedView, Set<string>>();
  /** Those that show something of another store, and are to be filled anew. */
  readonly #outdated = new Set<FedView>();

  get position(): Position {
    return this.#position;
  }

  /** Of one store it only rises: what is shown is never older than what was. */
  see(position: Position): void {
    this.#position = Math.max(this.#position, position);
  }

  /** Forgets all: the store is another one. What views show stays until all that they select has been read there. */
  begin(): void {
    this.#position = 0;
    this.#documents.clear();
    for (const [view, pending] of this.#views) {
      this.#outdated.add(view);
      pending.clear();
    }
  }

  get views(): readonly FedView[] {
    return [...this.#views.keys()];
  }

  get(key: string): Document | undefined {
    return this.#documents.get(key);
  }

  /** Sorted by key. */
  select(selection: Selection): Document[] {
    return sortDocuments([...this.#documents.values()].filter(({ key }) => selects(selection, key)));
  }

  keysOf(collection: string): string[] {
    return [...this.#documents.keys()].filter((key) => collectionOf(key) === collection);
  }

  /** Undefined: there is none. */
  put(key: string, document: Document | undefined): void {
    if (this.#documents.get(key) === document) return;
    if (document) this.#documents.set(key, document);
    else this.#documents.delete(key);
    for (const [{ selection }, pending] of this.#views) if (selects(selection, key)) pending.add(key);
  }

  /** Nobody looks at it any more. */
  forget(isWanted: (key: string) => boolean): void {
    for (const key of this.#documents.keys()) if (!isWanted(key)) this.#documents.delete(key);
  }

  /** The view must stand at what the picture is now. */
  feed(view: FedView): void {
    this.#views.set(view, new Set());
  }

  /** False when it was dropped before. */
  drop(view: FedView): boolean {
    this.#outdated.delete(view);
    return this.#views.delete(view);
  }

  has(view: FedView): boolean {
    return this.#views.has(view);
  }

  /** Gives each view that nothing is missing in what changed since it was fed last. */
  show(isQuiet: (selection: Selection) => boolean): void {
    for (const [view, pending] of this.#views) {
      if (!isQuiet(view.selection)) continue;
      if (this.#outdated.delete(view)) view.replace(this.select(view.selection), this.#position);
      else view.apply(this.#changes(pending));
      pending.clear();
    }
  }

  #changes(pending: ReadonlySet<string>): Changes {
    const written: Document[] = [];
    const left = new Map<string, Set<string>>();
    for (const key of pending) {
      const document = this.#documents.get(key);
      if (document) written.push(document);
      else left.set(collectionOf(key), new Set());
    }
    if (left.size > 0) for (const key of this.#documents.keys()) left.get(collectionOf(key))?.add(key);
    return { position: this.#position, written, left };
  }
}
