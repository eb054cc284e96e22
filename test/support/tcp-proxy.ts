// A network that fails on demand: a proxy in front of one ZooKeeper server.
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { errorReply, frameSplitter, typeOf, xidOf } from "./frames.ts";
import { type SessionKey, sessionOf } from "./session-thief.ts";

export interface TcpProxy {
  /** An address of its own: whatever happens, nobody else listens there. */
  readonly host: string;
  readonly port: number;
  /** How many connections the server has through it. */
  readonly connections: number;
  /** Sessions that the server has given out or taken up again through it, the latest last. */
  readonly sessions: readonly SessionKey[];
  /** Breaks all connections, as a server that crashes does. New ones are accepted. */
  reset(): void;
  /** Breaks all, and refuses new ones until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** A black hole: connections stay, nothing passes either way, not even their end. */
  freeze(): void;
  /** What was sent meanwhile arrives now. */
  thaw(): void;
  /** Everything from now on takes this much longer, each way. */
  delay(ms: number): void;
  /** Passes so many bytes of the server's next frame, then closes. Resolves when that has happened. */
  cutFrame(passBytes: number): Promise<void>;
  /** Passes the next request (of this type) on, but never its reply: closes instead. Resolves when that has happened. */
  swallowReply(type?: number): Promise<void>;
  /** The next so many requests (of this type) are answered with this error: the server does what it is asked, but says otherwise. */
  refuse(code: number, times: number, type?: number): void;
  /** Whether watch events get lost on the way. */
  loseEvents(lose: boolean): void;
  close(): Promise<void>;
}

/** One order to break something, and whom to tell. */
interface Trap {
  readonly type?: number | undefined;
  readonly passBytes: number;
  readonly sprung: () => void;
  /** The reply that is waited for, once its request has passed. */
  caught?: { readonly pair: Pair; readonly xid: number } | undefined;
}

/** What all connections share. */
interface Weather {
  delayMs: number;
  /** There while nothing passes. */
  freeze: PromiseWithResolvers<void> | undefined;
  losesEvents: boolean;
  frameTrap: Trap | undefined;
  replyTrap: Trap | undefined;
  readonly sessions: SessionKey[];
  refusal: { readonly code: number; times: number; readonly type?: number | undefined };
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Errors to answer with, by the request's number. */
  readonly refused: Map<number, number>;
}

/** Resolves when it listens. It looks into what it carries, so the target must speak ZooKeeper, without TLS. */
export async function tcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const host = `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(10, 255)}`;
  const port = 21_820;
  const weather: Weather = {
    delayMs: 0,
    freeze: undefined,
    losesEvents: false,
    frameTrap: undefined,
    replyTrap: undefined,
    sessions: [],
    refusal: { code: 0, times: 0 },
  };
  const pairs = new Set<Pair>();
  const held = new Set<Socket>();
  let listener: Server | undefined;

  const accept = (client: Socket) => {
    // In a black hole there is nobody at the other end.
    if (weather.freeze) held.add(client.on("error", () => held.delete(client)));
    else join(client, connect({ ...target, noDelay: true }), weather, pairs);
  };
  const reset = () => {
    for (const client of held) breakOff(client);
    held.clear();
    for (const pair of pairs) for (const socket of [pair.client, pair.server]) breakOff(socket);
  };
  const up = async () => {
    listener = createServer({ noDelay: true, pauseOnConnect: true }, accept).listen(port, host);
    await once(listener, "listening");
  };
  const down = async () => {
    const closed = listener && once(listener, "close");
    listener?.close();
    listener = undefined;
    reset();
    await closed;
  };

  await up();
  return {
    host,
    port,
    get connections() {
      return [...pairs].filter(({ server }) => !server.destroyed).length;
    },
    sessions: weather.sessions,
    reset,
    down,
    up,
    freeze() {
      weather.freeze ??= Promise.withResolvers();
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.pause();
    },
    thaw() {
      weather.freeze?.resolve();
      weather.freeze = undefined;
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.resume();
      for (const client of held) accept(client);
      held.clear();
    },
    delay(ms) {
      weather.delayMs = ms;
    },
    cutFrame: (passBytes) =>
      new Promise((sprung) => {
        weather.frameTrap = { passBytes, sprung };
      }),
    swallowReply: (type) =>
      new Promise((sprung) => {
        weather.replyTrap = { type, passBytes: 0, sprung };
      }),
    refuse(code, times, type) {
      weather.refusal = { code, times, type };
    },
    loseEvents(lose) {
      weather.losesEvents = lose;
    },
    close: down,
  };
}

