// What a pass stands on: what the store says now, where its word can be relied on and this process still leads. Reads the sync's view; writes nothing.
import type { Clock } from "../clock.ts";
import { OrchestraError } from "../model/errors.ts";
import { syncControlKey, syncKey } from "../model/keys.ts";
import { storeSeen } from "../model/known-store.ts";
import type { SyncControlDocument, SyncDocument } from "../model/sync.ts";
import type { Snapshot, View } from "../store/store.ts";
import type { StoreMemory } from "../store-memory.ts";
import { isOwn } from "./record.ts";

/** The store at one moment, and in it what the sync has told of itself. */
export interface Found {
  readonly snapshot: Snapshot;
  readonly document: SyncDocument;
  readonly version: number;
}

export interface GroundOptions {
  /** Of deployments, revisions, the cluster, and this sync's document and control. */
  readonly view: View;
  /** Of placements: how often they were written tells an older copy from the store that is known. They change all the time, and wake nobody here. */
  readonly counts: View;
  readonly memory: StoreMemory;
  /** The source's name. */
  readonly source: string;
  /** What this leader has written of itself. */
  readonly own: SyncDocument["lead"];
  /** Aborted when it is doubtful whether this process leads. */
  readonly doubt: AbortController;
  readonly clock: Clock;
}

/** Whether the store is the one that is known, and its word counts. Throws `unavailable` with the reason where it is older, empty, or only half imported. */
export function checkKnown({ view, counts, memory }: Pick<GroundOptions, "view" | "counts" | "memory">): void {
  const shown = view.snapshot();
  const placements = counts.snapshot();
  const seen = storeSeen({
    position: shown.position,
    get: (key) => shown.get(key),
    list: (collection) => placements.list(collection),
    damaged: placements.damaged,
  });
  if (!memory.trusts(seen)) throw new OrchestraError("unavailable", `holds: ${memory.doubt}`);
  if (seen.cluster) return;
  throw new OrchestraError("unavailable", "the store holds no cluster; nothing is applied to it", {
    hint: "orchestra up makes one",
  });
}

/** A leader whose own word is not in the store for so long asks again whether it leads. */
export const strangeMs = 5_000;

export class Ground {
  readonly #options: GroundOptions;
  #strangeSince: number | undefined;

  constructor(options: GroundOptions) {
    this.#options = options;
  }

  /** Undefined while the store's word cannot be relied on, or somebody else has been elected. */
  find(): Found | undefined {
    const { view, counts, source, own } = this.#options;
    const snapshot = view.snapshot();
    if (!snapshot.fresh || !counts.snapshot().fresh) return undefined;
    checkKnown(this.#options);
    const document = snapshot.get(syncKey(source));
    if (!document || !isOwn(document.value.lead, own)) return this.#doubt();
    this.#strangeSince = undefined;
    return { snapshot, document: document.value, version: document.version };
  }

  control(): SyncControlDocument | undefined {
    const { view, source } = this.#options;
    return view.snapshot().get(syncControlKey(source))?.value;
  }

  /** Our own word is not there: it is on its way, or another leads, or somebody has put an older document in its place. */
  #doubt(): undefined {
    const { clock, doubt } = this.#options;
    this.#strangeSince ??= clock.now();
    if (clock.now() - this.#strangeSince >= strangeMs) doubt.abort(new Error("another one leads"));
  }
}
