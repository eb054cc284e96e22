// Reads documents in one go, with what makes the reading one moment: the counter of removals before, the counter of commits after.

import { OrchestraError } from "../model/errors.ts";
import type { Stat } from "../zookeeper/records.ts";
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

/** All is asked for at once, so it is executed in this order. What nobody was told to have changed until the last answer is as of `commits`. */
export async function readDocuments(
  client: ZooKeeper,
  keys: Iterable<string>,
  { versions, known = () => undefined, onAnswer = () => {} }: ReadingOptions,
): Promise<Reading> {
  const removals = client.exists(removalsPath);
  const nodes = [...keys].map((key) => {
    const node = readNode(client, pathOfKey(key)).then((answer) => {
      onAnswer(key);
      return answer;
    });
    return [key, node] as const;
  });
  const commits = client.exists(commitsPath);
  // Each must have somebody who hears of its failure, also where an earlier one has failed.
  await Promise.allSettled([removals, commits, ...nodes.map(([, node]) => node)]);
  const counter = (await removals)?.version;
  const found = new Map<string, Document | undefined>();
  for (const [key, reading] of nodes) {
    const node = await reading;
    if (node === "forbidden") {
      found.set(key, damagedDocument(key, -1, "these credentials may not read it"));
      continue;
    }
    found.set(key, node && parse(key, node.data, node.stat, known(key)));
    if (node && counter !== undefined) {
      versions.learn(key, { version: versionOf(node.stat), counter: node.stat.version }, counter);
    }
  }
  return { found, commits: await commits };
}

export interface Node {
  readonly data: Uint8Array;
  readonly stat: Stat;
}

/** Undefined where there is none. */
export async function readNode(client: ZooKeeper, path: string): Promise<Node | "forbidden" | undefined> {
  try {
    return await client.getData(path);
  } catch (error) {
    if (isZooKeeperError(error, "no-node")) return undefined;
    if (isZooKeeperError(error, "no-auth")) return "forbidden";
    throw error;
  }
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

function parse(key: string, data: Uint8Array, stat: Stat, known: Document | undefined): Document | undefined {
  const version = versionOf(stat);
  if (known?.version === version) return known;
  // The node of a collection, which only holds others.
  if (data.length === 0 && !key.includes("/")) return undefined;
  return parseDocument(key, version, decodeText(data));
}
