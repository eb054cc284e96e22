// Finds a server that takes the session: round after round over all servers in random order, with a pause between rounds.
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { ZooKeeperError } from "./errors.ts";
import { type Greeted, greet, SessionGone } from "./handshake.ts";
import type { Credentials, Server, TlsOptions } from "./options.ts";
import { openSocket, Refusal, type Target } from "./transport.ts";
import type { Greeting } from "./wire.ts";

export interface Search {
  readonly servers: readonly Server[];
  readonly tls: TlsOptions | undefined;
  readonly credentials: Credentials | undefined;
  readonly greeting: Greeting;
  readonly replyBytesLimit: number;
  /** On the scale of `performance.now()`. */
  readonly untilMs: number;
  /** Named last in the first round: it was just lost. */
  readonly avoid: string | undefined;
  /** How many connections in a row did not last. They count as rounds that failed: there is a pause before the next. */
  readonly failedRounds: number;
  readonly onRefused: (server: string, reason: string) => void;
}

export interface Found {
  readonly server: string;
  readonly greeted: Greeted;
}

const firstPauseMs = 50;
const longestPauseMs = 500;
const shortestAttemptMs = 250;
const longestAttemptMs = 5_000;

/** Throws SessionGone when a server says so, and ZooKeeperError with the reason of each server when time is up or none can ever be used. */
export async function reachServer(search: Search, stop: AbortSignal): Promise<Found> {
  const reasons = new Map<string, Refusal | ZooKeeperError>();
  // Servers that were silent come last: others may be about to elect a leader, and the session's time runs.
  const silent = new Set(search.avoid === undefined ? [] : [search.avoid]);
  for (let round = search.failedRounds; ; round++) {
    if (round > 0) await pauseBefore(round, search.untilMs, stop);
    for (const server of shuffled(search.servers, silent)) {
      const found = await tryServer(search, server, reasons, stop);
      if (found) return found;
      if (performance.now() >= search.untilMs) throw unreachable(reasons);
    }
    // A session that lives is worth trying to its end: what speaks HTTP now may be a proxy that is just starting.
    const isNew = search.greeting.sessionId === 0n;
    if (isNew && search.servers.every((server) => isFinal(reasons.get(serverName(server))))) throw unreachable(reasons);
    silent.clear();
    for (const [name, reason] of reasons) if (reason instanceof Silence) silent.add(name);
  }
}

/** Longer from round to round, and of random length, so that many clients that lost one server do not come to another all at once. */
async function pauseBefore(round: number, untilMs: number, stop: AbortSignal): Promise<void> {
  const left = Math.max(untilMs - performance.now(), 0);
  const longest = Math.min(firstPauseMs * 2 ** (round - 1), longestPauseMs, left);
  await pause(longest * (0.5 + Math.random() / 2), undefined, { signal: stop });
}

export function serverName({ host, port }: Server): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function shuffled(servers: readonly Server[], last: ReadonlySet<string>): Server[] {
  const order = servers.map((server) => ({ server, at: Math.random() + (last.has(serverName(server)) ? 1 : 0) }));
  return order.sort((a, b) => a.at - b.at).map(({ server }) => server);
}

/** Undefined: this server cannot be used now, and `reasons` says why. */
async function tryServer(
  search: Search,
  server: Server,
  reasons: Map<string, Refusal | ZooKeeperError>,
  stop: AbortSignal,
): Promise<Found | undefined> {
  const name = serverName(server);
  const limitMs = attemptMs(search, reasons.get(name) instanceof Silence);
  const note = (error: unknown) => {
    if (error instanceof SessionGone || stop.aborted) throw error;
    const reason = error instanceof Refusal || error instanceof ZooKeeperError ? error : new Refusal(String(error));
    reasons.set(name, reason);
    search.onRefused(name, reason.message);
  };
  const targets = await within(limitMs, stop, (signal) => resolve(server, signal)).catch(note);
  for (const target of targets ?? []) {
    const greeted = await within(limitMs, stop, (signal) => open(search, target, signal)).catch(note);
    if (greeted) return { server: name, greeted };
  }
  return undefined;
}

async function open(search: Search, target: Target, signal: AbortSignal): Promise<Greeted> {
  const socket = await openSocket(target, search.tls, signal);
  return greet(socket, search.greeting, search.credentials, search.replyBytesLimit, signal);
}

/** Each server gets its share of the time that is left; where there are others, one that was silent gets half of it. */
function attemptMs({ untilMs, servers }: Search, wasSilent: boolean): number {
  const parts = wasSilent && servers.length > 1 ? 2 * servers.length : servers.length;
  const share = (untilMs - performance.now()) / parts;
  return Math.round(Math.min(Math.max(share, shortestAttemptMs), longestAttemptMs));
}

/** The server let its time pass. */
class Silence extends Refusal {}

async function within<T>(ms: number, stop: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Silence(`it does not answer within ${ms} ms`)), ms);
  try {
    return await run(AbortSignal.any([stop, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Names are looked up each time: behind a name there may be another address by now. */
async function resolve({ host, port }: Server, signal: AbortSignal): Promise<Target[]> {
  if (isIP(host)) return [{ host, address: host, port }];
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(new Refusal("its name was not looked up in time"));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const found = await Promise.race([lookUp(host), aborted.promise]);
    return found.map(({ address }) => ({ host, address, port }));
  } catch (error) {
    throw error instanceof Refusal
      ? error
      : new Refusal(`its name is not known (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Under way, by host. None can be called off: behind a resolver that is silent they would queue up, and the one that counts would come last. */
const lookUps = new Map<string, Promise<LookupAddress[]>>();

function lookUp(host: string): Promise<LookupAddress[]> {
  const known = lookUps.get(host);
  if (known) return known;
  const found = lookup(host, { all: true }).finally(() => lookUps.delete(host));
  // Whoever asked may have given up.
  found.catch(() => {});
  lookUps.set(host, found);
  return found;
}

function isFinal(reason: Refusal | ZooKeeperError | undefined): boolean {
  return reason instanceof ZooKeeperError || reason?.final === true;
}

function unreachable(reasons: ReadonlyMap<string, Refusal | ZooKeeperError>): ZooKeeperError {
  const all = [...reasons.values()];
  const refused = all.find((reason) => reason instanceof ZooKeeperError);
  const code = refused && all.every(isFinal) ? refused.code : "unreachable";
  const list = [...reasons].map(([server, { message }]) => `${server}: ${message}`).join("; ");
  return new ZooKeeperError(code, `no ZooKeeper server can be used: ${list}`);
}
