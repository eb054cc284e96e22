// Stores on one ZooKeeper, each behind a link that a test can break, and a bare client that does what the store does not.
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import { connectZooKeeper, type ZooKeeper } from "../../src/zookeeper/zookeeper.ts";
import { type TcpProxy, tcpProxy } from "./tcp-proxy.ts";
import { type RunningZooKeeper, startZooKeeper, type ZooKeeperServer } from "./zookeeper-server.ts";

/** What `node:test` hands to a test, as far as it is needed here. */
interface Test {
  after(clean: () => Promise<void>): void;
}

export interface LinkedStore {
  readonly store: Store;
  readonly link: TcpProxy;
}

export interface StoreLab {
  readonly zookeeper: RunningZooKeeper;
  readonly chroot: string;
  readonly url: string;
  open(): Promise<LinkedStore>;
  /** Below the store's path. */
  bare(): ZooKeeper;
}

let running: Promise<RunningZooKeeper> | undefined;
let labs = 0;

/** A new store on the one server of this test file; `endServer` belongs into the file's `after`. */
export async function storeLab(test: Test): Promise<StoreLab> {
  running ??= startZooKeeper();
  const zookeeper = await running;
  labs += 1;
  const chroot = `/lab${labs}`;
  const [server] = zookeeper.servers as [ZooKeeperServer];
  const closers: (() => Promise<void>)[] = [];
  test.after(async () => {
    for (const close of closers.reverse()) await close();
  });
  return {
    zookeeper,
    chroot,
    url: `zk://${zookeeper.connect}${chroot}`,
    async open() {
      const link = await tcpProxy(server);
      closers.push(() => link.close());
      const store = await openStore(`zk://${link.host}:${link.port}${chroot}`, { create: true, own: {} });
      closers.push(() => store.close());
      return { store, link };
    },
    bare() {
      const client = connectZooKeeper({ servers: [server], chroot });
      closers.push(() => client.close());
      return client;
    },
  };
}

export async function endServer(): Promise<void> {
  await (await running)?.close();
}
