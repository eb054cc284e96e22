// The first words on a new socket: asks for the session, gives the credentials, and tells a ZooKeeper from everything else that may listen there.
import type { Socket } from "node:net";
import { serverError } from "./errors.ts";
import { FrameSplitter } from "./frames.ts";
import type { Credentials } from "./options.ts";
import { Reader } from "./reader.ts";
import { explain, Refusal } from "./transport.ts";
import { type Greeting, opcode, readWelcome, specialXid, type Welcome, writeGreeting } from "./wire.ts";
import { Writer } from "./writer.ts";

export interface Greeted {
  readonly socket: Socket;
  /** May hold bytes that came after the handshake. */
  readonly splitter: FrameSplitter;
  readonly welcome: Welcome;
  /** On the scale of `performance.now()`: when the greeting left. The server counts the session's time from some later moment. */
  readonly sentAtMs: number;
}

/** Thrown when the server answers that the session is gone. */
export class SessionGone extends Error {}

/** Frames longer than this are no answer to a greeting, whatever sends them. */
const handshakeFrameLimit = 4096;

export async function greet(
  socket: Socket,
  greeting: Greeting,
  credentials: Credentials | undefined,
  replyLimit: number,
  signal: AbortSignal,
): Promise<Greeted> {
  const incoming = new Incoming(socket, replyLimit, signal);
  try {
    const sentAtMs = performance.now();
    socket.write(frame((writer) => writeGreeting(writer, greeting)));
    const welcome = readWelcome(await incoming.frame());
    if (welcome.sessionId === 0n || welcome.timeoutMs <= 0) throw new SessionGone();
    if (credentials) {
      socket.write(frame((writer) => writeCredentials(writer, credentials)));
      const reply = await incoming.frame();
      reply.int();
      reply.long();
      const error = reply.int();
      if (error !== 0) throw serverError(error, { hint: ` (user ${JSON.stringify(credentials.user)})` });
    }
    return { socket, splitter: incoming.splitter, welcome, sentAtMs };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function frame(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(handshakeFrameLimit);
  writer.beginFrame();
  write(writer);
  writer.endFrame();
  return Buffer.concat(writer.take());
}

function writeCredentials(writer: Writer, { user, password }: Credentials): void {
  writer.int(specialXid.auth);
  writer.int(opcode.auth);
  writer.int(0);
  writer.string("digest");
  writer.bytes(Buffer.from(`${user}:${password}`));
}

/** Frames of the socket one by one. The socket is paused while nobody waits for one, so that nothing is lost between owners. */
class Incoming {
  readonly #socket: Socket;
  readonly splitter: FrameSplitter;
  readonly #reader = new Reader();
  readonly #signal: AbortSignal;
  #first = true;

  constructor(socket: Socket, replyLimit: number, signal: AbortSignal) {
    this.#socket = socket;
    this.splitter = new FrameSplitter(replyLimit);
    this.#signal = signal;
    socket.pause();
    // Whoever owns the socket later hears of its end by "close"; an "error" without a listener would end the program.
    socket.on("error", ignore);
  }

  frame(): Promise<Reader> {
    const { promise, resolve, reject } = Promise.withResolvers<Reader>();
    const socket = this.#socket;
    const advance = () => {
      if (this.splitter.next(this.#reader)) resolve(this.#reader);
    };
    const onData = (chunk: Buffer) => {
      try {
        if (this.#first) checkFirstBytes(chunk);
        this.#first = false;
        this.splitter.feed(chunk);
        advance();
      } catch (error) {
        reject(error);
      }
    };
    const onError = (error: NodeJS.ErrnoException) => reject(explain(error, "encrypted" in socket));
    // A server that has no quorum, one that we know newer data than, and a TLS port without TLS all do just this.
    const onClose = () =>
      reject(new Refusal("it closed the connection without an answer: has it a quorum, and does it want TLS or none?"));
    const onAbort = () => reject(this.#signal.reason);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    socket.on("data", onData).on("error", onError).on("close", onClose);
    if (this.#signal.aborted) onAbort();
    else if (socket.destroyed) onClose();
    advance();
    socket.resume();
    return promise.finally(() => {
      this.#signal.removeEventListener("abort", onAbort);
      socket.pause();
      socket.off("data", onData).off("error", onError).off("close", onClose);
    });
  }
}

const ignore = () => {};

/** An answer begins with its length, which is small; text read as a number is huge. */
function checkFirstBytes(chunk: Buffer): void {
  const start = chunk.subarray(0, 4);
  const length = start.length < 4 ? 0 : start.readInt32BE(0);
  if (start[0] === 0 && length <= handshakeFrameLimit) return;
  const text = chunk.toString("latin1", 0, 24).replace(/[^ -~]+.*/s, "");
  const speaks = text.startsWith("HTTP/") ? "it speaks HTTP" : `its answer begins with ${JSON.stringify(text)}`;
  throw new Refusal(`it is no ZooKeeper server: ${start[0] === 0x15 ? "it wants TLS" : speaks}`, true);
}
