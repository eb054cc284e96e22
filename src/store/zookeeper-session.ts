// The session with ZooKeeper that the store works on at the moment. An expired one is followed by a new one, so that reads and views go on
// by themselves; what lived with the old one (presences, leaderships) hears that it may be gone, before the servers can think so.
import type { Log } from "../log.ts";
import { messageOf, type OrchestraError } from "../model/errors.ts";
import type { SessionEvent, ZooKeeper } from "../zookeeper/zookeeper.ts";
import { closedStore, isInterruption, translateError, unreachable } from "./zookeeper-errors.ts";
import { openVerification, type Verification } from "./zookeeper-verification.ts";

export interface SessionOptions {
  readonly url: string;
  readonly log: Log | undefined;
  readonly connect: (onEvent: (event: SessionEvent) => void) => ZooKeeper;
  /** Which store it is, asked on every new connection and before it is used: a number that rises with each that is not the one before. */
  readonly verify: (client: ZooKeeper) => Promise<number>;
  /** Opens it also while no server can be reached. */
  readonly patient: boolean;
}

export interface SessionListener {
  /** A verified connection; watches of the same session are in place again, what happened meanwhile is not known. */
  up?(client: ZooKeeper): void;
  down?(): void;
  /** The store is not the one that it was: nothing holds that was known of it. Told before `up`. */
  replaced?(): void;
  /** From now on others may see what belongs to the session gone. Told once for each disconnection. */
  doubt?(why: string): void;
  /** This client is done with; its watches are gone. */
  ended?(): void;
}

export interface Session {
  readonly isUp: boolean;
  /** What is being used or, while there is no connection, will be if it comes back in time. */
  readonly client: ZooKeeper;
  /** Rises when the store turns out to be another one, or an older state of what it was; 0: it has not been seen yet. */
  readonly generation: number;
  /** What this client has just shown cannot be of the store that was verified: it is looked anew which one is there, before anything else. */
  suspect(client: ZooKeeper): void;
  /** The verified client; waits for it a while. Throws `unavailable` with the reason. */
  usable(): Promise<ZooKeeper>;
  /** Runs what changes nothing, again where the connection failed, for about `limitMs`. Throws OrchestraErrors only. */
  read<T>(run: (client: ZooKeeper) => Promise<T>, limitMs?: number): Promise<T>;
  /** The result ends it. */
  listen(listener: SessionListener): () => void;
  close(): Promise<void>;
}

/** How long an operation waits for a connection: an ensemble elects a new leader in less. */
export const waitLimitMs = 4_000;
/** And how long when there has been none for longer than that: who asks again and again should not wait for each answer. */
const awayLimitMs = 500;
/** Between two attempts to get a new session, while no server can be reached. */
const renewMs = 500;
/** Part of the session's time for which those who act on it stop before its end: clocks differ, and an abort must be heard. */
const marginPart = 1 / 12;

