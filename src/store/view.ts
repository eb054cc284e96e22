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
  const wakes = new Set<() => void>();
  let current = documents;
  let snapshot = makeSnapshot(selection, documents, position, true);
  let closed = false;
  let waking = false;

  const show = (next: readonly Document[], at: Position, fresh: boolean) => {
    if (closed) return;
    const wake = next !== current || fresh !== snapshot.fresh;
    if (!wake && at === snapshot.position) return;
    current = next;
    snapshot = makeSnapshot(selection, next, at, fresh);
    if (wake) wakeSoon();
  };

  // Never inside the commit that changed it: a pass that starts there would run before its cause has returned.
  const wakeSoon = () => {
    if (waking) return;
    waking = true;
    queueMicrotask(() => {
      waking = false;
      for (const wake of [...wakes]) if (!closed && wakes.has(wake)) wake();
    });
  };

  const view: FedView = {
    selection,
    snapshot: (): Snapshot => snapshot,
    onChange(wake) {
      const own = () => wake();
      wakes.add(own);
      return () => void wakes.delete(own);
    },
    apply: (changes) => show(applyChanges(selection, current, changes), changes.position, true),
    replace: (next, at) => show(next, at, true),
    markStale: () => show(current, snapshot.position, false),
    close() {
      if (closed) return;
      closed = true;
      wakes.clear();
      onClose(view);
    },
  };
  return view;
}
