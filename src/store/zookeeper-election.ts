// Election: everyone who wants to lead has a node with a rising number, and the lowest leads. Each watches only the one before it,
// so the end of a leader wakes one process and not all.

import { OrchestraError } from "../model/errors.ts";
import type { Acl, Op } from "../zookeeper/records.ts";
import type { Watch, ZooKeeper } from "../zookeeper/zookeeper.ts";
import { checkKey } from "./encode.ts";
import { randomHex } from "./random-hex.ts";
import { epochElection, type Leadership } from "./store.ts";
import { isInterruption, isZooKeeperError, translateError } from "./zookeeper-errors.ts";
import { type Holding, holdNode, isOver } from "./zookeeper-holding.ts";
import { epochPath, type Leaders, readEpoch } from "./zookeeper-leaders.ts";
import { makeNode } from "./zookeeper-node.ts";
import { commitsPath, electionPath, electionsPath } from "./zookeeper-paths.ts";
import { recheckLater } from "./zookeeper-recheck.ts";
import type { Root } from "./zookeeper-root.ts";
import type { Session } from "./zookeeper-session.ts";

export interface ElectionOptions {
  readonly url: string;
  readonly session: Session;
  readonly root: Pick<Root, "pin">;
  readonly leaders: Leaders;
  readonly acl: readonly Acl[];
  /** How often it is looked whether something was not told. */
  readonly recheckMs: number | undefined;
}

interface Candidate {
  readonly client: ZooKeeper;
  readonly path: string;
  readonly holding: Holding;
}

export function openElection({ url, session, root, leaders, acl, recheckMs }: ElectionOptions) {
  const stand = async (name: string): Promise<Candidate> => {
    const client = await session.usable();
    const path = await enter(client, name, root.pin(), acl);
    return { client, path, holding: await holdNode(session, client, { path }, recheckMs) };
  };

  const takeEpoch = async (client: ZooKeeper, path: string, lost: AbortSignal): Promise<number> => {
    const { epoch, counter } = await raiseEpoch(client, path, root.pin(), acl);
    if (!lost.aborted) leaders.began(epoch, counter, lost);
    return epoch;
  };

  /** Undefined when this candidacy has come to nothing. */
  const tryLead = async (name: string, stop: AbortSignal): Promise<Leadership | undefined> => {
    const candidate = await stand(name);
    const { client, path, holding } = candidate;
    try {
      await turnOf(candidate, name, AbortSignal.any([stop, holding.lost]), { session, recheckMs });
      const epoch = name === epochElection ? await takeEpoch(client, path, holding.lost) : 0;
      stop.throwIfAborted();
      if (holding.lost.aborted) return undefined;
      const resign = () => holding.letGo(`the leader of ${name} has resigned`);
      return { epoch, signal: holding.lost, resign };
    } catch (error) {
      // Nobody else can be elected before the node is gone.
      void holding.letGo("the candidate has given up");
      throw error;
    }
  };

  const isLed = async (name: string): Promise<boolean> => {
    checkKey(`elections/${name}`);
    return session.read((client) => hasCandidate(client, name));
  };

  const elect = async (name: string, stop: AbortSignal): Promise<Leadership> => {
    checkKey(`elections/${name}`);
    for (;;) {
      stop.throwIfAborted();
      try {
        const leadership = await tryLead(name, stop);
        if (leadership) return leadership;
      } catch (error) {
        stop.throwIfAborted();
        if (isZooKeeperError(error, "no-node")) session.suspect(session.client);
        // A candidacy that was lost, or removed from outside, is followed by a new one; the wait for a connection has a limit.
        if (!isInterruption(error) && !(error instanceof LostCandidacy)) throw translateError(error, url);
      }
    }
  };
  return { elect, isLed };
}

class LostCandidacy extends Error {}

/** Makes a candidate's node. The token in its name finds it again where the answer was lost: a node that nobody knows of would lead for ever. */
async function enter(client: ZooKeeper, name: string, pin: Op, acl: readonly Acl[]): Promise<string> {
  const parent = electionPath(name);
  const token = randomHex(8);
  for (;;) {
    try {
      const data = new Uint8Array();
      const { results } = await client.multi([
        pin,
        { do: "create", path: `${parent}/${token}-`, data, mode: "ephemeral-sequential", acl },
      ]);
      const made = results[1];
      if (made?.did !== "create")
        throw new OrchestraError("bug", `the servers did not say what they made of ${parent}`);
      return made.path;
    } catch (error) {
      // Without the pin it is another store, where nobody is to be kept from leading.
      if (isZooKeeperError(error, "no-node") && error.failedIndex !== 0) {
        await makeNode(client, electionsPath, acl);
        await makeNode(client, parent, acl);
      } else if (isZooKeeperError(error, "connection-lost")) {
        const found = await findCandidate(client, name, token);
        if (found) return `${parent}/${found}`;
      } else throw error;
    }
  }
}

