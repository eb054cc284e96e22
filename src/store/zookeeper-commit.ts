// A commit: one transaction with all that must hold. Only when something is not known, or has moved on, does it look first.
import { setTimeout as delay } from "node:timers/promises";
import type { ZooKeeperError } from "../zookeeper/errors.ts";
import type { Acl, OpResult } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { conflictAt, deposed } from "./encode.ts";
import { randomHex } from "./random-hex.ts";
import type { Position } from "./store.ts";
import {
  isInterruption,
  isZooKeeperError,
  replacedStore,
  translateError,
  unknownOutcome,
  unreachable,
} from "./zookeeper-errors.ts";
import { type Leaders, readEpoch } from "./zookeeper-leaders.ts";
import { type Item, type Subject, type Transaction, transactionOf } from "./zookeeper-operations.ts";
import { outcomeOf, type Sent } from "./zookeeper-outcome.ts";
import { commitsPath, parentPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { positionOf, versionOf } from "./zookeeper-read.ts";
import type { Session } from "./zookeeper-session.ts";
import type { Versions } from "./zookeeper-versions.ts";

export interface CommitterOptions {
  readonly url: string;
  readonly session: Session;
  readonly versions: Versions;
  readonly leaders: Leaders;
  readonly acl: readonly Acl[];
}

export interface Committed {
  readonly position: Position;
  /** Of all documents that were written; undefined when the answer was lost: then nothing is known of them but that they were written. */
  readonly version: number | undefined;
}

/** In so many attempts in a row somebody else was first, or the connection failed. */
const attemptsLimit = 100;
const pauseLimitMs = 50;

/** One transaction, done once or not at all. Throws OrchestraErrors only. */
export class Committer {
  readonly #options: CommitterOptions;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  async write(items: readonly Item[], epoch: number | undefined): Promise<Committed> {
    const { session, url } = this.#options;
    // The same for all attempts: another one is only made when those before it were certainly not done.
    const mark = randomHex(4);
    for (let attempt = 1; attempt <= attemptsLimit; attempt += 1) {
      const client = await session.usable();
      let sent: (Sent & { readonly transaction: Transaction }) | undefined;
      try {
        if (!this.#knows(items)) await this.#look(client, items);
        const asked = epoch === undefined ? undefined : this.#options.leaders.counterOf(epoch, client);
        const counter = typeof asked === "object" ? await asked : asked;
        if (this.#knows(items) && session.isUp && session.client === client) {
          sent = this.#prepare(items, counter, mark);
          const { results } = await client.multi(sent.transaction.ops);
          return this.#learn(sent, results) ?? { position: await this.position(), version: undefined };
        }
      } catch (error) {
        const done = await this.#afterFailure(error, sent, epoch);
        if (done) return done;
      }
      if (attempt > 3) await delay(Math.random() * Math.min(attempt, pauseLimitMs));
    }
    throw unreachable(url, `${attemptsLimit} attempts to commit were overtaken by others'`);
  }

  /** How far the store has come. */
  position(): Promise<Position> {
    return this.#options.session.read(async (client) => {
      const [, commits] = await Promise.all([client.sync("/"), client.exists(commitsPath)]);
      if (!commits) throw replacedStore(this.#options.url, "has been removed");
      return positionOf(commits);
    });
  }

  #counterOf({ key, version }: Item): number | undefined {
    return version === "absent" ? 0 : this.#options.versions.counterOf(key, version);
  }

  #knows(items: readonly Item[]): boolean {
    const { versions } = this.#options;
    return versions.removals !== undefined && items.every((item) => this.#counterOf(item) !== undefined);
  }

  /** Learns what the items' documents are now. Throws the first conflict. */
  async #look(client: ZooKeeper, items: readonly Item[]): Promise<void> {
    const { versions, url } = this.#options;
    const existing = items.filter(({ version }) => version !== "absent");
    const [removals, ...stats] = await Promise.all([
      client.exists(removalsPath),
      ...existing.map(({ key }) => client.exists(pathOfKey(key))),
    ]);
    if (!removals) throw replacedStore(url, "has been removed");
    versions.at(removals.version);
    existing.forEach(({ key, version }, index) => {
      const stat = stats[index];
      const found = stat && versionOf(stat);
      if (!stat || found !== version) throw conflictAt(key, version, found);
      versions.learn(key, { version: found, counter: stat.version }, removals.version);
    });
  }

  #prepare(items: readonly Item[], epoch: number | undefined, mark: string): Sent & { transaction: Transaction } {
    const { versions, acl } = this.#options;
    // What holds now is what the answer, if it is lost, will be judged by.
    const counters = new Map(items.map((item) => [item, this.#counterOf(item) ?? 0]));
    const counterOf = (item: Item) => counters.get(item) ?? 0;
    const removals = versions.removals ?? 0;
    const transaction = transactionOf({ items, counterOf, removals, epoch, mark, acl });
    return { items, counterOf, removals, mark, transaction };
  }

  /** The position and version of what was written; undefined for a commit that only checks. */
  #learn({ items, counterOf, removals }: Sent, results: readonly OpResult[]): Committed | undefined {
    const { versions } = this.#options;
    const last = results.at(-1);
    if (last?.did !== "set") return undefined;
    const version = versionOf(last.stat);
    const removed = items.filter((item) => item.do === "remove").map(({ key }) => key);
    if (removed.length > 0) versions.removed(removed, removals);
    const now = removed.length > 0 ? (removals + 1) | 0 : removals;
    for (const item of items) {
      if (item.do === "create") versions.learn(item.key, { version, counter: 0 }, now);
      if (item.do === "set") versions.learn(item.key, { version, counter: (counterOf(item) + 1) | 0 }, now);
    }
    return { position: positionOf(last.stat), version };
  }

  /** What was done after all. Undefined: nothing was, and another attempt may be made. Throws what it failed with. */
  async #afterFailure(
    error: unknown,
    sent: (Sent & { readonly transaction: Transaction }) | undefined,
    epoch: number | undefined,
  ): Promise<Committed | undefined> {
    const { session, url } = this.#options;
    if (!isZooKeeperError(error)) throw error;
    const writes = sent?.items.some((item) => item.do !== "check") === true;
    if (sent && writes && error.code === "connection-lost") {
      const outcome = await session
        .read((client) => outcomeOf(client, sent))
        .catch(() => ({ was: "unknown" }) as const);
      if (outcome.was === "unknown") throw unknownOutcome(url, error);
      return outcome.was === "done" ? { position: outcome.position, version: undefined } : undefined;
    }
    if (isInterruption(error)) return undefined;
    const subject = error.failedIndex === undefined ? undefined : sent?.transaction.subjects[error.failedIndex];
    if (subject === undefined) throw translateError(error, url);
    await this.#afterRefusal(error, subject, epoch ?? -1);
    return undefined;
  }

  /** Returns when another attempt may succeed. */
  async #afterRefusal(error: ZooKeeperError, subject: Subject, epoch: number): Promise<void> {
    const { session, versions, url, acl } = this.#options;
    if (!isZooKeeperError(error, "bad-version", "no-node", "node-exists")) throw translateError(error, url);
    if (subject === "removals" && error.code === "bad-version") return versions.clear();
    if (subject === "removals" || subject === "commits") throw replacedStore(url, "has been removed");
    if (subject === "epoch") throw deposed(epoch, (await session.read(readEpoch))?.epoch);
    const { key, version } = subject;
    if (subject.do === "create" && error.code === "no-node") {
      return session.read((client) => makeNode(client, parentPath(key), acl));
    }
    versions.forget(key);
    const stat = await session.read((client) => client.exists(pathOfKey(key)));
    throw conflictAt(key, version, stat && versionOf(stat));
  }
}

/** A node that only holds others; it may have been made meanwhile. */
export async function makeNode(client: ZooKeeper, path: string | undefined, acl: readonly Acl[]): Promise<void> {
  try {
    if (path !== undefined) await client.create(path, new Uint8Array(), { mode: "persistent", acl });
  } catch (error) {
    if (!isZooKeeperError(error, "node-exists")) throw error;
  }
}
