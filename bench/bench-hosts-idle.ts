// What a cluster asks of ZooKeeper while nothing happens: the servers' own counts, before and after a while.
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../test/support/lab.ts";

export interface Idle {
  /** Transactions of any kind, by anybody. */
  readonly writes: number;
  /** Of the process on each host, in a second, besides pings. */
  readonly requests: readonly number[];
}

export async function idleFor({ zookeeper, hosts }: Lab, ms: number): Promise<Idle> {
  const servers = zookeeper?.servers ?? [];
  const zxid = async () => {
    const answers = await Promise.all(servers.map((server) => server.ask("srvr")));
    return Math.max(...answers.map((answer) => Number(/^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1])));
  };
  const counts = async () => {
    const answers = await Promise.all(servers.map((server) => server.ask("cons")));
    return answers.flatMap((answer) => answer.split("\n").flatMap(sessionOf));
  };
  const [before, zxidBefore, begun] = [await counts(), await zxid(), performance.now()];
  await sleep(ms);
  const [after, zxidAfter, seconds] = [await counts(), await zxid(), (performance.now() - begun) / 1_000];
  const sent = ({ session, requests }: Session) =>
    requests - (before.find((earlier) => earlier.session === session)?.requests ?? 0);
  return {
    writes: zxidAfter - zxidBefore,
    requests: hosts.map(({ name, address }) => {
      const own = after.filter((one) => one.address === address);
      if (own.length === 0) throw new Error(`nothing on ${name} is connected`);
      return own.reduce((sum, one) => sum + sent(one), 0) / seconds;
    }),
  };
}

interface Session {
  readonly address: string;
  readonly session: string;
  readonly requests: number;
}

/** A server numbers nothing: it keeps the number that the client gave its last request. Ours counts them, and pings have a number apart. */
function sessionOf(line: string): Session[] {
  const [, address, session, last] = /^\s*\/([\d.]+):\d+.*\bsid=(0x[0-9a-f]+),.*\blcxid=(0x[0-9a-f]+)/.exec(line) ?? [];
  if (address === undefined || session === undefined) return [];
  return [{ address, session, requests: Number(last) }];
}