function join(client: Socket, server: Socket, weather: Weather, pairs: Set<Pair>): void {
  const pair: Pair = { client, server, refused: new Map() };
  pairs.add(pair);
  const requests = carry(client, server, weather, (frame, isFirst) => {
    const { replyTrap: trap, refusal } = weather;
    const isMeant = refusal.type === undefined || refusal.type === typeOf(frame);
    if (!isFirst && refusal.times > 0 && xidOf(frame) > 0 && isMeant) {
      refusal.times -= 1;
      pair.refused.set(xidOf(frame), refusal.code);
    }
    if (isFirst || !trap || trap.caught || xidOf(frame) <= 0) return frame;
    if (trap.type === undefined || trap.type === typeOf(frame)) trap.caught = { pair, xid: xidOf(frame) };
    return frame;
  });
  const replies = carry(server, client, weather, (frame, isFirst) => {
    if (isFirst) weather.sessions.push(sessionOf(frame));
    const trap = trapFor(frame, isFirst, pair, weather);
    if (trap) {
      requests.cut();
      replies.cut(frame.subarray(0, trap.passBytes));
      trap.sprung();
      return undefined;
    }
    const code = isFirst ? undefined : pair.refused.get(xidOf(frame));
    if (code !== undefined) {
      pair.refused.delete(xidOf(frame));
      return errorReply(frame, code);
    }
    return weather.losesEvents && !isFirst && xidOf(frame) === -1 ? undefined : frame;
  });
  for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
    const tell = () => breakOff(other);
    socket.on("error", () => (weather.freeze ? weather.freeze.promise.then(tell) : tell()));
    socket.on("close", () => {
      if (weather.replyTrap?.caught?.pair === pair) weather.replyTrap.caught = undefined;
      if (other.closed) pairs.delete(pair);
    });
  }
}

/** A reset, except where the end is on its way already: libuv refuses to reset then, and the socket would keep the process alive for ever. */
function breakOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function trapFor(frame: Buffer, isFirst: boolean, pair: Pair, weather: Weather): Trap | undefined {
  const { frameTrap, replyTrap } = weather;
  if (frameTrap) {
    weather.frameTrap = undefined;
    return frameTrap;
  }
  if (isFirst || replyTrap?.caught?.pair !== pair || replyTrap.caught.xid !== xidOf(frame)) return undefined;
  weather.replyTrap = undefined;
  return replyTrap;
}

/** Passes frames on in order, those that `look` gives back, each as late as the weather wants. */
function carry(
  from: Socket,
  to: Socket,
  weather: Weather,
  look: (frame: Buffer, isFirst: boolean) => Buffer | undefined,
): { cut(last?: Buffer): void } {
  const split = frameSplitter();
  let isFirst = true;
  let isCut = false;
  const late = lateQueue(weather);
  from.on("data", (chunk) => {
    for (const frame of split(chunk)) {
      if (isCut) return;
      const passed = look(frame, isFirst);
      isFirst = false;
      if (passed) late(() => to.writable && to.write(passed));
    }
  });
  from.on("end", () => late(() => to.end()));
  from.resume();
  return {
    cut(last) {
      isCut = true;
      if (last) late(() => to.end(last));
    },
  };
}

/** Runs each step as late as the weather wants at the time, and never before the one in front of it. */
function lateQueue(weather: Weather): (step: () => void) => void {
  let last = Promise.resolve();
  let waiting = 0;
  return (step) => {
    if (waiting === 0 && weather.delayMs === 0 && !weather.freeze) {
      step();
      return;
    }
    waiting += 1;
    const due = delay(weather.delayMs);
    last = last.then(async () => {
      await due;
      await weather.freeze?.promise;
      waiting -= 1;
      step();
    });
  };
}
