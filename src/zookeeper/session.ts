// A session over its connections: finds servers, keeps what waits to be sent, and says when the session is over.
import { Connection, type ConnectionOwner } from "./connection.ts";
import { ZooKeeperError, type ZooKeeperErrorCode } from "./errors.ts";
import { SessionGone } from "./handshake.ts";
import { Listeners } from "./listeners.ts";
import { closeSession, type Operation } from "./operations.ts";
import type { SessionEvent, SessionState, ZooKeeperOptions } from "./options.ts";
import type { Pending } from "./pipeline.ts";
import { Queue } from "./queue.ts";
import { type Found, reachServer } from "./reach.ts";
import { opcode, specialXid } from "./wire.ts";
import type { Writer } from "./writer.ts";

export interface SessionOwner {
  onWatchEvent(type: number, fullPath: string): void;
  hint(error: number): string;
  /** Bodies of the requests that set the watches again. */
  watchBodies(lastZxid: bigint): readonly ((writer: Writer) => void)[];
  onOver(): void;
}

const sessionTimeoutMs = 4_000;
const connectLimitMs = 10_000;
const closeLimitMs = 2_000;
/** Who asks for this much at once has lost count. */
const waitingLimit = 100_000;
/** What servers accept unless `jute.maxbuffer` says otherwise. */
const requestBytesLimit = 1024 * 1024 - 1;
/** Answers may be larger than requests: long lists of children. */
const replyBytesLimit = 64 * 1024 * 1024;