/** Goes on over failing connections, until the session is over: then the node is gone too. */
async function findCandidate(client: ZooKeeper, name: string, token: string): Promise<string | undefined> {
  for (;;) {
    try {
      await client.sync("/");
      return (await candidatesOf(client, name)).find((candidate) => candidate.startsWith(token));
    } catch (error) {
      if (isOver(client) || !isInterruption(error)) throw error;
    }
  }
}

/** One of all that stand leads. */
async function hasCandidate(client: ZooKeeper, name: string): Promise<boolean> {
  try {
    // Without it a server that lags behind might not know yet who has come or gone.
    const synced = client.sync("/");
    const [candidates] = await Promise.all([candidatesOf(client, name), synced]);
    return candidates.length > 0;
  } catch (error) {
    if (isZooKeeperError(error, "no-node")) return false;
    throw error;
  }
}

/** In the order in which they lead. */
async function candidatesOf(client: ZooKeeper, name: string): Promise<string[]> {
  const { children } = await client.getChildren(electionPath(name));
  const numberOf = (candidate: string) => Number(candidate.slice(candidate.indexOf("-") + 1));
  return children.sort((a, b) => numberOf(a) - numberOf(b));
}

/** Resolves when nobody is before this candidate. Throws when `stop` fires. */
async function turnOf(
  { client, path }: Candidate,
  name: string,
  stop: AbortSignal,
  options: Pick<ElectionOptions, "session" | "recheckMs">,
): Promise<void> {
  for (;;) {
    if (stop.aborted) throw new LostCandidacy();
    const candidates = await candidatesOf(client, name);
    const index = candidates.indexOf(path.slice(path.lastIndexOf("/") + 1));
    if (index < 0) throw new LostCandidacy();
    if (index === 0) return;
    await gone(client, `${electionPath(name)}/${candidates[index - 1]}`, stop, options);
  }
}

/** Resolves when the node is gone, or when it must be looked at again. */
async function gone(
  client: ZooKeeper,
  path: string,
  stop: AbortSignal,
  { session, recheckMs }: Pick<ElectionOptions, "session" | "recheckMs">,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stopListening = session.listen({ up: () => resolve() });
  const timer = recheckLater(recheckMs, resolve);
  const onStop = () => resolve();
  stop.addEventListener("abort", onStop);
  let watch: Watch | undefined;
  try {
    watch = await client.addWatch(path, "recursive", ({ type }) => {
      if (type === "deleted") resolve();
    });
    if (await client.exists(path)) await promise;
  } finally {
    // A standby comes here again and again for as long as it stands by.
    stop.removeEventListener("abort", onStop);
    stopListening();
    clearTimeout(timer);
    void watch?.remove();
  }
}

/** Raises the epoch, as long as the candidate's node stands. An answer that is lost costs one number: it is raised again. */
async function raiseEpoch(
  client: ZooKeeper,
  candidate: string,
  pin: Op,
  acl: readonly Acl[],
): Promise<{ epoch: number; counter: number }> {
  for (;;) {
    const before = await readEpoch(client);
    const epoch = (before?.epoch ?? 0) + 1;
    const data = Buffer.from(JSON.stringify({ epoch }));
    try {
      await client.multi([
        { do: "check", path: candidate, version: 0 },
        before
          ? { do: "set", path: epochPath, data, version: before.counter }
          : { do: "create", path: epochPath, data, mode: "persistent", acl },
        { do: "set", path: commitsPath, data: new Uint8Array(), version: -1 },
        pin,
      ]);
      return { epoch, counter: before ? (before.counter + 1) | 0 : 0 };
    } catch (error) {
      if (!isZooKeeperError(error, "no-node", "bad-version", "node-exists")) throw error;
      if (error.failedIndex === 0) throw new LostCandidacy();
      if (error.failedIndex === 2 || error.failedIndex === 3) throw error;
    }
  }
}
