// What a machine remembers of its store, so that it tells the store it knows from an older copy of it and from another one in its place.

export interface KnownStore {
  readonly incarnation: number;
  /** The highest that the store has shown. */
  readonly position: number;
}

/** Why what the store shows now is not acted on; undefined: it is the store that is known. `incarnation`: absent without a `cluster` document. */
export function whyStrange(
  seen: { readonly incarnation: number | undefined; readonly position: number },
  known: KnownStore | undefined,
): string | undefined {
  if (!known) return undefined;
  if (seen.incarnation !== known.incarnation) {
    return `the store was replaced (incarnation ${seen.incarnation ?? "none"} instead of ${known.incarnation}); ${toFollow}`;
  }
  if (seen.position < known.position) {
    // Without what it shows now, which rises with every commit: the same trouble is told once.
    return `the store is older than it was (it had come to ${known.position}); ${toFollow}`;
  }
  return undefined;
}

const toFollow = "stop orchestra and remove worker.json and master.json from the state folder to follow it";
