// Commits, each done once or not at all. Those that come while another is under way go together in one transaction: it costs the servers
// little more than one of them, and each keeps its own conflicts.
import { setTimeout as delay } from "node:timers/promises";
import type { Acl } from "../zookeeper/records.ts";
import { randomHex } from "./random-hex.ts";
import type { Position } from "./store.ts";
import { attempt, type Committed, type Order } from "./zookeeper-attempt.ts";
import { decidedElsewhere, isZooKeeperError, StrangeStore, translateError, unreachable } from "./zookeeper-errors.ts";
import type { Leaders } from "./zookeeper-leaders.ts";
import { bytesOf, type Item, transactionBytesLimit } from "./zookeeper-operations.ts";
import { commitsPath } from "./zookeeper-paths.ts";
import { positionOf } from "./zookeeper-read.ts";
import type { Root } from "./zookeeper-root.ts";
import type { Session } from "./zookeeper-session.ts";
import type { Versions } from "./zookeeper-versions.ts";

export interface CommitterOptions {
  readonly url: string;
  readonly chroot: string;
  readonly session: Session;
  readonly root: Pick<Root, "pin">;
  readonly versions: Versions;
  readonly leaders: Leaders;
  readonly acl: readonly Acl[];
  /** Called for each commit right when the servers' answer came, before anything that came behind it. */
  readonly onDone: (items: readonly Item[], committed: Committed) => void;
}

interface Waiting extends Order {
  /** Of the session, when it was asked for; 0: nothing had been seen of the store yet. */
  readonly generation: number;
  readonly bytes: number;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: unknown) => void;
}

/** In so many attempts in a row somebody else was first, or the connection failed; one that has settled a commit begins the count anew. */
const attemptsLimit = 100;
const pauseLimitMs = 50;
/** Commits in one transaction: when one of them is refused the others are sent again. */
const togetherLimit = 128;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #waiting: Waiting[] = [];
  #busy = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Throws OrchestraErrors only. Commits are done in the order of these calls. */
  write(items: readonly Item[], epoch: number | undefined): Promise<Committed> {
    const { chroot, acl, session } = this.#options;
    const { generation } = session;
    const bytes = bytesOf(items, chroot, acl);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, epoch, generation, bytes, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // Whoever was woken by the same answer writes now too.
      process.nextTick(() => void this.#work());
    });
  }

  /** How far the store has come. */
  position(): Promise<Position> {
    return this.#options.session.read(async (client) => {
      const [, commits] = await Promise.all([client.sync("/"), client.exists(commitsPath)]);
      if (!commits) {
        this.#options.session.suspect(client);
        throw new StrangeStore();
      }
      return positionOf(commits);
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) await this.#together(this.#waiting.splice(0, this.#fitting()));
    this.#busy = false;
  }

  #fitting(): number {
    let bytes = 0;
    const over = this.#waiting.findIndex((one, index) => {
      bytes += one.bytes;
      return index >= togetherLimit || (index > 0 && bytes > transactionBytesLimit);
    });
    return over < 0 ? this.#waiting.length : over;
  }

  /** Settles every one of them. */
  async #together(batch: readonly Waiting[]): Promise<void> {
    const { url, session } = this.#options;
    let left = batch;
    const refuse = (which: ReadonlyMap<Order, unknown>) => {
      for (const one of left) if (which.has(one)) one.reject(translateError(which.get(one), url));
      left = left.filter((one) => !which.has(one));
    };
    const refuseAll = (all: readonly Order[], error: unknown) => refuse(new Map(all.map((one) => [one, error])));
    // The same for all attempts: another one is only made when those before it were certainly not done.
    const mark = randomHex(4);
    for (let count = 1; left.length > 0 && count <= attemptsLimit; count += 1) {
      try {
        const client = await session.usable();
        // Versions of one store say nothing in another, and may stand for something else there.
        const strays = left.filter(({ generation }) => generation !== 0 && generation !== session.generation);
        if (strays.length > 0) refuseAll(strays, decidedElsewhere(url));
        if (left.length === 0) return;
        const result = await attempt(client, left, mark, this.#options);
        if (result.was === "done") return await this.#settle(left, result.committed);
        if (result.was === "refused") {
          const before = left.length;
          refuse(result.refusals);
          if (left.length < before) count = 0;
        }
      } catch (error) {
        // It cannot be told whose fault it is.
        if (left.length > 1 && isZooKeeperError(error)) return this.#apart(left);
        refuseAll(left, error);
      }
      if (count > 3) await delay(Math.random() * Math.min(count, pauseLimitMs));
    }
    refuseAll(left, unreachable(url, `${attemptsLimit} attempts to commit were overtaken by others'`));
  }

  async #apart(orders: readonly Waiting[]): Promise<void> {
    for (const order of orders) await this.#together([order]);
  }

  async #settle(orders: readonly Waiting[], { position, version }: Partial<Committed>): Promise<void> {
    // A commit that only checks is answered without a position.
    const committed = { position: position ?? (await this.position()), version };
    for (const { items, resolve } of orders) {
      this.#options.onDone(items, committed);
      resolve(committed);
    }
  }
}
