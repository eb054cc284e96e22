// The first document of every store: who we are on this store.

import { type ClusterDocument, defaultNetworkRange, storeLayout } from "../model/cluster.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { clusterKey } from "../model/keys.ts";
import { presentNodes } from "../model/presence.ts";
import { randomHex } from "./random-hex.ts";
import { put, type Store } from "./store.ts";

export interface ClusterOptions {
  /** ISO 8601, for people. */
  readonly now: string;
  /** Only for a cluster that is created now: an existing one keeps its own. */
  readonly networkRange?: string;
}

/**
 * The cluster's document, created if this is the first command to write here; all that come at once get the same one. Throws as `checkCluster` does,
 * and `conflict` for a store that was emptied under machines that are on it: a new cluster would leave what runs there to nobody.
 */
export async function ensureCluster(store: Store, { now, networkRange }: ClusterOptions): Promise<ClusterDocument> {
  const found = await store.read(clusterKey);
  if (found) return checkCluster(found.value, store.url);
  const [someone] = presentNodes(await store.list(["presence"]));
  if (someone !== undefined) {
    // Whoever is there came after the cluster's document, which another first command may have created between the two looks.
    const created = await store.read(clusterKey);
    if (created) return checkCluster(created.value, store.url);
    throw emptied(store.url, someone);
  }
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

function emptied(url: string, node: string): OrchestraError {
  return new OrchestraError("conflict", `the store ${url} is empty, and the node ${node} of a cluster is on it`, {
    hint: `put the store back, import a backup, or have it followed as it is: orchestra store accept-rollback on ${node}`,
    details: { node },
  });
}

/** Returns `cluster`. Throws `invalid` when a newer program wrote the store at `url`, and `conflict` while an import into it is not finished. */
export function checkCluster(cluster: ClusterDocument, url: string): ClusterDocument {
  checkLayout(cluster, url);
  if (cluster.importing === undefined) return cluster;
  throw new OrchestraError("conflict", `an import into the store ${url} has not been finished`, {
    hint: "wait for it, or repeat it with the same file: it goes on where it stopped; to give it up, import another file and --replace",
  });
}

/** The cluster that whoever has opened a store belongs to. Noted by the first look that finds one, unless it was known before. */
export interface OwnCluster {
  id?: string;
}

/** Throws `unavailable` when the store at `url` holds another cluster than `own`: it must be neither followed nor written into. */
export function checkOwn(cluster: ClusterDocument, own: OwnCluster, url: string): void {
  own.id ??= cluster.id;
  if (cluster.id === own.id) return;
  throw new OrchestraError(
    "unavailable",
    `the store ${url} holds another cluster now (${cluster.id} instead of ${own.id})`,
    {
      hint: "put the right store back, or restart orchestra to go on with this one; what runs goes on meanwhile",
      details: { found: cluster.id, known: own.id },
    },
  );
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
