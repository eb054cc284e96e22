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
  const { path } = own;
  const lost = new AbortController();
  const endings: (() => void)[] = [];
  const lose = (why: string) => {
    if (lost.signal.aborted) return;
    for (const end of endings) end();
    lost.abort(new OrchestraError("unavailable", why));
  };
  /** What happened while nobody listened. */
  const look = async () => {
    const stat = await client.exists(path);
    if (!isOwn(stat, client, own)) lose(`${path} was removed from outside`);
  };
  let timer: NodeJS.Timeout | undefined;
  // Its removal may never be told.
  const lookLater = () => {
    timer = recheckLater(recheckMs, () => {
      look().catch(() => {});
      if (!lost.signal.aborted) lookLater();
    });
  };
  lookLater();
  endings.push(
    () => clearTimeout(timer),
    session.listen({
      up: (now) => {
        if (now !== client) lose("the session with the store has ended");
        // Should the connection fail again, it is looked at with the next one.
        else look().catch(() => {});
      },
      doubt(why) {
        lose(why);
        // The session may live on after all: then it must not hold what nobody here believes to hold.
        void removeOwn(client, own);
      },
      ended: () => lose("the session with the store has ended"),
    }),
  );
  try {
    // Recursive only because a path has watches of one mode, and a view may look at the same node.
    const watch = client.addWatch(path, "recursive", ({ type }) => {
      if (type === "deleted") lose(`${path} was removed from outside`);
    });
    const [watching] = await Promise.all([watch, look()]);
    endings.push(() => void watching.remove());
    if (lost.signal.aborted) void watching.remove();
  } catch (error) {
    lose("it could not be watched");
    void removeOwn(client, own);
    throw error;
  }
  return {
    lost: lost.signal,
    async letGo(why) {
      lose(why);
      await removeOwn(client, own);
    },
  };
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
