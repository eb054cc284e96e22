// The place of the store on its servers: made if it is to be made, and looked at on every new connection whether it is the one that was there.
import type { ClusterDocument } from "../model/cluster.ts";
import { isOrchestraError } from "../model/errors.ts";
import { clusterKey } from "../model/keys.ts";
import type { Acl, Op, Stat } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { randomHex } from "./random-hex.ts";
import type { Position } from "./store.ts";
import { isZooKeeperError, noStore, notAStore, removedStore } from "./zookeeper-errors.ts";
import { makeNode } from "./zookeeper-node.ts";
import { commitsPath, identityPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
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
  /**
   * Throws when there is no store, or one that must not be touched. Resolves with a number that rises whenever what is there is not what was:
   * another store, an emptied one, or an older state of the same. Whether that is to be followed is for those to say who act on it.
   */
  verify(client: ZooKeeper): Promise<number>;
  /**
   * To be called before the counter of commits is asked for: the result tells whether the answer can be of the store that was verified last,
   * which had come so far by then. Remembers how far it has come.
   */
  expect(): (commits: Stat | undefined) => boolean;
  /** How far our own commit has brought it. */
  see(position: Position): void;
  /** Whether the cluster may be touched, should its document have changed. */
  admits(cluster: ClusterDocument): boolean;
  /** A transaction that begins with this fails on any other store than the one that was verified last. */
  pin(): Op;
}

/** A store that is gone under a running process is made again, empty, after so long: whoever is still removing it should have done so by then. */
const remakeMs = 3_000;

interface Known {
  readonly token: string;
  /** Tells another store cheaper than the token does, wherever the counter is read anyhow. */
  readonly czxid: bigint;
  /** The counter's last transaction when it was looked at: an older state that has gone on since may have come as far, and not as late. */
  readonly mzxid: bigint;
  readonly position: Position;
}

export function openRoot(options: RootOptions): Root {
  const { url } = options;
  let known: Known | undefined;
  let store = 1;
  let missingSince: number | undefined;

  const there = async (client: ZooKeeper): Promise<Known> => {
    const found = await look(client);
    if (found) return found;
    if (known === undefined) {
      if (!options.create) throw noStore(url);
    } else {
      missingSince ??= performance.now();
      if (!options.create || performance.now() - missingSince < remakeMs) throw removedStore(url);
    }
    await makeStore(client, options).catch((error: unknown) => {
      // Not all of it has been removed yet.
      throw known && isOrchestraError(error, "invalid") ? removedStore(url) : error;
    });
    return there(client);
  };
  const look = async (client: ZooKeeper): Promise<Known | undefined> => {
    try {
      // A server that lags behind would show an older state. Reading, where `exists` would do, also tries the credentials.
      const [, { stat }] = await Promise.all([client.sync("/"), client.getData(commitsPath)]);
      const token = (await readToken(client)) ?? (await makeToken(client, options.acl));
      return { token, czxid: stat.czxid, mzxid: stat.mzxid, position: positionOf(stat) };
    } catch (error) {
      if (!isZooKeeperError(error, "no-node")) throw error;
      return undefined;
    }
  };
  const isSame = ({ token, czxid, mzxid, position }: Known) =>
    !known || (token === known.token && czxid === known.czxid && mzxid >= known.mzxid && position >= known.position);
  const see = (position: Position) => {
    if (known && position > known.position) known = { ...known, position };
  };

  return {
    async verify(client) {
      const found = await there(client);
      missingSince = undefined;
      const cluster = await readNode(client, pathOfKey(clusterKey));
      // One that cannot be read is told to whoever asks for it.
      const document = cluster === "forbidden" ? undefined : cluster && parseText<ClusterDocument>(cluster.data);
      if (document) options.check(document);
      if (!isSame(found)) store += 1;
      known = found;
      return store;
    },
    expect() {
      const before = known;
      return (commits) => {
        if (!commits || !before) return false;
        const position = positionOf(commits);
        if (commits.czxid !== before.czxid || position < before.position) return false;
        see(position);
        if (known && commits.mzxid > known.mzxid) known = { ...known, mzxid: commits.mzxid };
        return true;
      };
    },
    see,
    admits(cluster) {
      try {
        options.check(cluster);
        return true;
      } catch {
        return false;
      }
    },
    pin: () => ({ do: "check", path: `${identityPath}/${known?.token ?? ""}`, version: 0 }),
  };
}

async function readToken(client: ZooKeeper): Promise<string | undefined> {
  try {
    return (await client.getChildren(identityPath)).children.sort()[0];
  } catch (error) {
    if (isZooKeeperError(error, "no-node")) return undefined;
    throw error;
  }
}

/** Also for a store that was made before there were tokens. Of several processes that come at once one makes it, for all. */
async function makeToken(client: ZooKeeper, acl: readonly Acl[]): Promise<string> {
  for (;;) {
    // Somebody has removed only the token: its place is made again with it, which of several only one can do.
    const left: Op[] = (await client.exists(identityPath)) ? [{ do: "delete", path: identityPath, version: 0 }] : [];
    await makeNodes(client, [identityPath, `${identityPath}/${randomHex(8)}`], acl, left);
    const token = await readToken(client);
    if (token !== undefined) return token;
  }
}

async function makeStore(client: ZooKeeper, { url, chroot, acl, connectOutside }: RootOptions): Promise<void> {
  if (chroot !== "" && !(await client.exists("/"))) {
    await makeChroot(connectOutside(), chroot, acl);
    // It was made through another connection, by us or by others: our server may not have heard of it yet.
    await client.sync("/");
  }
  const { children } = await client.getChildren("/");
  const foreign = children.filter((name) => name !== "zookeeper");
  if (foreign.length > 0 && !(await client.exists(commitsPath))) throw notAStore(url, foreign);
  await makeNodes(client, [commitsPath, removalsPath], acl);
}

/** All of them, or none: then another process was first, and has made them. */
async function makeNodes(
  client: ZooKeeper,
  paths: readonly string[],
  acl: readonly Acl[],
  before: readonly Op[] = [],
): Promise<void> {
  const data = new Uint8Array();
  try {
    await client.multi([
      ...before,
      ...paths.map((path): Op => ({ do: "create", path, data, mode: "persistent", acl })),
    ]);
  } catch (error) {
    if (!isZooKeeperError(error, "node-exists", "not-empty")) throw error;
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
