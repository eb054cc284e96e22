// What an operator, or bad luck, does to the data of a ZooKeeper: an older copy is put back, everything is lost, another cluster's data is put there.
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunningZooKeeper } from "./zookeeper-server.ts";

/** Copies the data of each server, which all stop meanwhile. `name` is for `putBack`. */
export async function keepCopy(zookeeper: RunningZooKeeper, name: string): Promise<void> {
  await withoutServers(zookeeper, (folder) => cp(join(folder, "data"), join(folder, name), { recursive: true }));
}

/** Puts the copy in the place of what is there; without a name nothing is there afterwards. */
export async function putBack(zookeeper: RunningZooKeeper, name?: string, of = zookeeper): Promise<void> {
  await withoutServers(zookeeper, async (folder, index) => {
    await rm(join(folder, "data", "version-2"), { recursive: true, force: true });
    if (name === undefined) return;
    const copy = join(of.folder, `${index + 1}`, name, "version-2");
    await cp(copy, join(folder, "data", "version-2"), { recursive: true });
  });
}

async function withoutServers(
  zookeeper: RunningZooKeeper,
  act: (folder: string, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(zookeeper.servers.map((server) => server.kill()));
  await Promise.all(zookeeper.servers.map((_, index) => act(join(zookeeper.folder, `${index + 1}`), index)));
  await Promise.all(zookeeper.servers.map((server) => server.start()));
  await zookeeper.leader();
}
