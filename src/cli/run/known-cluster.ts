// Which cluster a store is: asked of the store, kept in the state folder, and taken from there while the store is away.
// Reads and writes `cluster.json` in the cluster's folder.
import { replaceFile } from "../../durable-file.ts";
import type { Log } from "../../log.ts";
import type { ClusterDocument } from "../../model/cluster.ts";
import { isOrchestraError, messageOf } from "../../model/errors.ts";
import { clusterKey } from "../../model/keys.ts";
import { readStateFile } from "../../state-file.ts";
import { clusterFilePath, clustersIn } from "../../state-folder.ts";
import { ensureCluster } from "../../store/cluster.ts";
import type { Store } from "../../store/store.ts";

interface KnownCluster {
  /** As `absoluteUrl` gives it. */
  readonly store: string;
  readonly cluster: ClusterDocument;
  /** When the store last said so, ISO 8601. */
  readonly at: string;
}

export interface KnownClusterOptions {
  readonly store: Store;
  readonly storeUrl: string;
  readonly stateDir: string;
  /** Only a new cluster takes it. */
  readonly networkRange: string;
  readonly now: string;
  readonly log: Log;
}

/**
 * The store's cluster, made if it never had one. A store that does not answer is believed to be the cluster that it was when it last did:
 * pods and names need no store. So is one that has lost it: a new cluster would leave what runs here to nobody. Throws `unavailable` when this machine never knew it.
 */
export async function knownCluster(options: KnownClusterOptions): Promise<ClusterDocument> {
  const { store, storeUrl, stateDir, networkRange, now, log } = options;
  try {
    const before = (await store.read(clusterKey)) ? undefined : await lastKnownCluster(stateDir, storeUrl);
    if (before) {
      const hint = "put the store back, import a backup, or have it followed as it is: orchestra store accept-rollback";
      log.warn("the store is empty, and this machine belongs to a cluster on it; its pods and names are kept", {
        cluster: before.id,
        hint,
      });
      return before;
    }
    const cluster = await ensureCluster(store, { now, networkRange });
    const known: KnownCluster = { store: storeUrl, cluster, at: now };
    await replaceFile(clusterFilePath(stateDir, cluster.id), `${JSON.stringify(known)}\n`);
    return cluster;
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    const known = await lastKnown(stateDir, storeUrl);
    if (!known) throw error;
    const { cluster, at } = known;
    log.warn("the store does not answer; pods and names are kept as they were last known", {
      cluster: cluster.id,
      asOf: at,
      error: messageOf(error),
    });
    return cluster;
  }
}

/** The cluster that the store was when a role on this machine last asked it; undefined: none ever did. */
export async function lastKnownCluster(stateDir: string, storeUrl: string): Promise<ClusterDocument | undefined> {
  return (await lastKnown(stateDir, storeUrl))?.cluster;
}

/** The latest one, should the store have been replaced. */
async function lastKnown(stateDir: string, storeUrl: string): Promise<KnownCluster | undefined> {
  const paths = clustersIn(stateDir).map((cluster) => clusterFilePath(stateDir, cluster));
  const all = await Promise.all(paths.map((path) => readStateFile<KnownCluster>(path)));
  return all
    .filter((known) => known !== undefined)
    .filter(({ store }) => store === storeUrl)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .at(-1);
}
