// What is sent and never arrives: answers to commits, and events of watches. Nothing is done twice, nothing is said to be done that is not,
// and the cluster still comes to what was asked of it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isOrchestraError } from "../../src/model/errors.ts";
import { presenceKey } from "../../src/model/keys.ts";
import { openZooKeeper } from "../../src/store/zookeeper.ts";
import { parseZooKeeperUrl } from "../../src/store/zookeeper-url.ts";
import { eventually } from "../support/eventually.ts";
import { brokenLaws, changesIn } from "../support/history-laws.ts";
import { applyWish, type MemoryCluster, memoryCluster } from "../support/memory-cluster.ts";
import { randomOf, rounds, roundsOf, seed } from "../support/rounds.ts";
import { type TcpProxy, tcpProxy } from "../support/tcp-proxy.ts";
import { testClient } from "../support/zookeeper-clients.ts";
import { readHistory } from "../support/zookeeper-history.ts";
import { type RunningZooKeeper, startZooKeeper } from "../support/zookeeper-server.ts";

/** Of a transaction, among ZooKeeper's requests. */
const multi = 14;

let zookeeper: RunningZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper?.close());

const direct = (chroot: string) => `zk://${zookeeper.connect}${chroot}`;
const through = ({ host, port }: TcpProxy, chroot: string) => `zk://${host}:${port}${chroot}`;

async function link(t: TestContext): Promise<TcpProxy> {
  const made = await tcpProxy(await zookeeper.leader());
  t.after(() => made.close());
  return made;
}

const historyOf = () => readHistory(join(zookeeper.folder, "1", "data"));

test("an apply whose answer is lost ends rightly, and the next one has nothing to do", async (t) => {
  const cluster = await memoryCluster(t, direct("/reply"));
  await cluster.host("n1");
  await cluster.master();
  const proxy = await link(t);
  const wish = { replicas: 2, version: "1" };
  const path = await cluster.manifest("web", wish);
  const swallowed = proxy.swallowReply(multi);
  const first = await cluster.run(["apply", "-f", path, "--timeout", "60s"], through(proxy, "/reply"));
  await swallowed;
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const second = await cluster.run(["apply", "-f", path], through(proxy, "/reply"));
  assert.match(second.stdout, /^Up to date/m);
  assert.equal(changesIn(historyOf(), "/reply").length, 1);
  await cluster.settled(new Map([["web", wish]]));
});

test(`of changes that race with lost answers each is done once or not at all, as it was told (seed ${seed})`, async (t) => {
  const random = randomOf("lost answers");
  const cluster = await memoryCluster(t, direct("/race"));
  const proxies = [await link(t), await link(t)];
  const stores = await Promise.all(proxies.map((proxy) => cluster.open(through(proxy, "/race"))));
  const ends = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      stores.map(async (store, index) => {
        const by = `writer${index}-round${round}`;
        if (random() < 0.7) void proxies[index]?.swallowReply(multi);
        await pause(random() * 20);
        const wish = { replicas: 1 + round, version: `${index}-${round}` };
        const end = applyWish(store, `d${Math.floor(random() * 2)}`, wish, by).then(
          () => "done",
          (error: unknown) => {
            if (!isOrchestraError(error)) throw error;
            return error.details?.["outcome"] === "unknown" ? "unknown" : "refused";
          },
        );
        ends.set(by, await end);
      }),
    );
  }
  const history = historyOf();
  assert.deepEqual(brokenLaws(history, "/race"), [], `seed ${seed}`);
  const written = changesIn(history, "/race").map((change) => change.split(" ")[1]);
  for (const [by, end] of ends) {
    const times = written.filter((one) => one === by).length;
    assert.ok(end === "unknown" ? times <= 1 : times === (end === "done" ? 1 : 0), `${by}: ${end}, ${times} (${seed})`);
  }
  assert.ok([...ends.values()].includes("done"));
});

test(`while events are lost or late, changes still come about, and who is gone is succeeded (seed ${seed})`, async (t) => {
  const chroot = "/events";
  const random = randomOf("lost events");
  const cluster = await memoryCluster(t, direct(chroot));
  const proxies = [await link(t), await link(t), await link(t)] as const;
  const [leading, standing, working] = proxies;
  // What takes a minute in earnest.
  const connect = (proxy: TcpProxy) => () =>
    openZooKeeper({ place: parseZooKeeperUrl(through(proxy, chroot)), create: true, check: () => {}, recheckMs: 100 });
  const host = await cluster.host("n1", { connect: connect(working) });
  const first = await cluster.master({ connect: connect(leading) });
  await cluster.settled(new Map());
  await cluster.master({ connect: connect(standing) });
  for (const proxy of proxies) proxy.loseEvents(true);
  const wish = { replicas: 3, version: "1" };
  await applyWish(cluster.store, "web", wish, "ann");
  await cluster.settled(new Map([["web", wish]]));
  await first.close();
  for (let round = 0; round < roundsOf({ test: 3, soak: 50 }); round += 1) {
    for (const proxy of proxies) {
      proxy.loseEvents(random() < 0.5);
      proxy.delay(random() < 0.5 ? Math.floor(random() * 200) : 0);
    }
    if (random() < 0.2) await loseNode(t, cluster, chroot);
    const next = { replicas: 1 + Math.floor(random() * 4), version: `round ${round}` };
    await applyWish(cluster.store, "web", next, `round-${round}`);
    await cluster.settled(new Map([["web", next]]));
    assert.equal((await host.running()).length, next.replicas, `round ${round}, seed ${seed}`);
  }
  for (const proxy of proxies) proxy.loseEvents(true);
  await loseNode(t, cluster, chroot);
  assert.deepEqual(brokenLaws(historyOf(), chroot, host.ran()), [], `seed ${seed}`);
});

/** Somebody removes the presence of its worker, which has to hear of it and be there again. */
async function loseNode(t: TestContext, cluster: MemoryCluster, chroot: string): Promise<void> {
  const { client } = await testClient(t, zookeeper.servers, { chroot });
  await client.delete(`/${presenceKey("n1")}`, -1);
  await eventually("the node is there again", () => cluster.store.read(presenceKey("n1")));
  await client.close();
}
