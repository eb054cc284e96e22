// What a machine remembers of its store, so that it tells the store it knows from an older copy of it and from another one in its place.
// A higher incarnation is an operator's deliberate act (an import, accept-rollback) and is followed; positions compare within one incarnation only.
import type { ClusterDocument } from "./cluster.ts";

export interface KnownStore {
  readonly incarnation: number;
  /** The highest that the store has shown. */
  readonly position: number;
}

export interface SeenStore {
  /** Absent: the store has no such document. */
  readonly cluster: ClusterDocument | undefined;
  readonly position: number;
}

/** Why what the store shows now is not acted on; undefined: it is the store that is known, or one that was put in its place on purpose. */
export function whyStrange({ cluster, position }: SeenStore, known: KnownStore | undefined): string | undefined {
  if (cluster?.importing !== undefined) return "an import into the store has not been finished; repeat it";
  if (!known) return undefined;
  if (cluster === undefined || cluster.incarnation < known.incarnation) {
    return `the store was replaced (incarnation ${cluster?.incarnation ?? "none"} instead of ${known.incarnation}); ${toFollow}`;
  }
  if (cluster.incarnation > known.incarnation) {
    const { continues } = cluster;
    const missesSome = continues?.incarnation === known.incarnation && continues.position < known.position;
    return missesSome
      ? `the store was imported from an export that is older than what was seen here; ${toFollow}`
      : undefined;
  }
  if (position < known.position) {
    // Without what it shows now, which rises with every commit: the same trouble is told once.
    return `the store is older than it was (it had come to ${known.position}); ${toFollow}`;
  }
  return undefined;
}

const toFollow = "stop orchestra and remove worker.json and master.json from the state folder to follow it";
