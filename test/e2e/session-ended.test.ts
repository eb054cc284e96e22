// A session is ended from outside: whoever lived with it hears of it, others see it gone, and everything comes back by itself.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { presenceKey } from "../../src/model/keys.ts";
import { eventually, fired } from "../support/eventually.ts";
import { brokenLaws } from "../support/history-laws.ts";
import { applyWish, memoryCluster } from "../support/memory-cluster.ts";
import { randomOf, rounds, seed } from "../support/rounds.ts";
import { endSession } from "../support/session-thief.ts";
import { type TcpProxy, tcpProxy } from "../support/tcp-proxy.ts";
import { readHistory } from "../support/zookeeper-history.ts";
import { type RunningZooKeeper, startZooKeeper, type ZooKeeperServer } from "../support/zookeeper-server.ts";

let zookeeper: RunningZooKeeper;
let server: ZooKeeperServer;
before(async () => {
  zookeeper = await startZooKeeper();
  server = await zookeeper.leader();
});
after(() => zookeeper.close());

/** A link of its own for each role, so that its sessions are known. */
async function links(t: { after(clean: () => Promise<void>): void }, count: number): Promise<TcpProxy[]> {
  const all = await Promise.all(Array.from({ length: count }, () => tcpProxy(server)));
  t.after(async () => void (await Promise.all(all.map((link) => link.close()))));
  return all;
}

const urlOf = ({ host, port }: TcpProxy, chroot: string) => `zk://${host}:${port}${chroot}`;

const ended = new Set<bigint>();

async function end(link: TcpProxy): Promise<void> {
  await eventually("a session is ended", async () => {
    // Whose session was ended a moment ago may not have another one yet.
    const session = link.sessions.findLast(({ id }) => id !== 0n && !ended.has(id));
    const isEnded = session !== undefined && (await endSession(server, session));
    if (isEnded) ended.add(session.id);
    return isEnded;
  });
}

test("leadership, presence and views hear of it, and each is to be had again", async (t) => {
  const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/signals`);
  const [link] = await links(t, 1);
  assert.ok(link);
  const store = await cluster.open(urlOf(link, "/signals"));
  const me = { key: "mine", pid: 1, since: "2026-01-01T00:00:00.000Z" };
  const presence = await store.join(presenceKey("n1"), me);
  const leadership = await store.elect("master", new AbortController().signal);
  const view = await store.view(["presence"]);
  await end(link);
  await fired("its leadership is over", leadership.signal);
  await fired("its presence is lost", presence.lost);
  assert.equal(await cluster.store.read(presenceKey("n1")), undefined);
  await store.join(presenceKey("n1"), { ...me, pid: 2 });
  const next = await store.elect("master", new AbortController().signal);
  assert.ok(next.epoch > leadership.epoch);
  await eventually("its view goes on", () => view.snapshot().get(presenceKey("n1"))?.value.pid === 2);
  await next.resign();
});

test(`sessions of a worker and a leader are ended again and again (seed ${seed})`, async (t) => {
  const random = randomOf("sessions ended");
  const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/roles`);
  const all = await links(t, 3);
  const [leading, working, standing] = all;
  assert.ok(leading && working && standing);
  const host = await cluster.host("n1", { url: urlOf(working, "/roles") });
  await cluster.master({ url: urlOf(leading, "/roles") });
  await cluster.master({ url: urlOf(standing, "/roles") });
  for (let round = 1; round <= rounds; round += 1) {
    const victim = all[Math.floor(random() * all.length)];
    if (victim) await end(victim);
    const next = { replicas: 1 + Math.floor(random() * 4), version: `${round}` };
    await applyWish(cluster.store, "web", next, `round-${round}`);
    await cluster.settled(new Map([["web", next]]));
    assert.equal((await host.running()).length, next.replicas);
    await eventually("the node is there", () => cluster.store.read(presenceKey("n1")));
  }
  const history = readHistory(join(zookeeper.folder, "1", "data"));
  assert.deepEqual(brokenLaws(history, "/roles", host.ran()), [], `seed ${seed}`);
});
