// A whole store as text, at one position. Works through the store contract alone. Reads the store.
import { OrchestraError } from "../model/errors.ts";
import { clusterKey, nameOf } from "../model/keys.ts";
import { exportText, movedSelectors } from "./export-file.ts";
import type { Store } from "./store.ts";

export interface Exported {
  readonly text: string;
  readonly cluster: string;
  /** Nodes whose worker is alive: the store goes on changing. */
  readonly present: readonly string[];
}

/** `now`: ISO 8601, for people. Throws `not-found` for a store that nobody has used yet. */
export async function exportStore(store: Store, now: string): Promise<Exported> {
  const snapshot = await store.list([...movedSelectors, "presence"]);
  const [damaged] = snapshot.damaged;
  if (damaged) {
    throw new OrchestraError(
      "invalid",
      `the document ${damaged[0]} of the store ${store.url} is damaged: ${damaged[1].why}`,
      {
        hint: "an export without it would not be the whole store: write it again, or remove it, first",
      },
    );
  }
  const cluster = snapshot.get(clusterKey)?.value;
  if (!cluster) {
    throw new OrchestraError("not-found", `the store ${store.url} holds no cluster yet`, {
      hint: "orchestra up, or the first apply, makes one",
    });
  }
  const present = snapshot.list("presence").map(({ key }) => nameOf(key));
  const text = exportText(snapshot, cluster, { exportedAt: now, store: store.url, present });
  return { text, cluster: cluster.id, present };
}
