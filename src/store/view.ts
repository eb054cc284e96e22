// The view that every adapter gives out: the latest snapshot and who wants to know of a newer one. The adapter feeds it.
import { applyChanges, type Changes, type Document, makeSnapshot, type Selection } from "./snapshot.ts";
import type { Position, Snapshot, View } from "./store.ts";

/** A view as its adapter holds it. */
export interface FedView extends View {
  readonly selection: Selection;
  /** Brings the snapshot up to date, and wakes if something selected changed or the view was not fresh. */
  apply(changes: Changes): void;
  /** Replaces everything: after a reconnection nobody knows what was missed. */
  replace(documents: readonly Document[], position: Position): void;
  /** The store cannot be asked: the snapshot stays, and says so. */
  markStale(): void;
}

/** `documents` are sorted and frozen; `onClose` tells the adapter to feed it no more. */
export function openView(
  selection: Selection,
  documents: readonly Document[],
  position: Position,
  onClose: (view: FedView) => void,
): FedView {
  return new HeldView(selection, documents, position, onClose);
}

class HeldView implements FedView {
  readonly selection: Selection;
  readonly #onClose: (view: FedView) => void;
  readonly #wakes = new Set<() => void>();
  #documents: readonly Document[];
  #snapshot: Snapshot;
  #closed = false;
  #waking = false;

  constructor(
    selection: Selection,
    documents: readonly Document[],
    position: Position,
    onClose: (view: FedView) => void,
  ) {
    this.selection = selection;
    this.#onClose = onClose;
    this.#documents = documents;
    this.#snapshot = makeSnapshot(selection, documents, position, true);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  onChange(wake: () => void): () => void {
    const own = () => wake();
    this.#wakes.add(own);
    return () => void this.#wakes.delete(own);
  }

  apply(changes: Changes): void {
    this.#show(applyChanges(this.selection, this.#documents, changes), changes.position, true);
  }

  replace(documents: readonly Document[], position: Position): void {
    this.#show(documents, position, true);
  }

  markStale(): void {
    this.#show(this.#documents, this.#snapshot.position, false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wakes.clear();
    this.#onClose(this);
  }

  #show(documents: readonly Document[], position: Position, fresh: boolean): void {
    if (this.#closed) return;
    const wake = documents !== this.#documents || fresh !== this.#snapshot.fresh;
    if (!wake && position === this.#snapshot.position) return;
    this.#documents = documents;
    this.#snapshot = makeSnapshot(this.selection, documents, position, fresh);
    if (wake) this.#wakeSoon();
  }

  /** Never inside the commit that changed it: a pass that starts there would run before its cause has returned. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      for (const wake of [...this.#wakes]) if (!this.#closed && this.#wakes.has(wake)) wake();
    });
  }
}
