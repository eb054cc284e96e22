// Who is there, as the store tells it. Imports the nouns only.
import { collectionOf, nameOf } from "./keys.ts";

/** The part of a store's snapshot that is needed here; it must hold `presence`. */
interface Shown {
  list(collection: "presence"): readonly { readonly key: string }[];
  readonly damaged: ReadonlyMap<string, unknown>;
}

/** The nodes whose worker is there. Of one whose presence cannot be understood too: the document lives no longer than its writer. */
export function presentNodes(snapshot: Shown): Set<string> {
  const broken = [...snapshot.damaged.keys()].filter((key) => collectionOf(key) === "presence");
  return new Set([...snapshot.list("presence").map(({ key }) => key), ...broken].map(nameOf));
}
