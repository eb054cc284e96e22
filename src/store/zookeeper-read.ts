// Reads documents in one go, with what makes the reading one moment: the counter of removals before, the counter of commits after.

import { messageOf, OrchestraError } from "../model/errors.ts";
import type { Stat } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { type Document, parseDocument } from "./snapshot.ts";
import type { Position } from "./store.ts";
import { isZooKeeperError } from "./zookeeper-errors.ts";
import { childKey, commitsPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { decodeText } from "./zookeeper-text.ts";
import type { Versions } from "./zookeeper-versions.ts";

/** What a document's node holds. */
export type Found =
  | { readonly is: "document"; readonly document: Document }
  | { readonly is: "absent" }
  /** Somebody wrote what is no JSON. */
  | { readonly is: "damaged"; readonly version: number; readonly why: string };

export interface Reading {
  readonly found: ReadonlyMap<string, Found>;
  /** Undefined: the store's own nodes are gone. */
  readonly position: Position | undefined;
}

const absent: Found = Object.freeze({ is: "absent" });

export interface ReadingOptions {
  /** Learns what is found. */
  readonly versions: Versions;
  /** Saves parsing what has not changed. */
  readonly known?: (key: string) => Document | undefined;
  /** Called in the order of the server's answers and events. */
  readonly onAnswer?: (key: string) => void;
}

/** All is asked for at once, so it is executed in this order. What nobody was told to have changed until the last answer is as of `position`. */
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
  const found = new Map<string, Found>();
  for (const [key, reading] of nodes) {
    const node = await reading;
    if (node === "forbidden") {
      found.set(key, { is: "damaged", version: -1, why: "these credentials may not read it" });
      continue;
    }
    found.set(key, node ? parse(key, node.data, node.stat, known(key)) : absent);
    if (node && counter !== undefined) {
      versions.learn(key, { version: versionOf(node.stat), counter: node.stat.version }, counter);
    }
  }
  const last = await commits;
  return { found, position: last && positionOf(last) };
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

function parse(key: string, data: Uint8Array, stat: Stat, known: Document | undefined): Found {
  const version = versionOf(stat);
  if (known?.version === version) return { is: "document", document: known };
  // The node of a collection, which only holds others.
  if (data.length === 0) return absent;
  try {
    return { is: "document", document: parseDocument(key, version, decodeText(data)) };
  } catch (error) {
    return { is: "damaged", version, why: messageOf(error) };
  }
}
