// A node that lives with our session: held until it is let go, gone, or may be gone as others see it. Never taken back once lost.
import { OrchestraError } from "../model/errors.ts";
import type { Stat } from "../zookeeper/records.ts";
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
  /** The transaction that made it. Absent where nobody else uses the path. */
  readonly czxid?: bigint;
}

/** Holds a node that this client's session has just made. */
export async function holdNode(
  session: Session,
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

  listen(session: Session): void {
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
      const stat = await client.exists(own.path);
      if (stat && isOwn(stat, client, own)) await client.delete(own.path, stat.version);
      return;
    } catch (error) {
      if (isZooKeeperError(error, "no-node")) return;
      // Both wait for the next connection by themselves, and fail for good with the session's end.
      if (!isZooKeeperError(error, "connection-lost", "not-sent") || isOver(client)) return;
    }
  }
}

function isOwn(stat: Stat | undefined, { sessionId }: ZooKeeper, { czxid }: Own): boolean {
  return stat?.ephemeralOwner === sessionId && (czxid === undefined || stat.czxid === czxid);
}

/** Nothing more can be asked of it, and nothing of it is left. */
export function isOver({ state }: ZooKeeper): boolean {
  return state === "expired" || state === "closed";
}
