// A ZooKeeper client of its own (docs/decisions/0004): sessions, transactions, persistent watches, and only what orchestra calls.
// Talks to the servers it is given and to nothing else; imports no other room, so it could live in a package of its own.
import { Client } from "./client.ts";
import type { ZooKeeperError } from "./errors.ts";
import type { SessionState, ZooKeeperOptions } from "./options.ts";
import type { Acl, Created, CreateOptions, NodeData, Op, OpResult, Stat, WatchEvent, WatchMode } from "./records.ts";
import type { Watch } from "./watches.ts";

export type { Credentials, Server, SessionEvent, SessionState, TlsOptions, ZooKeeperOptions } from "./options.ts";
export type { Watch } from "./watches.ts";

/**
 * Every operation throws ZooKeeperError. At a disconnection what is in flight fails: `connection-lost` when bytes may have left, `not-sent` when
 * none has; nothing is repeated. What is asked for while disconnected waits for the connection, and fails `not-sent` with the session's end.
 * Operations are executed in the order in which they are called. `zxid` is the server's last processed transaction when it answered.
 * A watch's listener is called synchronously, in the order of the server's stream: before the reply of any request that saw the change,
 * and after everything that awaits an earlier reply has run. Data that is read is a view into a larger buffer: copy what is kept for long.
 */
export interface ZooKeeper {
  /** The first connection, or a clear error within a limit (then the client is closed). */
  readonly ready: Promise<void>;
  readonly state: SessionState;
  /** 0n before the first connection. */
  readonly sessionId: bigint;
  /** As the server gave it. */
  readonly sessionTimeoutMs: number;
  /**
   * On the scale of `performance.now()`: until then the session is certainly alive, and so are its ephemeral nodes. Moves on with every answer of the
   * server. A leader stops before it: `state` leaves "connected" a sixth of the timeout earlier, and becomes "expired" at that moment.
   */
  readonly aliveUntilMs: number;
  /** Called synchronously at each change, before the operations in flight fail. The result ends it. */
  onState(listener: (state: SessionState) => void): () => void;

  create(path: string, data: Uint8Array, options: CreateOptions): Promise<Created>;
  delete(path: string, version: number): Promise<{ readonly zxid: bigint }>;
  exists(path: string): Promise<Stat | undefined>;
  getData(path: string): Promise<NodeData & { readonly zxid: bigint }>;
  /** In one request, in this order. What cannot be read has its error in its place; throws only when nothing was answered. */
  getMany(
    paths: readonly string[],
  ): Promise<{ readonly zxid: bigint; readonly nodes: readonly (NodeData | ZooKeeperError)[] }>;
  setData(path: string, data: Uint8Array, version: number): Promise<{ readonly stat: Stat; readonly zxid: bigint }>;
  getChildren(path: string): Promise<{ readonly children: string[]; readonly stat: Stat; readonly zxid: bigint }>;
  getAcl(path: string): Promise<{ readonly acl: Acl[]; readonly stat: Stat }>;
  /** What is read after it on this session has everything that was committed before. */
  sync(path: string): Promise<{ readonly zxid: bigint }>;
  /** All or nothing. Throws with `failedIndex` and the path of the first operation that is refused. */
  multi(ops: readonly Op[]): Promise<{ readonly zxid: bigint; readonly results: readonly OpResult[] }>;
  /**
   * Kept until removed, over reconnections of the session too, and gone with it. Nothing is told of changes made while disconnected:
   * look again whenever `state` becomes "connected". A path has watches of one mode at a time.
   */
  addWatch(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): Promise<Watch>;
  /** Ends the session, so that its ephemeral nodes go at once. What waits fails `closed`; never throws. */
  close(): Promise<void>;
}

/** Starts connecting at once. */
export function connectZooKeeper(options: ZooKeeperOptions): ZooKeeper {
  return new Client(options);
}
