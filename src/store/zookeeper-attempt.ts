// One attempt at the commits that go together: the transaction, and what its failure means for each of them.
import type { ZooKeeperError } from "../zookeeper/errors.ts";
import type { Acl, OpResult } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { conflictAt, deposed } from "./encode.ts";
import type { Position } from "./store.ts";
import { isInterruption, isZooKeeperError, StrangeStore, unknownOutcome } from "./zookeeper-errors.ts";
import { type Leaders, readEpoch } from "./zookeeper-leaders.ts";
import { makeNode } from "./zookeeper-node.ts";
import { type Item, type Transaction, transactionOf } from "./zookeeper-operations.ts";
import { outcomeOf, type Sent } from "./zookeeper-outcome.ts";
import { parentPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { positionOf, versionOf } from "./zookeeper-read.ts";
import type { Root } from "./zookeeper-root.ts";
import type { Session } from "./zookeeper-session.ts";
import type { Versions } from "./zookeeper-versions.ts";

/** One commit, ready to be sent. */
export interface Order {
  readonly items: readonly Item[];
  readonly epoch: number | undefined;
}

export interface Committed {
  readonly position: Position;
  /** Of all documents that were written; undefined when the answer was lost: then nothing is known of them but that they were written. */
  readonly version: number | undefined;
}

export type Attempted =
  | { readonly was: "done"; readonly committed: Partial<Committed> }
  /** These must not be tried again, each for its own reason; the others may. There is at least one. */
  | { readonly was: "refused"; readonly refusals: ReadonlyMap<Order, unknown> }
  /** Nothing was done, and it may be tried again as it is. */
  | { readonly was: "not done" };

export interface AttemptOptions {
  readonly url: string;
  readonly session: Session;
  readonly root: Pick<Root, "pin">;
  readonly versions: Versions;
  readonly leaders: Leaders;
  readonly acl: readonly Acl[];
}

type Prepared = Sent & { readonly transaction: Transaction };

/** How long a connection is waited for that tells whether a commit was done: longer than for any other, because the answer matters more. */
export const outcomeLimitMs = 12_000;

const notDone: Attempted = Object.freeze({ was: "not done" });

/** Throws what no order in particular is to blame for. */
export async function attempt(
  client: ZooKeeper,
  orders: readonly Order[],
  mark: string,
  options: AttemptOptions,
): Promise<Attempted> {
  const { session, versions } = options;
  let sent: Prepared | undefined;
  try {
    const unknown = orders.filter(({ items }) => !knows(versions, items));
    const conflicts = await Promise.all(unknown.map(({ items }) => look(client, items, options)));
    const refusals = new Map<Order, unknown>();
    for (const [index, order] of unknown.entries()) if (conflicts[index]) refusals.set(order, conflicts[index]);
    const epochs = new Map<number, number>();
    for (const order of orders) {
      const refusal = refusals.has(order) ? undefined : await fence(order, client, options.leaders, epochs);
      if (refusal) refusals.set(order, refusal);
    }
    if (refusals.size > 0) return { was: "refused", refusals };
    const isReady = orders.every(({ items }) => knows(versions, items)) && session.isUp && session.client === client;
    if (!isReady) return notDone;
    sent = prepare(orders, [...epochs], mark, options);
    const { results } = await client.multi(sent.transaction.ops);
    return { was: "done", committed: learn(sent, results, versions) };
  } catch (error) {
    if (error instanceof StrangeStore) return notDone;
    if (!isZooKeeperError(error)) throw error;
    return sent ? afterFailure(error, client, { sent, orders, options }) : afterReading(error);
  }
}

function afterReading(error: ZooKeeperError): Attempted {
  if (isInterruption(error)) return notDone;
  throw error;
}

function counterOf(versions: Versions, { key, version }: Item): number | undefined {
  return version === "absent" ? 0 : versions.counterOf(key, version);
}

function knows(versions: Versions, items: readonly Item[]): boolean {
  return versions.removals !== undefined && items.every((item) => counterOf(versions, item) !== undefined);
}

/** Learns what the items' documents are now. Returns the first conflict. */
async function look(
  client: ZooKeeper,
  items: readonly Item[],
  { session, versions }: AttemptOptions,
): Promise<Error | undefined> {
  const existing = items.filter(({ version }) => version !== "absent");
  const [removals, ...stats] = await Promise.all([
    client.exists(removalsPath),
    ...existing.map(({ key }) => client.exists(pathOfKey(key))),
  ]);
  if (!removals) {
    session.suspect(client);
    throw new StrangeStore();
  }
  versions.at(removals.version);
  for (const [index, { key, version }] of existing.entries()) {
    const stat = stats[index];
    const found = stat && versionOf(stat);
    if (!stat || found !== version) return conflictAt(key, version, found);
    versions.learn(key, { version: found, counter: stat.version }, removals.version);
  }
  return undefined;
}

/** Notes the counter that the order's epoch needs. Returns why it must not be written any more. */
async function fence(
  { epoch }: Order,
  client: ZooKeeper,
  leaders: Leaders,
  epochs: Map<number, number>,
): Promise<Error | undefined> {
  if (epoch === undefined) return undefined;
  const known = leaders.counterOf(epoch, client);
  const counter = known instanceof Promise ? await known : known;
  if (counter instanceof Error) return counter;
  epochs.set(epoch, counter);
  return undefined;
}

function prepare(
  orders: readonly Order[],
  epochs: readonly (readonly [epoch: number, counter: number])[],
  mark: string,
  { root, versions, acl }: AttemptOptions,
): Prepared {
  const items = orders.length === 1 ? (orders[0]?.items ?? []) : orders.flatMap((order) => order.items);
  // What holds now is what the answer, if it is lost, will be judged by.
  const counters = new Map<Item, number>();
  for (const item of items) if (item.version !== "absent") counters.set(item, counterOf(versions, item) ?? 0);
  const removals = versions.removals ?? 0;
  const counter = (item: Item) => counters.get(item) ?? 0;
  const transaction = transactionOf({ pin: root.pin(), items, counterOf: counter, removals, epochs, mark, acl });
  return { items, counterOf: counter, removals, mark, transaction };
}

/** The position and version of what was written; nothing for a commit that only checks. */
function learn(
  { items, counterOf, removals }: Sent,
  results: readonly OpResult[],
  versions: Versions,
): Partial<Committed> {
  const last = results.at(-1);
  if (last?.did !== "set") return {};
  const version = versionOf(last.stat);
  const removed = items.filter((item) => item.do === "remove").map(({ key }) => key);
  if (removed.length > 0) versions.removed(removed, removals);
  const now = removed.length > 0 ? (removals + 1) | 0 : removals;
  const created: string[] = [];
  for (const item of items) {
    if (item.do === "create") created.push(item.key);
    if (item.do === "set") versions.learn(item.key, { version, counter: (counterOf(item) + 1) | 0 }, now);
  }
  versions.learnAll(created, { version, counter: 0 }, now);
  return { position: positionOf(last.stat), version };
}

interface Failed {
  readonly sent: Prepared;
  readonly orders: readonly Order[];
  readonly options: AttemptOptions;
}

async function afterFailure(error: ZooKeeperError, client: ZooKeeper, failed: Failed): Promise<Attempted> {
  const { sent, orders, options } = failed;
  const { session, url } = options;
  const writes = sent.items.some((item) => item.do !== "check");
  if (writes && error.code === "connection-lost") {
    const looking = session.read((now) => outcomeOf(now, sent), outcomeLimitMs);
    const outcome = await looking.catch(() => ({ was: "unknown" }) as const);
    if (outcome.was === "unknown") return refused(orders, unknownOutcome(url, error));
    if (outcome.was === "not done") return notDone;
    return { was: "done", committed: { position: outcome.position, version: undefined } };
  }
  if (isInterruption(error)) return notDone;
  return afterRefusal(error, client, failed);
}

/** The servers have said which operation they refuse. */
async function afterRefusal(
  error: ZooKeeperError,
  client: ZooKeeper,
  { sent: { transaction }, orders, options: { session, versions, acl } }: Failed,
): Promise<Attempted> {
  const subject = error.failedIndex === undefined ? undefined : transaction.subjects[error.failedIndex];
  if (!subject || !isZooKeeperError(error, "bad-version", "no-node", "node-exists")) throw error;
  if (subject === "removals" && error.code === "bad-version") {
    versions.clear();
    return notDone;
  }
  if (subject === "store" || subject === "removals" || subject === "commits") {
    session.suspect(client);
    return notDone;
  }
  if (typeof subject === "number") {
    const found = (await session.read(readEpoch))?.epoch;
    const late = orders.filter(({ epoch }) => epoch === subject);
    return refused(late, deposed(subject, found));
  }
  const { key, version } = subject;
  if (subject.do === "create" && error.code === "no-node") {
    await session.read((now) => makeNode(now, parentPath(key), acl));
    return notDone;
  }
  versions.forget(key);
  const stat = await session.read((now) => now.exists(pathOfKey(key)));
  const blamed = orders.filter(({ items }) => items.includes(subject));
  return refused(blamed, conflictAt(key, version, stat && versionOf(stat)));
}

function refused(orders: readonly Order[], error: unknown): Attempted {
  return { was: "refused", refusals: new Map(orders.map((order) => [order, error])) };
}
