// A server that speaks ZooKeeper's protocol as far as a test wants, to do what a real one cannot be made to do.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { FrameSplitter } from "../../src/zookeeper/frames.ts";
import { Reader } from "../../src/zookeeper/reader.ts";
import { specialXid } from "../../src/zookeeper/wire.ts";
import { Writer } from "../../src/zookeeper/writer.ts";

export interface FakeRequest {
  readonly xid: number;
  readonly type: number;
  /** Positioned behind the header; valid until the handler returns. */
  readonly body: Reader;
}

export interface FakeGreeting {
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer;
}

export interface FakePeer {
  readonly socket: Socket;
  /** From 0: which connection of the server it is. */
  readonly number: number;
  send(frame: Buffer): void;
  reply(xid: number, options?: { zxid?: bigint; error?: number; body?: (writer: Writer) => void }): void;
}

export interface FakeScript {
  /** Undefined: no answer. */
  readonly onGreeting?: (greeting: FakeGreeting, peer: FakePeer) => Buffer | undefined;
  /** Pings are answered without it, unless `answersPings` is false. */
  readonly onRequest?: (request: FakeRequest, peer: FakePeer) => void;
  readonly answersPings?: () => boolean;
}

export interface FakeZooKeeper extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly greetings: readonly FakeGreeting[];
  readonly peers: readonly FakePeer[];
}

export const fakeSession = {
  id: 0x7eadbeefcafe0001n,
  password: Buffer.from("0123456789abcdef"),
  timeoutMs: 1_200,
} as const;

/** One frame, its length in front. */
export function fakeFrame(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(64 * 1024 * 1024);
  writer.beginFrame();
  write(writer);
  writer.endFrame();
  return Buffer.concat(writer.take());
}

export function welcomeFrame(sessionId: bigint = fakeSession.id, timeoutMs: number = fakeSession.timeoutMs): Buffer {
  return fakeFrame((writer) => {
    writer.int(0);
    writer.int(timeoutMs);
    writer.long(sessionId);
    writer.bytes(sessionId === 0n ? Buffer.alloc(16) : fakeSession.password);
    writer.boolean(false);
  });
}

export function replyFrame(xid: number, zxid: bigint, error: number, body?: (writer: Writer) => void): Buffer {
  return fakeFrame((writer) => {
    writer.int(xid);
    writer.long(zxid);
    writer.int(error);
    body?.(writer);
  });
}

export function eventFrame(type: number, path: string): Buffer {
  return replyFrame(-1, -1n, 0, (writer) => {
    writer.int(type);
    writer.int(3);
    writer.string(path);
  });
}

/** A Stat that has `version` in all its counters. */
export function writeStat(writer: Writer, version = 0): void {
  for (let field = 0; field < 4; field++) writer.long(BigInt(version));
  for (let field = 0; field < 3; field++) writer.int(version);
  writer.long(0n);
  writer.int(0);
  writer.int(0);
  writer.long(BigInt(version));
}

export async function fakeZooKeeper(script: FakeScript = {}): Promise<FakeZooKeeper> {
  const greetings: FakeGreeting[] = [];
  const peers: FakePeer[] = [];
  const listener = createServer({ noDelay: true }, (socket) => {
    const peer = peerOf(socket, peers.length);
    peers.push(peer);
    serve(peer, script, greetings);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    host: "127.0.0.1",
    port: (listener.address() as AddressInfo).port,
    greetings,
    peers,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const { socket } of peers) socket.destroy();
      await once(listener, "close");
    },
  };
}

function peerOf(socket: Socket, number: number): FakePeer {
  return {
    socket,
    number,
    send: (frame) => socket.writable && socket.write(frame),
    reply: (xid, { zxid = 1n, error = 0, body } = {}) =>
      socket.writable && socket.write(replyFrame(xid, zxid, error, body)),
  };
}

function serve(peer: FakePeer, script: FakeScript, greetings: FakeGreeting[]): void {
  const splitter = new FrameSplitter(1 << 24);
  const reader = new Reader();
  let greeted = false;
  peer.socket.on("error", () => {});
  const next = () => {
    try {
      return splitter.next(reader);
    } catch {
      // Not ZooKeeper's protocol: TLS, for example.
      peer.socket.destroy();
      return false;
    }
  };
  peer.socket.on("data", (chunk: Buffer) => {
    splitter.feed(chunk);
    while (next()) {
      if (greeted) serveRequest(peer, script, reader);
      else {
        greeted = true;
        const greeting = readGreeting(reader);
        greetings.push(greeting);
        const answer = script.onGreeting ? script.onGreeting(greeting, peer) : welcomeFrame();
        if (answer) peer.send(answer);
      }
    }
  });
}

function serveRequest(peer: FakePeer, script: FakeScript, body: Reader): void {
  const xid = body.int();
  const type = body.int();
  if (xid !== specialXid.ping) script.onRequest?.({ xid, type, body }, peer);
  else if (script.answersPings?.() ?? true) peer.reply(xid);
}

function readGreeting(reader: Reader): FakeGreeting {
  reader.int();
  return { lastZxid: reader.long(), timeoutMs: reader.int(), sessionId: reader.long(), password: reader.bytes() };
}
