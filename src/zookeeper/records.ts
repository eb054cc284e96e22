// What ZooKeeper keeps and tells, as plain data. Zxids and session ids are 64 bits wide, so they are bigints.

export interface Stat {
  /** The transaction that created the node, and the one that wrote its data last. */
  readonly czxid: bigint;
  readonly mzxid: bigint;
  /** Wall-clock times of the leader, in milliseconds: for people only. */
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  /** How often its children, and its access list, have changed. */
  readonly cversion: number;
  readonly aversion: number;
  /** The session whose end removes the node; 0n: none. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  /** The transaction that added or removed a child last. */
  readonly pzxid: bigint;
}

/** Data is a view into a larger buffer: copy what is kept for long. */
export interface NodeData {
  readonly data: Uint8Array;
  readonly stat: Stat;
}

export interface Acl {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

/** Read, write, create, delete and administer. */
const allPermissions = 31;

/** Everybody may do everything. */
export const openAcl: readonly Acl[] = Object.freeze([
  Object.freeze({ permissions: allPermissions, scheme: "world", id: "anyone" }),
]);

/** Only who gave the same credentials as the creator. */
export const creatorAcl: readonly Acl[] = Object.freeze([
  Object.freeze({ permissions: allPermissions, scheme: "auth", id: "" }),
]);

export type CreateMode = "persistent" | "ephemeral" | "sequential" | "ephemeral-sequential";

export interface CreateOptions {
  readonly mode: CreateMode;
  /** Always said: there is no safe default. */
  readonly acl: readonly Acl[];
}

export interface Created {
  /** With the number that a sequential node got. */
  readonly path: string;
  readonly stat: Stat;
  readonly zxid: bigint;
}

/** Of a node: bytes, or pieces of a text. Those go as UTF-8 straight into the request: neither bytes nor a whole text is made of them first. No character is cut between two pieces. */
export type Data = Uint8Array | readonly string[];

/** One step of a transaction. A `version` of -1 means any. */
export type Op =
  | ({ readonly do: "create"; readonly path: string; readonly data: Data } & CreateOptions)
  | { readonly do: "delete"; readonly path: string; readonly version: number }
  | { readonly do: "set"; readonly path: string; readonly data: Data; readonly version: number }
  | { readonly do: "check"; readonly path: string; readonly version: number };

export type OpResult =
  /** `stat` is absent where the server does not tell it (3.8 and older). */
  | { readonly did: "create"; readonly path: string; readonly stat?: Stat }
  | { readonly did: "set"; readonly stat: Stat }
  | { readonly did: "delete" | "check" };

export type WatchMode = "persistent" | "recursive";

export interface WatchEvent {
  /** `children` comes to persistent watches only: a recursive one is told of each child by itself. */
  readonly type: "created" | "deleted" | "changed" | "children";
  readonly path: string;
}
