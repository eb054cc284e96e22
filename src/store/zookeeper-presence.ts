// Presence: a document that exists as long as the session of the process that wrote it.

import { OrchestraError } from "../model/errors.ts";
import { collectionOf, type Key, nameOf } from "../model/keys.ts";
import type { Acl, Op } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { checkKey, encodeValue } from "./encode.ts";
import type { JoinOptions, Presence } from "./store.ts";
import { isInterruption, isZooKeeperError, translateError, unreachable } from "./zookeeper-errors.ts";
import { type Holding, holdNode } from "./zookeeper-holding.ts";
import { makeNode } from "./zookeeper-node.ts";
import { parentPath, pathOfKey } from "./zookeeper-paths.ts";
import type { Root } from "./zookeeper-root.ts";
import type { Session } from "./zookeeper-session.ts";
import { parseText } from "./zookeeper-text.ts";

export interface PresenceOptions {
  readonly url: string;
  readonly session: Session;
  readonly root: Pick<Root, "pin">;
  readonly acl: readonly Acl[];
  /** How often it is looked whether something was not told. */
  readonly recheckMs: number | undefined;
}

/** Each is spent on another process that came or went at the same moment, or on a connection that failed. */
const attemptsLimit = 20;

type Replaces<T> = (holder: T) => boolean;

export function openPresence({ url, session, root, acl, recheckMs }: PresenceOptions) {
  const joined = new Set<string>();

  /** Undefined: somebody came or went at the same moment, so it is to be tried again. */
  const tryJoin = async <T>(key: Key<T>, data: Uint8Array, replaces: Replaces<T>): Promise<Holding | undefined> => {
    const client = await session.usable();
    const [path, counter] = [pathOfKey(key), pathOfKey(collectionOf(key))];
    const place: Place = { client, pin: root.pin(), path, counter, data, acl };
    try {
      const czxid = (await make(place)) ?? (await takeOver(key, replaces, place));
      return czxid === undefined
        ? undefined
        : await holdNode(session, client, { path, shared: { czxid, counter } }, recheckMs);
    } catch (error) {
      // A node that was made without our hearing of it is found by the next attempt.
      if (isInterruption(error)) return undefined;
      if (!isZooKeeperError(error, "no-node")) throw error;
      // It may be another store's place by now.
      if (error.failedIndex === 0) session.suspect(client);
      else await session.read((now) => makeNode(now, parentPath(key), acl));
      return undefined;
    }
  };

  return async function join<T>(
    key: Key<T>,
    value: T,
    { replaces = () => false }: JoinOptions<T> = {},
  ): Promise<Presence> {
    checkKey(key);
    if (collectionOf(key) !== "presence") throw new OrchestraError("bug", `${key} cannot be joined: it is no presence`);
    const data = Buffer.from(encodeValue(key, value));
    if (joined.has(key)) throw heldByOther(key, value);
    joined.add(key);
    try {
      for (let attempt = 1; attempt <= attemptsLimit; attempt += 1) {
        const holding = await tryJoin(key, data, replaces);
        if (!holding) continue;
        const forget = () => void joined.delete(key);
        if (holding.lost.aborted) forget();
        else holding.lost.addEventListener("abort", forget, { once: true });
        return { lost: holding.lost, leave: () => holding.letGo(`${key} has left`) };
      }
      throw unreachable(url, `${key} could not be joined: others come and go too fast`);
    } catch (error) {
      joined.delete(key);
      throw translateError(error, url);
    }
  };
}

/** Where the node is made, and what it says. */
interface Place {
  readonly client: ZooKeeper;
  /** Fails in another store than the one that was meant: nobody is to be seen there. */
  readonly pin: Op;
  readonly path: string;
  /** Written by all who come: whoever leaves must not take its successor's node for its own. */
  readonly counter: string;
  readonly data: Uint8Array;
  readonly acl: readonly Acl[];
}

/** Our node, made and counted. */
function nodeOf({ path, counter, data, acl }: Place): Op[] {
  return [
    { do: "create", path, data, mode: "ephemeral", acl },
    { do: "set", path: counter, data: new Uint8Array(), version: -1 },
  ];
}

/** The transaction that made the node; undefined when there is one already. */
async function make(place: Place): Promise<bigint | undefined> {
  try {
    return (await place.client.multi([place.pin, ...nodeOf(place)])).zxid;
  } catch (error) {
    if (isZooKeeperError(error, "node-exists")) return undefined;
    throw error;
  }
}

/** Puts our node in the place of one that may be replaced. Throws the conflict with one that may not; undefined when it has gone by itself. */
async function takeOver<T>(key: Key<T>, replaces: Replaces<T>, place: Place): Promise<bigint | undefined> {
  const { client, pin, path } = place;
  try {
    const found = await client.getData(path);
    const holder = parseText<T>(found.data);
    // Our own session's: of a holding that was given up, or made by a request whose answer was lost.
    const isOurs = found.stat.ephemeralOwner === client.sessionId;
    if (!isOurs && !(holder !== undefined && replaces(holder))) throw heldByOther(key, holder);
    const { zxid } = await client.multi([pin, { do: "delete", path, version: found.stat.version }, ...nodeOf(place)]);
    return zxid;
  } catch (error) {
    const isOther = isZooKeeperError(error, "no-node") && error.failedIndex === 0;
    if (!isOther && isZooKeeperError(error, "no-node", "node-exists", "bad-version")) return undefined;
    throw error;
  }
}

function heldByOther(key: string, holder: unknown): OrchestraError {
  const pid = typeof holder === "object" && holder !== null && "pid" in holder ? ` (pid ${String(holder.pid)})` : "";
  return new OrchestraError("conflict", `another process${pid} runs as ${nameOf(key)} on this store`, {
    hint: "stop it first, or give this one another name or store; one that was killed is forgotten after some seconds",
    details: { key, holder },
  });
}
