// The place of the store on its servers: made if it is to be made, and known again on every new connection.
import type { ClusterDocument } from "../model/cluster.ts";
import { clusterKey } from "../model/keys.ts";
import type { Acl } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import type { Position } from "./store.ts";
import { isZooKeeperError, noStore, notAStore, replacedStore } from "./zookeeper-errors.ts";
import { makeNode } from "./zookeeper-node.ts";
import { commitsPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { positionOf, readNode } from "./zookeeper-read.ts";
import { parseText } from "./zookeeper-text.ts";

export interface RootOptions {
  readonly url: string;
  /** "" or as "/orchestra". */
  readonly chroot: string;
  readonly acl: readonly Acl[];
  readonly create: boolean;
  /** Throws for a cluster that this program must not touch. */
  readonly check: (cluster: ClusterDocument) => void;
  /** A client that sees the chroot from outside; the caller of it closes it. */
  readonly connectOutside: () => ZooKeeper;
}

export interface Root {
  /** Throws when there is no store, or not the one that was there at the first call. */
  verify(client: ZooKeeper): Promise<void>;
  /** The store had come this far: it must never be seen behind it. */
  see(position: Position): void;
}

export function openRoot(options: RootOptions): Root {
  const { url } = options;
  let identity: bigint | undefined;
  let highest = 0;
  const look = async (client: ZooKeeper): Promise<"there" | "missing"> => {
    try {
      // A server that lags behind would show an older state. Reading, where `exists` would do, also tries the credentials.
      const [, { stat }] = await Promise.all([client.sync("/"), client.getData(commitsPath)]);
      if (identity !== undefined && stat.czxid !== identity)
        throw replacedStore(url, "has been replaced by another one");
      if (positionOf(stat) < highest) throw replacedStore(url, "has been replaced by an older state of it");
      identity = stat.czxid;
      return "there";
    } catch (error) {
      if (!isZooKeeperError(error, "no-node")) throw error;
      if (identity !== undefined) throw replacedStore(url, "has been removed");
      return "missing";
    }
  };
  return {
    async verify(client) {
      if ((await look(client)) === "missing") {
        if (!options.create) throw noStore(url);
        await makeStore(client, options);
        await look(client);
      }
      const cluster = await readNode(client, pathOfKey(clusterKey));
      // One that cannot be read is told to whoever asks for it.
      const document = cluster === "forbidden" ? undefined : cluster && parseText<ClusterDocument>(cluster.data);
      if (document) options.check(document);
    },
    see(position) {
      highest = Math.max(highest, position);
    },
  };
}

async function makeStore(client: ZooKeeper, { url, chroot, acl, connectOutside }: RootOptions): Promise<void> {
  if (chroot !== "" && !(await client.exists("/"))) await makeChroot(connectOutside(), chroot, acl);
  const { children } = await client.getChildren("/");
  const foreign = children.filter((name) => name !== "zookeeper");
  if (foreign.length > 0 && !(await client.exists(commitsPath))) throw notAStore(url, foreign);
  try {
    await client.multi(
      [commitsPath, removalsPath].map((path) => ({
        do: "create",
        path,
        data: new Uint8Array(),
        mode: "persistent",
        acl,
      })),
    );
  } catch (error) {
    // Another process was first: it has made both.
    if (!isZooKeeperError(error, "node-exists")) throw error;
  }
}

async function makeChroot(outside: ZooKeeper, chroot: string, acl: readonly Acl[]): Promise<void> {
  try {
    await outside.ready;
    const parts = chroot.slice(1).split("/");
    for (let count = 1; count <= parts.length; count += 1) {
      await makeNode(outside, `/${parts.slice(0, count).join("/")}`, acl);
    }
  } finally {
    await outside.close();
  }
}
