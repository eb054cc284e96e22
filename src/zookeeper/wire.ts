// The records of the protocol, field by field in their order on the wire. Numbers here are ZooKeeper's own.
import type { Reader } from "./reader.ts";
import type { Acl, CreateMode, Data, Stat } from "./records.ts";
import { Writer } from "./writer.ts";

export const opcode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  sync: 9,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  multiRead: 22,
  auth: 100,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
  error: -1,
} as const;

const ledTypes: ReadonlySet<number> = new Set([
  opcode.create2,
  opcode.delete,
  opcode.setData,
  opcode.multi,
  opcode.sync,
]);

/**
 * Whether a server asks its leader before it answers. It answers reads and pings by itself, also when it is cut off from the leader, which ends
 * the session meanwhile: `syncLimit` ticks long (10 s as ZooKeeper is usually set up).
 */
export function goesToLeader(type: number): boolean {
  return ledTypes.has(type);
}

/** Frames that answer no request of the queue carry these instead of a number of their own. */
export const specialXid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** Errors that mean more than a refusal. */
export const noNode = -101;
export const noAuth = -102;

/** A whole request has no more. */
const aclBytesLimit = 1024 * 1024;

const createFlags: Readonly<Record<CreateMode, number>> = {
  persistent: 0,
  ephemeral: 1,
  sequential: 2,
  "ephemeral-sequential": 3,
};

export function readStat(reader: Reader): Stat {
  return {
    czxid: reader.long(),
    mzxid: reader.long(),
    ctime: reader.time(),
    mtime: reader.time(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.long(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.long(),
  };
}

export function readAcl(reader: Reader): Acl[] {
  return reader.vector(() => ({ permissions: reader.int(), scheme: reader.string(), id: reader.string() }));
}

/** The body of a create, alone or inside a transaction. */
export function writeCreate(writer: Writer, path: string, data: Data, acl: readonly Acl[], mode: CreateMode): void {
  writer.string(path);
  writeData(writer, data);
  writer.raw(encodedAcl(acl));
  writer.int(createFlags[mode]);
}

/** Of lists that cannot change: a transaction says the same one a thousand times. */
const encodedAcls = new WeakMap<readonly Acl[], Uint8Array>();

function encodedAcl(acl: readonly Acl[]): Uint8Array {
  const known = encodedAcls.get(acl);
  if (known) return known;
  const writer = new Writer(aclBytesLimit);
  writer.int(acl.length);
  for (const { permissions, scheme, id } of acl) {
    writer.int(permissions);
    writer.string(scheme);
    writer.string(id);
  }
  const encoded = Uint8Array.from(Buffer.concat(writer.take()));
  if (Object.isFrozen(acl)) encodedAcls.set(acl, encoded);
  return encoded;
}

export function writeData(writer: Writer, data: Data): void {
  if (data instanceof Uint8Array) writer.bytes(data);
  else writer.text(data);
}

/** The first frame of every connection: it asks for a session, or for one that was there before. */
export interface Greeting {
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

export function writeGreeting(writer: Writer, greeting: Greeting): void {
  writer.int(0); // The version of the protocol; there is only this one.
  writer.long(greeting.lastZxid);
  writer.int(greeting.timeoutMs);
  writer.long(greeting.sessionId);
  writer.bytes(greeting.password);
  writer.boolean(false); // A server without a quorum would answer with what may be old.
}

export interface Welcome {
  readonly timeoutMs: number;
  /** 0n: the session that was asked for is gone. */
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

export function readWelcome(reader: Reader): Welcome {
  reader.int();
  const timeoutMs = reader.int();
  const sessionId = reader.long();
  // A copy: it is kept for as long as the session.
  return { timeoutMs, sessionId, password: Uint8Array.from(reader.bytes()) };
}
