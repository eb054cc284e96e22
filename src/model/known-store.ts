// What a machine remembers of its store, so that it tells the store it knows from an older copy of it and from another one in its place.
// A higher incarnation is an operator's deliberate act (an import, accept-rollback) and is followed; positions compare within one incarnation only.
import type { ClusterDocument } from "./cluster.ts";
import { clusterKey, collectionOf, type Key } from "./keys.ts";
import type { PlacementsDocument } from "./pod.ts";

export interface KnownStore {
  /** The cluster's id. */
  readonly clusterId?: string;
  readonly incarnation: number;
  /** The highest that the store has shown. */
  readonly position: number;
  /**
   * How often the placements had been written: those of its node for a worker, all for others. The position of an older copy rises with
   * whatever is written into it; this does not, because only a master that follows the copy writes placements.
   */
  readonly written?: number;
}

export interface SeenStore {
  /** Absent: the store has no such document. */
  readonly cluster: ClusterDocument | undefined;
  readonly position: number;
  /** Absent: it cannot be told. */
  readonly written?: number;
}

/** The part of a store's snapshot that is needed here. */
interface Shown {
  readonly position: number;
  get<T>(key: Key<T>): { readonly value: T } | undefined;
  list(collection: "placements"): readonly { readonly value: PlacementsDocument }[];
  readonly damaged: ReadonlyMap<string, unknown>;
}

/** What a snapshot shows that holds all placements and `cluster`. */
export function storeSeen(snapshot: Shown): SeenStore {
  // A damaged document has a count too, and nobody knows it.
  const isWhole = ![...snapshot.damaged.keys()].some((key) => collectionOf(key) === "placements");
  const written = snapshot.list("placements").reduce((sum, { value }) => sum + (value.count ?? 0), 0);
  return { cluster: snapshot.get(clusterKey)?.value, position: snapshot.position, ...(isWhole ? { written } : {}) };
}

/** Why what the store shows now is not acted on; undefined: it is the store that is known, or one that was put in its place on purpose. */
export function whyStrange(
  { cluster, position, written }: SeenStore,
  known: KnownStore | undefined,
): string | undefined {
  if (cluster?.importing !== undefined) return "an import into the store has not been finished; repeat it";
  if (!known) return undefined;
  if (cluster === undefined)
    return `the store is empty (it had come to ${known.position}); put it back, or ${toFollow}`;
  if (known.clusterId !== undefined && cluster.id !== known.clusterId) {
    return `the store is that of another cluster (${cluster.id} instead of ${known.clusterId}); put it back, or restart orchestra to go on with this one`;
  }
  if (cluster.incarnation < known.incarnation) {
    return `the store was replaced (incarnation ${cluster.incarnation} instead of ${known.incarnation}); put it back, or ${toFollow}`;
  }
  if (cluster.incarnation > known.incarnation) {
    const { continues } = cluster;
    const missesSome = continues?.incarnation === known.incarnation && continues.position < known.position;
    return missesSome
      ? `the store was imported from an export that is older than what was seen here; ${toFollow}`
      : undefined;
  }
  if (position < known.position || (written ?? Number.POSITIVE_INFINITY) < (known.written ?? 0)) {
    // Without what it shows now, which rises with every commit: the same trouble is told once.
    return `the store is older than it was (it had come to ${known.position}); put it back, or ${toFollow}`;
  }
  return undefined;
}

/** Ends each reason that an operator can overrule. */
export const toFollow = "have this one followed: orchestra store accept-rollback";
