// The store on ZooKeeper keeps the contract: on a single server, and on an ensemble of three.
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { after } from "node:test";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import { connectZooKeeper, type ZooKeeper } from "../../src/zookeeper/zookeeper.ts";
import { type TcpProxy, tcpProxy } from "../support/tcp-proxy.ts";
import { type RunningZooKeeper, startZooKeeper, type ZooKeeperServer } from "../support/zookeeper-server.ts";
import { storeContract } from "./store-contract.ts";
import type { StoreUnderTest } from "./store-harness.ts";

for (const { name, servers } of [
  { name: "zookeeper", servers: 1 },
  { name: "zookeeper ensemble", servers: 3 },
] as const) {
  // Started by the first test that needs it: two kinds at once would be four servers.
  let running: Promise<RunningZooKeeper> | undefined;
  let stores = 0;
  storeContract({
    name,
    async create() {
      running ??= startZooKeeper({ servers });
      stores += 1;
      return storeOn(await running, `/store${stores}`);
    },
  });
  after(async () => (await running)?.close());
}

function storeOn(zookeeper: RunningZooKeeper, chroot: string): StoreUnderTest {
  // Each client has a link of its own, to the next server: what one has written another must see.
  const links = new Map<Store, TcpProxy>();
  return {
    async open() {
      const server = zookeeper.servers[links.size % zookeeper.servers.length] as ZooKeeperServer;
      const link = await tcpProxy(server);
      try {
        const store = await openStore(`zk://${link.host}:${link.port}${chroot}`, { create: true, own: {} });
        links.set(store, link);
        return store;
      } catch (error) {
        await link.close();
        throw error;
      }
    },
    cut: {
      reach: "one",
      async run(store) {
        links.get(store)?.freeze();
        return async () => links.get(store)?.thaw();
      },
    },
    endPresence: (key) => withClient(zookeeper, chroot, (client) => client.delete(`/${key}`, -1)),
    depose: (name) =>
      withClient(zookeeper, chroot, async (client) => {
        const { children } = await client.getChildren(`/elections/${name}`);
        const [leader] = children.sort((a, b) => a.slice(-10).localeCompare(b.slice(-10)));
        await client.delete(`/elections/${name}/${leader}`, -1);
      }),
    async remember() {
      await stopAll(zookeeper);
      for (const server of folders(zookeeper))
        await cp(join(server, "data"), join(server, "older"), { recursive: true });
      await startAll(zookeeper);
      return async () => {
        await stopAll(zookeeper);
        for (const server of folders(zookeeper)) {
          await rm(join(server, "data"), { recursive: true });
          await cp(join(server, "older"), join(server, "data"), { recursive: true });
        }
        await startAll(zookeeper);
      };
    },
    async destroy() {
      for (const link of links.values()) await link.close();
    },
  };
}

const folders = ({ folder, servers }: RunningZooKeeper) => servers.map((_, index) => join(folder, `${index + 1}`));

async function stopAll({ servers }: RunningZooKeeper): Promise<void> {
  await Promise.all(servers.map((server) => server.kill()));
}

async function startAll(zookeeper: RunningZooKeeper): Promise<void> {
  await Promise.all(zookeeper.servers.map((server) => server.start()));
  await zookeeper.leader();
}

/** Somebody else, who does what the store does not. */
async function withClient(
  { servers }: RunningZooKeeper,
  chroot: string,
  act: (client: ZooKeeper) => Promise<unknown>,
): Promise<void> {
  const client = connectZooKeeper({ servers, chroot });
  try {
    await act(client);
  } finally {
    await client.close();
  }
}
