// A law of the servers that views rest on, checked on one server and on followers of an ensemble.
import assert from "node:assert/strict";
import { openAcl } from "../../src/zookeeper/records.ts";
import type { ZooKeeper } from "../../src/zookeeper/zookeeper.ts";

const names = Array.from({ length: 20 }, (_, index) => `/n${index}`);
const writes = 300;

/** While `writer` writes the nodes below `root`, `reader` reads all in one request again and again: what it was told until the answer is in it, no more, no less. */
export async function readTogether(writer: ZooKeeper, reader: ZooKeeper, root: string): Promise<void> {
  const paths = names.map((name) => root + name);
  const options = { mode: "persistent", acl: openAcl } as const;
  await writer.multi([root, ...paths].map((path) => ({ do: "create", path, data: [""], ...options })));
  await reader.sync(root);
  const told = new Map(paths.map((path) => [path, 0]));
  const watch = await reader.addWatch(root, "recursive", ({ path }) => told.set(path, (told.get(path) ?? 0) + 1));
  const write = async (from: number) => {
    for (let count = from; count < writes; count += 4)
      await writer.setData(paths[count % paths.length] ?? "", new Uint8Array(), -1);
  };
  let isOver = false;
  const writing = Promise.all([0, 1, 2, 3].map(write)).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const { nodes } = await reader.getMany(paths);
    const found = nodes.map((node) => ("stat" in node ? node.stat.version : node));
    assert.deepEqual(found, [...told.values()]);
  }
  await writing;
  await watch.remove();
}
