// The ZooKeeper that all tests of a file share: started before the first of them, gone after the last.
import { after, before } from "node:test";
import { type RunningZooKeeper, startZooKeeper, type ZooKeeperOptions } from "./zookeeper-server.ts";

/** To be called once, at the top of the file. What it gives may be called by tests and by what runs before each of them. */
export function zooKeeperOfFile(options: ZooKeeperOptions = {}): () => RunningZooKeeper {
  let running: RunningZooKeeper | undefined;
  before(async () => {
    running = await startZooKeeper(options);
  });
  after(() => running?.close());
  return () => {
    if (!running) throw new Error("ZooKeeper was asked for before the first test");
    return running;
  };
}
