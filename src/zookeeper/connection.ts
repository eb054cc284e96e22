// One connection of a session, from the end of its handshake to its end: takes frames apart, gives each to whom it belongs, and keeps the stream's order.
import type { Socket } from "node:net";
import { serverError, ZooKeeperError } from "./errors.ts";
import type { FrameSplitter } from "./frames.ts";
import type { Greeted } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type Pending, Pipeline } from "./pipeline.ts";
import { Reader } from "./reader.ts";
import { explain } from "./transport.ts";
import { goesToLeader, opcode, specialXid } from "./wire.ts";
import type { Writer } from "./writer.ts";

export interface ConnectionOwner {
  onWatchEvent(type: number, fullPath: string): void;
  /** Answers came, so there may be room for more requests. */
  onRoom(): void;
  /** What may be behind an error of the server, for the end of its message. */
  hint(error: number): string;
  /** Called once. `unanswered` may have been executed, `unsent` have not. */
  onEnd(reason: string, unanswered: readonly Pending[], unsent: readonly Pending[]): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #splitter: FrameSplitter;
  readonly #owner: ConnectionOwner;
  readonly #pipeline: Pipeline;
  readonly #heartbeat: Heartbeat;
  readonly #reader = new Reader();
  #lastZxid = 0n;
  /** Those who await answers that were read have not all run yet. */
  #settling = false;
  /** An event waits for them. */
  #held = false;
  #ended = false;
  #lastError: NodeJS.ErrnoException | undefined;

  constructor({ socket, splitter, welcome, sentAtMs }: Greeted, requestBytesLimit: number, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#splitter = splitter;
    this.#owner = owner;
    this.#pipeline = new Pipeline(requestBytesLimit, (buffers) => this.#output(buffers));
    this.#heartbeat = new Heartbeat(welcome.timeoutMs, sentAtMs, {
      ping: () => void this.#pipeline.sendFrame(specialXid.ping, opcode.sync, (writer) => writer.string("/")),
      unansweredSinceMs: () => this.#pipeline.unansweredSinceMs,
      onSilence: (reason) => this.end(reason),
    });
  }

  /** Apart from the constructor, because what came already may call the owner at once. */
  start(): void {
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (error) => {
      this.#lastError = error;
    });
    socket.on("close", () => this.end(this.#closeReason()));
    if (socket.destroyed) {
      this.end(this.#closeReason());
      return;
    }
    this.#handleFrames();
    socket.resume();
  }

  get lastZxid(): bigint {
    return this.#lastZxid;
  }

  get aliveUntilMs(): number {
    return this.#heartbeat.aliveUntilMs;
  }

  get hasRoom(): boolean {
    return this.#pipeline.hasRoom;
  }

  send(pending: Pending): void {
    this.#pipeline.send(pending);
  }

  /** A frame beside the numbered requests. */
  sendFrame(xid: number, type: number, write: (writer: Writer) => void): void {
    this.#pipeline.sendFrame(xid, type, write);
  }

  /** Once; later calls do nothing. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#heartbeat.stop();
    this.#socket.destroy();
    const { unanswered, unsent } = this.#pipeline.drain();
    this.#owner.onEnd(reason, unanswered, unsent);
  }

  #output(buffers: readonly Buffer[]): void {
    const socket = this.#socket;
    if (buffers.length > 1) socket.cork();
    for (const buffer of buffers) socket.write(buffer);
    if (buffers.length > 1) socket.uncork();
  }

  #onData(chunk: Buffer): void {
    this.#heartbeat.heard();
    this.#splitter.feed(chunk);
    if (!this.#held) this.#handleFrames();
  }

  #handleFrames(): void {
    try {
      while (!this.#ended && this.#splitter.next(this.#reader)) {
        const xid = this.#reader.int();
        if (xid === specialXid.notification && this.#settling) {
          this.#held = true;
          break;
        }
        this.#handleFrame(xid);
      }
    } catch (error) {
      this.end(text(error));
    }
    if (!this.#ended) this.#owner.onRoom();
  }

  #handleFrame(xid: number): void {
    const zxid = this.#reader.long();
    const error = this.#reader.int();
    // Some special answers have none: 0 or -1.
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    switch (xid) {
      case specialXid.notification: {
        const type = this.#reader.int();
        this.#reader.int(); // The state of the connection, which this side knows better.
        this.#owner.onWatchEvent(type, this.#reader.string());
        return;
      }
      case specialXid.ping:
        this.#heartbeat.pingAnswered(error === 0);
        return;
      case specialXid.setWatches:
        if (error !== 0) throw serverError(error, { hint: " (while setting the watches again)" });
        return;
      default:
        this.#handleReply(xid, zxid, error);
    }
  }

  #handleReply(xid: number, zxid: bigint, error: number): void {
    const pending = this.#pipeline.answer(xid);
    const { operation } = pending;
    if (goesToLeader(operation.type)) this.#heartbeat.answered(pending.sentMs);
    this.#letSettle();
    if (error !== 0) {
      if (error === operation.tolerates) pending.resolve(undefined);
      else pending.reject(serverError(error, { path: operation.path, hint: this.#owner.hint(error) }));
      return;
    }
    try {
      pending.resolve(operation.read(this.#reader, zxid));
    } catch (cause) {
      if (cause instanceof ZooKeeperError && cause.code !== "protocol") {
        pending.reject(cause);
        return;
      }
      // What was answered cannot be read, so nobody knows what was done.
      const { path } = operation;
      pending.reject(
        new ZooKeeperError("connection-lost", `the answer cannot be read: ${text(cause)}`, { path, cause }),
      );
      throw cause;
    }
  }

  /**
   * Promises settle later than this reads on. An event right behind an answer would so be told before whoever awaits the answer has run, and look older
   * than it. It is held until they have: the tick comes after all microtasks, and before any other input.
   */
  #letSettle(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => process.nextTick(() => this.#settled()));
  }

  #settled(): void {
    this.#settling = false;
    if (!this.#held) return;
    this.#held = false;
    if (this.#ended) return;
    try {
      this.#handleFrame(specialXid.notification);
    } catch (error) {
      this.end(text(error));
      return;
    }
    this.#handleFrames();
  }

  #closeReason(): string {
    return this.#lastError
      ? explain(this.#lastError, "encrypted" in this.#socket).message
      : "the server closed the connection";
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
