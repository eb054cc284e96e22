// From a store's URL to the store. The only file that knows which adapters there are.
import { resolve } from "node:path";
import type { Log } from "../log.ts";
import type { ClusterDocument } from "../model/cluster.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { clusterKey } from "../model/keys.ts";
import type { StoreAccess } from "../model/store-access.ts";
import { checkCluster, checkLayout, checkOwn, type OwnCluster } from "./cluster.ts";
import { openEmbedded } from "./embedded.ts";
import type { Store } from "./store.ts";
import { formatZooKeeperUrl, isZooKeeperUrl, parseZooKeeperUrl } from "./zookeeper-url.ts";

export interface OpenOptions {
  /** Without it a store that is not there is a `not-found`, and no file appears. */
  readonly create: boolean;
  /** Also one that holds half an import: for the import that finishes it. */
  readonly unfinished?: true;
  /** A store on servers is opened also while none can be reached: for those who have work to do meanwhile, and look again later. */
  readonly patient?: boolean;
  /** For those who go on for long: whose store it must stay, noted when it is found where it is not known yet. Absent: it may become another's. */
  readonly own?: OwnCluster;
  /** Credentials and certificates. Only asked for where the store is on servers: elsewhere nobody has to have them right. */
  readonly access?: () => StoreAccess;
  /** What happens to the connection is told there. */
  readonly log?: Log;
}

/**
 * Opens the store that `url` names (`file:PATH`, `zk://HOST,…/PATH`, or `zks://` for TLS). Throws `invalid` for a URL that this release does not know, for a file that is no store,
 * and for one of a newer layout; `conflict` for half an import.
 */
export async function openStore(url: string, options: OpenOptions): Promise<Store> {
  const { create, unfinished, own } = options;
  const shown = absoluteUrl(url);
  const check = (cluster: ClusterDocument) => {
    checkLayout(cluster, shown);
    if (own) checkOwn(cluster, own, shown);
  };
  const store = isZooKeeperUrl(url)
    ? await openServers(url, options, check)
    : await openEmbedded(storePath(url), { create, check });
  try {
    const cluster = await store.read(clusterKey);
    if (cluster) check(cluster.value);
    if (cluster && !unfinished) checkCluster(cluster.value, store.url);
    return store;
  } catch (error) {
    if (options.patient && isOrchestraError(error, "unavailable")) return store;
    await store.close();
    throw error;
  }
}

/** The store's URL as it is compared and noted: the same from every folder. Throws `invalid` as `openStore` does. */
export function absoluteUrl(url: string): string {
  return isZooKeeperUrl(url) ? formatZooKeeperUrl(parseZooKeeperUrl(url)) : `file:${storePath(url)}`;
}

/** Loaded only here: a command on one machine does without. */
async function openServers(
  url: string,
  { create, patient = false, access = () => ({}), log }: OpenOptions,
  check: (cluster: ClusterDocument) => void,
): Promise<Store> {
  const place = parseZooKeeperUrl(url);
  const { readAccess } = await import("./zookeeper-access.ts");
  const { openZooKeeper } = await import("./zookeeper.ts");
  return openZooKeeper({ place, create, patient, check, ...(log && { log }), ...(await readAccess(place, access())) });
}

/** The absolute path of the file that a store's URL names; the store itself may be gone. Throws `invalid` as `openStore` does. */
export function storePath(url: string): string {
  return resolve(pathOf(url));
}

function pathOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
  if (scheme === undefined) {
    throw new OrchestraError("invalid", `"${url}" is not the URL of a store`, {
      hint: `for a file write file:${url || "PATH"}`,
    });
  }
  if (scheme !== "file") {
    throw new OrchestraError("invalid", `this release knows no ${scheme}: stores`, {
      hint: "give --store file:PATH, or zk://HOST,HOST,HOST/PATH",
    });
  }
  // file:PATH, and file:///PATH as in a proper URL; a host name has no meaning here.
  const path = url.slice("file:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "" || path.endsWith("/") || path.startsWith("//") || path.includes("\0")) {
    throw new OrchestraError("invalid", `"${url}" names no file`, {
      hint: "write file:PATH, as file:/var/lib/orchestra/store.db",
    });
  }
  return path;
}
