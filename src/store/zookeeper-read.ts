// Reads documents in one go, with what makes the reading one moment: the counter of removals before, the counter of commits after.
import { OrchestraError } from "../model/errors.ts";
import type { ZooKeeperError } from "../zookeeper/errors.ts";
import type { NodeData, Stat } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { type Document, damagedDocument, parseDocument } from "./snapshot.ts";
import type { Position } from "./store.ts";
import { isZooKeeperError } from "./zookeeper-errors.ts";
import { childKey, commitsPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { decodeText } from "./zookeeper-text.ts";
import type { Versions } from "./zookeeper-versions.ts";

export interface Reading {
  /** Undefined where there is no document. */
  readonly found: ReadonlyMap<string, Document | undefined>;
  /** The counter of commits; undefined: the store's own nodes are gone. */
  readonly commits: Stat | undefined;
}

export interface ReadingOptions {
  /** Learns what is found. */
  readonly versions: Versions;
  /** Saves parsing what has not changed. */
  readonly known?: (key: string) => Document | undefined;
  /** Called in the order of the server's answers and events. */
  readonly onAnswer?: (key: string) => void;
}

/** Nodes in one request. Each may be as large as a document can be, and as many requests are under way as the client allows. */
const togetherLimit = 8;

/** All is asked for at once, so it is executed in this order. What nobody was told to have changed until the last answer is as of `commits`. */
export async function readDocuments(
  client: ZooKeeper,
  keys: Iterable<string>,
  { versions, known = () => undefined, onAnswer = () => {} }: ReadingOptions,
): Promise<Reading> {
  const found = new Map<string, Document | undefined>();
  let removals: number | undefined;
  let commits: Stat | undefined;
  const take = (key: string) => (node: Answer) => {
    onAnswer(key);
    found.set(key, documentOf(key, node, known(key)));
    if (!isNode(node) || removals === undefined) return;
    versions.learn(key, { version: versionOf(node.stat), counter: node.stat.version }, removals);
  };
  const before = (node: Answer) => {
    if (isNode(node)) removals = node.stat.version;
  };
  const after = (node: Answer) => {
    if (isNode(node)) commits = node.stat;
  };
  const documents = [...keys].map((key): Read => [pathOfKey(key), take(key)]);
  await readAll(client, [[removalsPath, before], ...documents, [commitsPath, after]]);
  return { found, commits };
}

type Read = readonly [path: string, take: (node: Answer) => unknown];

async function readAll(client: ZooKeeper, reads: readonly Read[]): Promise<void> {
  const requests: Promise<void>[] = [];
  for (let start = 0; start < reads.length; start += togetherLimit) {
    const some = reads.slice(start, start + togetherLimit);
    const answer = client.getMany(some.map(([path]) => path));
    const taken = answer.then(({ nodes }) => {
      for (const [index, [, take]] of some.entries()) take(answerOf(nodes[index]));
    });
    requests.push(taken);
  }
  // Each must have somebody who hears of its failure, also where an earlier one has failed.
  await Promise.allSettled(requests);
  await Promise.all(requests);
}

/** A node; or that it may not be read; or that there is none. */
export type Answer = NodeData | "forbidden" | undefined;

const isNode = (node: Answer): node is NodeData => typeof node === "object";

function answerOf(node: NodeData | ZooKeeperError | undefined): Answer {
  if (!(node instanceof Error)) return node;
  if (isZooKeeperError(node, "no-node")) return undefined;
  if (isZooKeeperError(node, "no-auth")) return "forbidden";
  throw node;
}

/** Each in its place. */
export async function readNodes(client: ZooKeeper, paths: readonly string[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  await readAll(
    client,
    paths.map((path) => [path, (node) => answers.push(node)]),
  );
  return answers;
}

export async function readNode(client: ZooKeeper, path: string): Promise<Answer> {
  return (await readNodes(client, [path]))[0];
}

/** The keys of the documents in a collection. */
export async function childrenOf(client: ZooKeeper, collection: string): Promise<string[]> {
  try {
    const { children } = await client.getChildren(pathOfKey(collection));
    return children.map((name) => childKey(collection, name));
  } catch (error) {
    // The first document makes it.
    if (isZooKeeperError(error, "no-node")) return [];
    throw error;
  }
}

/** A document's version: the transaction that wrote it. */
export function versionOf({ mzxid }: Stat): number {
  const version = Number(mzxid);
  // The upper half counts the ensemble's elections: two million of them fit.
  if (!Number.isSafeInteger(version)) throw new OrchestraError("bug", `the transaction number ${mzxid} is too large`);
  return version;
}

/** How often the node of commits was written. Java's counter wraps around below zero. */
export function positionOf({ version }: Stat): Position {
  return version >>> 0;
}

function documentOf(key: string, node: Answer, known: Document | undefined): Document | undefined {
  if (node === undefined) return undefined;
  if (node === "forbidden") return damagedDocument(key, -1, "these credentials may not read it");
  const version = versionOf(node.stat);
  if (known?.version === version) return known;
  // The node of a collection, which only holds others.
  if (node.data.length === 0 && !key.includes("/")) return undefined;
  return parseDocument(key, version, decodeText(node.data));
}
