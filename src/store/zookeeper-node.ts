// Nodes that only hold others.
import type { Acl } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { isZooKeeperError } from "./zookeeper-errors.ts";

/** Makes it; somebody else may have done so meanwhile. Undefined: there is nothing to be made. */
export async function makeNode(client: ZooKeeper, path: string | undefined, acl: readonly Acl[]): Promise<void> {
  try {
    if (path !== undefined) await client.create(path, new Uint8Array(), { mode: "persistent", acl });
  } catch (error) {
    if (!isZooKeeperError(error, "node-exists")) throw error;
  }
}