/** Resolves with the first verified connection; throws the reason why there is none, where one cannot wait for it. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const session = new RenewedSession(options);
  try {
    await session.first();
    return session;
  } catch (error) {
    const failure = translateError(error, options.url);
    if (options.patient && failure.code === "unavailable") return session;
    await session.close();
    throw failure;
  }
}

class RenewedSession implements Session {
  client: ZooKeeper;
  isUp = false;
  generation = 0;
  readonly #options: SessionOptions;
  readonly #listeners = new Set<SessionListener>();
  readonly #waiting = new Set<() => void>();
  #stopListening = () => {};
  #doubtTimer: NodeJS.Timeout | undefined;
  #renewTimer: NodeJS.Timeout | undefined;
  #inDoubt = false;
  #closed = false;
  /** Infinite while there is a connection. */
  #downSince = performance.now();
  /** Why there is no connection, for people. */
  #reason = "no server has answered yet";
  /** Why the connection that there is cannot be used now. */
  #refusal: OrchestraError | undefined;
  /** Of the last refusal, until there is none any more: it is said once. */
  #told: string | undefined;
  readonly #verification: Verification;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#verification = openVerification({
      verify: options.verify,
      onVerified: (client, store) => this.#goUp(client, store),
      onFailure: (error, isOpen) => this.#refuse(error, isOpen),
    });
    this.client = this.#connect();
  }

  async first(): Promise<void> {
    await this.client.ready;
    await this.usable();
  }

  async usable(limitMs = waitLimitMs): Promise<ZooKeeper> {
    const now = performance.now();
    const end = Math.max(now + awayLimitMs, Math.min(this.#downSince, now) + limitMs);
    for (;;) {
      if (this.#closed) throw closedStore(this.#options.url);
      if (this.#refusal) throw this.#refusal;
      if (this.isUp) return this.client;
      const left = end - performance.now();
      if (left <= 0) throw unreachable(this.#options.url, this.#reason);
      await this.#change(left);
    }
  }

  async read<T>(run: (client: ZooKeeper) => Promise<T>, limitMs = waitLimitMs): Promise<T> {
    const end = performance.now() + limitMs;
    for (;;) {
      const client = await this.usable(limitMs);
      try {
        return await run(client);
      } catch (error) {
        if (!isInterruption(error) || performance.now() > end) throw translateError(error, this.#options.url);
      }
      // The state may only be about to change: let it.
      await this.#change(50);
    }
  }

  suspect(client: ZooKeeper): void {
    if (client !== this.client || !this.isUp) return;
    this.#goDown();
    this.#verification.begin(client);
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.isUp = false;
    this.#verification.end();
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#doubtTimer);
    this.#stopListening();
    this.#wakeWaiting();
    this.#tell((listener) => listener.doubt?.("the store is closed"));
    await this.client.close();
  }

  #connect(): ZooKeeper {
    const client = this.#options.connect((event) => this.#note(event));
    this.#stopListening = client.onState(() => this.#follow(client));
    client.ready.catch((error: unknown) => {
      this.#reason = messageOf(error);
      this.#follow(client);
    });
    return client;
  }

  #follow(client: ZooKeeper): void {
    if (client !== this.client || this.#closed) return;
    switch (client.state) {
      case "connected":
        this.#verification.begin(client);
        return;
      case "connecting":
        return;
      case "disconnected":
        this.#goDown();
        this.#doubtBeforeEnd(client);
        return;
      case "expired":
      case "closed":
        if (this.#renewTimer) return;
        this.#goDown();
        this.#doubt("the session with the store has ended");
        this.#stopListening();
        this.#tell((listener) => listener.ended?.());
        // Not at once, and not all hosts in the same moment.
        this.#renewTimer = setTimeout(() => this.#renew(), renewMs * (client.sessionId === 0n ? 1 : Math.random() / 5));
        return;
      default:
        client.state satisfies never;
    }
  }

  #renew(): void {
    this.#renewTimer = undefined;
    this.#inDoubt = false;
    this.client = this.#connect();
  }

  #goUp(client: ZooKeeper, store: number): void {
    const { log, url } = this.#options;
    if (this.#told !== undefined) log?.info(`the store ${url} can be used again`);
    this.#told = undefined;
    this.#refusal = undefined;
    const isOther = this.generation !== 0 && store !== this.generation;
    this.generation = store;
    if (isOther) {
      log?.warn(`the store ${url} is not what it was: another one is in its place, or an older state of it`);
      this.#doubt("the store was replaced");
      this.#tell((listener) => listener.replaced?.());
    }
    clearTimeout(this.#doubtTimer);
    this.#inDoubt = false;
    this.isUp = true;
    this.#downSince = Number.POSITIVE_INFINITY;
    this.#tell((listener) => listener.up?.(client));
    this.#wakeWaiting();
  }

  #refuse(error: unknown, isOpen: boolean): void {
    if (isOpen) {
      this.#reason = messageOf(error);
      return;
    }
    const refusal = translateError(error, this.#options.url);
    if (this.#told !== refusal.message) this.#options.log?.error(refusal.message, { hint: refusal.hint });
    this.#told = refusal.message;
    this.#refusal = refusal;
    this.#doubt(refusal.message);
    this.#wakeWaiting();
  }

  #goDown(): void {
    this.#verification.end();
    this.#refusal = undefined;
    if (!this.isUp) return;
    this.isUp = false;
    this.#downSince = performance.now();
    this.#tell((listener) => listener.down?.());
    this.#wakeWaiting();
  }

  #doubtBeforeEnd(client: ZooKeeper): void {
    clearTimeout(this.#doubtTimer);
    const ms = client.aliveUntilMs - marginPart * client.sessionTimeoutMs - performance.now();
    this.#doubtTimer = setTimeout(
      () => this.#doubt("the store could not be reached for nearly a session"),
      Math.max(0, ms),
    );
  }

  #doubt(why: string): void {
    clearTimeout(this.#doubtTimer);
    if (this.#inDoubt) return;
    this.#inDoubt = true;
    this.#tell((listener) => listener.doubt?.(why));
  }

  #tell(call: (listener: SessionListener) => void): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) call(listener);
  }

  /** Resolves with the next change of state, or after `ms`. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  #wakeWaiting(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #note(event: SessionEvent): void {
    const { log } = this.#options;
    switch (event.type) {
      case "refused":
      case "disconnected":
        this.#reason = `${event.server}: ${event.reason}`;
        log?.debug(`store ${event.type}`, { server: event.server, reason: event.reason });
        break;
      case "expired":
        log?.warn("the session with the store has expired; a new one is opened", { reason: event.reason });
        break;
      default:
        log?.debug(`store ${event.type}`);
    }
  }
}
