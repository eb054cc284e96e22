// The first document of every store: who we are on this store.
import { type ClusterDocument, defaultNetworkRange, storeLayout } from "../model/cluster.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { clusterKey } from "../model/keys.ts";
import { randomHex } from "./random-hex.ts";
import { put, type Store } from "./store.ts";

export interface ClusterOptions {
  /** ISO 8601, for people. */
  readonly now: string;
  /** Only for a cluster that is created now: an existing one keeps its own. */
  readonly networkRange?: string;
}

/** The cluster's document, created if this is the first command to write here; all that come at once get the same one. Throws as `checkCluster` does. */
export async function ensureCluster(store: Store, { now, networkRange }: ClusterOptions): Promise<ClusterDocument> {
  const found = await store.read(clusterKey);
  if (found) return checkCluster(found.value, store.url);
  const created: ClusterDocument = {
    id: randomHex(4),
    layout: storeLayout,
    incarnation: 1,
    networkRange: networkRange ?? defaultNetworkRange,
    createdAt: now,
  };
  try {
    await store.commit({ changes: [put(clusterKey, created, "absent")] });
    return created;
  } catch (error) {
    if (!isOrchestraError(error, "conflict")) throw error;
    return ensureCluster(store, { now });
  }
}

/** Returns `cluster`. Throws `invalid` when a newer program wrote the store at `url`, and `conflict` while an import into it is not finished. */
export function checkCluster(cluster: ClusterDocument, url: string): ClusterDocument {
  checkLayout(cluster, url);
  if (cluster.importing === undefined) return cluster;
  throw new OrchestraError("conflict", `an import into the store ${url} has not been finished`, {
    hint: "wait for it, or repeat it with the same file: it goes on where it stopped; to give it up, import another file and --replace",
  });
}

/** Throws `invalid` when a newer program wrote the store at `url`. */
export function checkLayout({ layout }: ClusterDocument, url: string): void {
  if (layout <= storeLayout) return;
  throw new OrchestraError(
    "invalid",
    `the store ${url} has layout ${layout}; this orchestra knows layout ${storeLayout}`,
    {
      hint: "use the newer orchestra that wrote it",
      details: { found: layout, known: storeLayout },
    },
  );
}