export class Session implements ConnectionOwner {
  readonly ready: Promise<void>;
  readonly #options: ZooKeeperOptions;
  readonly #owner: SessionOwner;
  readonly #ready = Promise.withResolvers<void>();
  readonly #states = new Listeners<SessionState>();
  readonly #events = new Listeners<SessionEvent>();
  /** Not sent yet, in order. */
  readonly #waiting = new Queue<Pending>();
  readonly #stop = new AbortController();
  #state: SessionState = "connecting";
  #connection: Connection | undefined;
  /** Of the connection, or of the last one. */
  #server: string | undefined;
  #sessionId = 0n;
  #password: Uint8Array = new Uint8Array(16);
  #timeoutMs: number;
  #lastZxid = 0n;
  #connectedAtMs = 0;
  /** Connections in a row that did not last. */
  #shortLived = 0;
  #aliveUntilMs = 0;
  #expiry: NodeJS.Timeout | undefined;
  /** What each server said since the last connection. */
  readonly #refusals = new Map<string, string>();
  /** Why it is over. */
  #ending: ZooKeeperError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ZooKeeperOptions, owner: SessionOwner) {
    this.#options = options;
    this.#owner = owner;
    if (options.onEvent) this.#events.add(options.onEvent);
    this.#timeoutMs = options.sessionTimeoutMs ?? sessionTimeoutMs;
    this.ready = this.#ready.promise;
    // Who does not wait for it hears of the failure with the first operation.
    this.ready.catch(() => {});
    void this.#search(performance.now() + (options.connectLimitMs ?? connectLimitMs));
  }

  get state(): SessionState {
    return this.#state;
  }

  get sessionId(): bigint {
    return this.#sessionId;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  get aliveUntilMs(): number {
    return this.#connection?.aliveUntilMs ?? this.#aliveUntilMs;
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.#states.add(listener);
  }

  submit<T>(operation: Operation<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const pending = { operation, resolve: resolve as (value: unknown) => void, reject, xid: 0, bytes: 0, sentMs: 0 };
      if (this.#ending)
        reject(
          new ZooKeeperError(this.#ending.code, this.#ending.message, { path: operation.path, cause: this.#ending }),
        );
      else if (this.#waiting.length === 0 && this.#connection?.hasRoom) this.#connection.send(pending);
      else if (this.#waiting.length < waitingLimit) this.#waiting.push(pending);
      else reject(failure("not-sent", pending, `${waitingLimit} requests are waiting already`));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ending) return;
    this.#failWaiting("closed", "the client was closed before this was sent");
    const last = this.#sessionId === 0n ? undefined : this.#submitLast();
    this.#end("closed", new ZooKeeperError("closed", "the client is closed"));
    if (last) {
      // Even while disconnected: a server that takes the session in time may be told. Else it runs out by itself.
      const limit = setTimeout(() => this.#stop.abort(), Math.min(closeLimitMs, this.#timeoutMs));
      this.#stop.signal.addEventListener("abort", () => last.reject(), { once: true });
      await last.promise;
      clearTimeout(limit);
    }
    this.#stop.abort();
    clearTimeout(this.#expiry);
    this.#connection?.end("closed");
    this.#emit({ type: "closed" });
  }

  /** Puts the end of the session behind what is in flight. */
  #submitLast(): { readonly promise: Promise<void>; readonly reject: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    void this.submit(closeSession).then(done, done);
    return { promise, reject: done };
  }

  /** Looks for a server until one takes the session; comes back with the end of each connection. */
  async #search(untilMs: number): Promise<void> {
    const { servers, tls, credentials } = this.#options;
    const greeting = {
      lastZxid: this.#lastZxid,
      timeoutMs: this.#timeoutMs,
      sessionId: this.#sessionId,
      password: this.#password,
    };
    const avoid = this.#server;
    this.#refusals.clear();
    const onRefused = (server: string, reason: string) => {
      this.#refusals.set(server, reason);
      this.#emit({ type: "refused", server, reason });
    };
    try {
      // The first of them may be an accident; a server that takes the session and drops it each time must not be asked without a pause.
      const failedRounds = Math.max(this.#shortLived - 1, 0);
      const search = { servers, tls, credentials, greeting, replyBytesLimit, untilMs, avoid, failedRounds, onRefused };
      const found = await reachServer(search, this.#stop.signal);
      if (this.#stop.signal.aborted) found.greeted.socket.destroy();
      else this.#begin(found);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if (error instanceof SessionGone) this.#expire("the server says that the session is over");
      else if (this.#sessionId !== 0n) this.#expire(text(error));
      else this.#neverConnected(error);
    }
  }

  #begin({ server, greeted }: Found): void {
    clearTimeout(this.#expiry);
    const first = this.#sessionId === 0n;
    const { welcome } = greeted;
    this.#server = server;
    this.#sessionId = welcome.sessionId;
    this.#password = welcome.password;
    this.#timeoutMs = welcome.timeoutMs;
    this.#connectedAtMs = performance.now();
    const connection = new Connection(greeted, requestBytesLimit, this);
    this.#connection = connection;
    for (const body of this.#owner.watchBodies(this.#lastZxid)) {
      connection.sendFrame(specialXid.setWatches, opcode.setWatches2, body);
    }
    if (!this.#ending) this.#setState("connected");
    const { sessionId, timeoutMs } = welcome;
    this.#emit(first ? { type: "connected", server, sessionId, timeoutMs } : { type: "reconnected", server });
    this.#ready.resolve();
    connection.start();
  }

  onRoom(): void {
    const connection = this.#connection;
    while (connection?.hasRoom) {
      const pending = this.#waiting.shift();
      if (pending === undefined) return;
      connection.send(pending);
    }
  }

  onWatchEvent(type: number, fullPath: string): void {
    if (!this.#ending) this.#owner.onWatchEvent(type, fullPath);
  }

  hint(error: number): string {
    return this.#owner.hint(error);
  }

  onEnd(reason: string, unanswered: readonly Pending[], unsent: readonly Pending[]): void {
    const connection = this.#connection as Connection;
    const server = this.#server as string;
    this.#connection = undefined;
    if (connection.lastZxid > this.#lastZxid) this.#lastZxid = connection.lastZxid;
    this.#aliveUntilMs = connection.aliveUntilMs;
    const now = performance.now();
    const left = this.#aliveUntilMs - now;
    this.#shortLived = now - this.#connectedAtMs < this.#timeoutMs ? this.#shortLived + 1 : 0;
    if (!this.#ending) {
      this.#setState("disconnected");
      this.#emit({ type: "disconnected", server, reason });
    }
    const what = `the connection to ${server} ended (${reason})`;
    for (const pending of unsent) pending.reject(failure("not-sent", pending, `${what} before this was sent`));
    for (const pending of unanswered)
      pending.reject(failure("connection-lost", pending, `${what} before the answer: it may have been done or not`));
    if (this.#stop.signal.aborted) return;
    // Nobody else says in time that the session is over: the servers cannot be reached, or this process was stopped.
    if (left <= 0) this.#expire(`its time ran out, and ${what}`);
    else {
      this.#expiry = setTimeout(() => this.#expire(this.#outOfTime()), left);
      void this.#search(this.#aliveUntilMs);
    }
  }

  #neverConnected(error: unknown): void {
    const why =
      error instanceof ZooKeeperError ? error : new ZooKeeperError("unreachable", text(error), { cause: error });
    this.#end("closed", why);
    this.#stop.abort();
    this.#failWaiting("not-sent", why.message);
  }

  #expire(reason: string): void {
    this.#stop.abort();
    if (this.#ending) return;
    const why = `the session has expired: ${reason}`;
    this.#end("expired", new ZooKeeperError("session-expired", why));
    this.#failWaiting("not-sent", why);
    this.#emit({ type: "expired", reason });
  }

  #outOfTime(): string {
    const reasons = [...this.#refusals].map(([server, reason]) => `; ${server}: ${reason}`);
    return `no server took it in its time${reasons.join("")}`;
  }

  /** The state changes first, so that nobody acts on the failures without knowing why. */
  #end(state: "expired" | "closed", ending: ZooKeeperError): void {
    this.#ending = ending;
    clearTimeout(this.#expiry);
    this.#setState(state);
    this.#owner.onOver();
    this.#ready.reject(ending);
  }

  #failWaiting(code: ZooKeeperErrorCode, why: string): void {
    for (const pending of this.#waiting.drain()) pending.reject(failure(code, pending, why));
  }

  #setState(state: SessionState): void {
    this.#state = state;
    this.#states.tell(state);
  }

  #emit(event: SessionEvent): void {
    this.#events.tell(event);
  }
}

function failure(code: ZooKeeperErrorCode, { operation: { path } }: Pending, why: string): ZooKeeperError {
  return new ZooKeeperError(code, path === undefined ? why : `${path}: ${why}`, { path });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
