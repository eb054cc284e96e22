// Whether a commit was done whose answer was lost. Looks at what is there now: after a new connection and a sync nothing of the old one comes late.
import type { Stat } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import type { Position } from "./store.ts";
import { isZooKeeperError } from "./zookeeper-errors.ts";
import type { Item } from "./zookeeper-operations.ts";
import { commitsPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { positionOf, versionOf } from "./zookeeper-read.ts";
import { hasMark } from "./zookeeper-text.ts";

/** What was known when the commit was sent. */
export interface Sent {
  readonly items: readonly Item[];
  readonly counterOf: (item: Item) => number;
  readonly removals: number;
  readonly mark: string;
}

export type Outcome =
  | { readonly was: "done"; readonly position: Position }
  | { readonly was: "not done" }
  | { readonly was: "unknown" };

interface Node {
  readonly data: Uint8Array;
  readonly stat: Stat;
}

/** Only reads, so it may be repeated. */
export async function outcomeOf(client: ZooKeeper, sent: Sent): Promise<Outcome> {
  const written = sent.items.filter((item) => item.do !== "check");
  const [, removals, commits, ...nodes] = await Promise.all([
    client.sync("/"),
    nodeAt(client, removalsPath),
    nodeAt(client, commitsPath),
    ...written.map(({ key }) => nodeAt(client, pathOfKey(key))),
  ]);
  const isOurs = (node: Node | undefined) => node !== undefined && hasMark(node.data, sent.mark);
  const isDone =
    [removals, commits].some((node) => node !== undefined && Buffer.from(node.data).toString() === sent.mark) ||
    nodes.some(isOurs);
  if (isDone) return { was: "done", position: commits ? positionOf(commits.stat) : 0 };
  const before = { removals: sent.removals, counterOf: sent.counterOf };
  const isNotDone = written.some((item, index) => isUntouched(item, nodes[index], removals?.stat.version, before));
  return { was: isNotDone ? "not done" : "unknown" };
}

/** Whether this item shows that the commit was not done: none of what happened to it can have been ours. */
function isUntouched(
  item: Item,
  node: Node | undefined,
  removals: number | undefined,
  before: { readonly removals: number; readonly counterOf: (item: Item) => number },
): boolean {
  if (node && versionOf(node.stat) === item.version) return true;
  const removed = removals === undefined ? Number.NaN : (removals - before.removals) | 0;
  // Ours would have left its mark if it was the only removal since.
  if (item.do === "remove") return removed === 0 || removed === 1;
  // A node's own counter says nothing where something was removed: it may be another node.
  if (removed !== 0) return false;
  if (!node) return true;
  // Written once since, and not by us.
  return node.stat.version === (item.do === "create" ? 0 : (before.counterOf(item) + 1) | 0);
}

async function nodeAt(client: ZooKeeper, path: string): Promise<Node | undefined> {
  try {
    return await client.getData(path);
  } catch (error) {
    if (isZooKeeperError(error, "no-node")) return undefined;
    throw error;
  }
}
