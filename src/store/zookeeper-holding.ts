// A node that lives with our session: held until it is let go, gone, or may be gone as others see it. Never taken back once lost.
import { OrchestraError } from "../model/errors.ts";
import type { Op, Stat } from "../zookeeper/records.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { isZooKeeperError } from "./zookeeper-errors.ts";
import { recheckLater } from "./zookeeper-recheck.ts";
import type { Session } from "./zookeeper-session.ts";

export interface Holding {
  readonly lost: AbortSignal;
  /** Fires `lost` at once, and resolves when the node is gone, by our hand or with the session. Leaves another's node in its place alone. */
  letGo(why: string): Promise<void>;
}

/** Which node it is: a path may hold another one later. */
export interface Own {
  readonly path: string;
  /** Absent where nobody else uses the path. */
  readonly shared?: {
    /** The transaction that made it. */
    readonly czxid: bigint;
    /** The node that each transaction writes that makes one at this path. */
    readonly counter: string;
  };
}

/** Holds a node that this client's session has just made. */
export async function holdNode(
  session: Pick<Session, "listen">,
  client: ZooKeeper,
  own: Own,
  recheckMs: number | undefined,
): Promise<Holding> {
  const held = new HeldNode(client, own);
  held.listen(session);
  held.lookLater(recheckMs);
  await held.watch();
  return held;
}

class HeldNode implements Holding {
  readonly #client: ZooKeeper;
  readonly #own: Own;
  readonly #lost = new AbortController();
  readonly #endings: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(client: ZooKeeper, own: Own) {
    this.#client = client;
    this.#own = own;
    this.#endings.push(() => clearTimeout(this.#timer));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async letGo(why: string): Promise<void> {
    this.#lose(why);
    await this.#remove();
  }

  listen(session: Pick<Session, "listen">): void {
    const stop = session.listen({
      up: (now) => {
        if (now !== this.#client) this.#lose(sessionEnded);
        // Should the connection fail again, it is looked at with the next one.
        else this.#look().catch(() => {});
      },
      doubt: (why) => {
        this.#lose(why);
        // The session may live on after all: then it must not hold what nobody here believes to hold.
        void this.#remove();
      },
      ended: () => this.#lose(sessionEnded),
    });
    this.#endings.push(stop);
  }

  /** Its removal may never be told. */
  lookLater(recheckMs: number | undefined): void {
    this.#timer = recheckLater(recheckMs, () => {
      this.#look().catch(() => {});
      if (!this.lost.aborted) this.lookLater(recheckMs);
    });
  }

  /** Throws when it cannot be watched: then it is not held either. */
  async watch(): Promise<void> {
    const { path } = this.#own;
    try {
      // Recursive only because a path has watches of one mode, and a view may look at the same node.
      const watch = this.#client.addWatch(path, "recursive", ({ type }) => {
        if (type === "deleted") this.#lose(removedFromOutside(path));
      });
      const [watching] = await Promise.all([watch, this.#look()]);
      this.#endings.push(() => void watching.remove());
      if (this.lost.aborted) void watching.remove();
    } catch (error) {
      this.#lose("it could not be watched");
      void this.#remove();
      throw error;
    }
  }

  /** What happened while nobody listened. */
  async #look(): Promise<void> {
    const { path } = this.#own;
    if (!isOwn(await this.#client.exists(path), this.#client, this.#own)) this.#lose(removedFromOutside(path));
  }

  #lose(why: string): void {
    if (this.lost.aborted) return;
    for (const end of this.#endings) end();
    this.#lost.abort(new OrchestraError("unavailable", why));
  }

  #remove(): Promise<void> {
    return removeOwn(this.#client, this.#own);
  }
}

const sessionEnded = "the session with the store has ended";

function removedFromOutside(path: string): string {
  return `${path} was removed from outside`;
}

/** Removes the node if it is this session's. Goes on until it is gone, or the session is: a node that is left behind would block its place. */
async function removeOwn(client: ZooKeeper, own: Own): Promise<void> {
  for (;;) {
    try {
      return await tryRemove(client, own);
    } catch (error) {
      if (isZooKeeperError(error, "no-node")) return;
      // Somebody came meanwhile, here or elsewhere.
      if (isZooKeeperError(error, "bad-version")) continue;
      // Both wait for the next connection by themselves, and fail for good with the session's end.
      if (!isZooKeeperError(error, "connection-lost", "not-sent") || isOver(client)) return;
    }
  }
}

/**
 * Every node begins with version 0, so a successor's at the same path cannot be told from ours by it. But nobody has come while the counter, read
 * before the node, stands.
 */
async function tryRemove(client: ZooKeeper, own: Own): Promise<void> {
  const { path, shared } = own;
  const [counter, stat] = await Promise.all([shared && client.exists(shared.counter), client.exists(path)]);
  if (!stat || !isOwn(stat, client, own)) return;
  const ops: Op[] = [{ do: "delete", path, version: stat.version }];
  if (shared && counter) ops.unshift({ do: "check", path: shared.counter, version: counter.version });
  await client.multi(ops);
}

function isOwn(stat: Stat | undefined, { sessionId }: ZooKeeper, { shared }: Own): boolean {
  return stat?.ephemeralOwner === sessionId && (!shared || stat.czxid === shared.czxid);
}

/** Nothing more can be asked of it, and nothing of it is left. */
export function isOver({ state }: ZooKeeper): boolean {
  return state === "expired" || state === "closed";
}
