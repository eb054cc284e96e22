// Clients that are started without a server that would last: what a test opened is gone after it, and its clients may take their time.
import { after, afterEach } from "node:test";
import { connectZooKeeper, type ZooKeeper, type ZooKeeperOptions } from "../../src/zookeeper/zookeeper.ts";

export interface ClientEnds {
  connect(options: ZooKeeperOptions): ZooKeeper;
  /** Called after the test, before its clients are closed. */
  onEnd(clean: () => unknown): void;
}

/** To be called once, at the top of the file. */
export function clientEnds(): ClientEnds {
  const clients: ZooKeeper[] = [];
  const cleanups: (() => unknown)[] = [];
  const closing: Promise<void>[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
    // Their servers are gone, so they look for others for a while.
    for (const client of clients.splice(0)) closing.push(client.close());
  });
  after(() => Promise.all(closing));
  return {
    connect(options) {
      const client = connectZooKeeper(options);
      clients.push(client);
      return client;
    },
    onEnd: (clean) => void cleanups.push(clean),
  };
}
