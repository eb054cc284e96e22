// What can go wrong with an operation, in words and in codes that callers decide by.

/**
 * `connection-lost` is the only code after which a write may or may not have happened. After every other one it has not.
 * `not-sent`: no byte of the request left this process, or the server refused to look at it; it may be asked again.
 */
export type ZooKeeperErrorCode =
  | "no-node"
  | "node-exists"
  | "bad-version"
  | "not-empty"
  | "no-children-for-ephemerals"
  | "no-auth"
  | "auth-failed"
  | "invalid-acl"
  | "bad-arguments"
  | "no-watcher"
  | "quota"
  | "too-large"
  | "unimplemented"
  | "session-expired"
  | "connection-lost"
  | "not-sent"
  | "closed"
  /** No server could be reached, or none that is a ZooKeeper with a quorum; the message gives the reason of each. */
  | "unreachable"
  /** The other side does not speak ZooKeeper, or not as it should. */
  | "protocol"
  /** The server failed in a way that has no name here; the message holds its number. */
  | "server";

export interface ZooKeeperErrorDetails {
  readonly path?: string | undefined;
  readonly failedIndex?: number | undefined;
  readonly cause?: unknown;
}

export class ZooKeeperError extends Error {
  override readonly name = "ZooKeeperError";
  readonly code: ZooKeeperErrorCode;
  /** As the caller gave it: without the chroot. */
  readonly path: string | undefined;
  /** Which operation of a multi was refused. */
  readonly failedIndex: number | undefined;

  constructor(code: ZooKeeperErrorCode, message: string, details: ZooKeeperErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = details.path;
    this.failedIndex = details.failedIndex;
  }
}

const meanings: Readonly<Record<number, readonly [ZooKeeperErrorCode, string]>> = {
  [-2]: ["server", "the server found its own state inconsistent"],
  [-4]: ["connection-lost", "the server lost its leader before it could say whether this was done"],
  [-5]: ["protocol", "the server could not read the request"],
  [-6]: ["unimplemented", "the server is too old for this operation (3.6 is the least)"],
  [-7]: ["connection-lost", "the server gave up waiting"],
  [-8]: ["bad-arguments", "the server refuses the arguments"],
  [-101]: ["no-node", "no such node"],
  [-102]: ["no-auth", "not allowed"],
  [-103]: ["bad-version", "the node has another version"],
  [-108]: ["no-children-for-ephemerals", "an ephemeral node cannot have children"],
  [-110]: ["node-exists", "the node exists"],
  [-111]: ["not-empty", "the node has children"],
  [-112]: ["session-expired", "the session has expired"],
  [-114]: [
    "invalid-acl",
    "the access list is not valid (does it name the creator of a connection without credentials?)",
  ],
  [-115]: ["auth-failed", "the server refuses the credentials"],
  [-118]: ["not-sent", "the session has moved to another server"],
  [-119]: ["not-sent", "the server is read-only at the moment"],
  [-121]: ["no-watcher", "no such watch"],
  [-124]: ["auth-failed", "the server accepts only connections that authenticate themselves"],
  [-125]: ["quota", "the quota of the node is used up"],
  [-127]: ["not-sent", "the server is overloaded and did not look at the request"],
};

/** The error for a number that a server answered with. `path` is the one that the caller knows. */
export function serverError(
  number: number,
  details: ZooKeeperErrorDetails & { readonly hint?: string } = {},
): ZooKeeperError {
  const [code, meaning] = meanings[number] ?? ["server", `the server failed with code ${number}`];
  const place = details.path === undefined ? "" : `${details.path}: `;
  const index = details.failedIndex === undefined ? "" : ` (operation ${details.failedIndex} of the transaction)`;
  return new ZooKeeperError(code, `${place}${meaning}${index}${details.hint ?? ""}`, details);
}
