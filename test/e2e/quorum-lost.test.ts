// The ensemble loses its quorum for a while: commands say so soon and by name of the servers, what runs stays, also where a worker restarts
// meanwhile, and afterwards everything goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { applyWish, memoryCluster } from "../support/memory-cluster.ts";
import { randomOf, seed } from "../support/rounds.ts";
import { startZooKeeper } from "../support/zookeeper-server.ts";

/** A command that waited longer than this would not have failed fast; generous, for a machine under load. */
const soonMs = 30_000;

test(`without a quorum nothing that runs changes, and with it everything goes on (seed ${seed})`, async (t) => {
  const random = randomOf("quorum");
  const zookeeper = await startZooKeeper({ servers: 3, config: { maxSessionTimeout: 2_000 } });
  t.after(() => zookeeper.close());
  const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/orchestra`);
  const hosts = [await cluster.host("n1"), await cluster.host("n2")];
  await cluster.master();
  await cluster.master();
  const wish = { replicas: 4, version: "1" };
  await applyWish(cluster.store, "web", wish, "ann");
  await cluster.settled(new Map([["web", wish]]));
  const running = async () => (await Promise.all(hosts.map((host) => host.running()))).flat();
  const before = await running();

  const victims = zookeeper.servers.toSpliced(Math.floor(random() * 3), 1);
  // Both ways to be gone: closed ports, and connections that nobody answers.
  const [killed, frozen] = victims;
  await killed?.kill();
  frozen?.freeze();
  const path = await cluster.manifest("web", { replicas: 1, version: "2" });
  const start = performance.now();
  const commands = [["apply", "-f", path], ["get", "pods"], ["status"]];
  const outcomes = await Promise.all(commands.map((words) => cluster.run(words)));
  assert.ok(performance.now() - start < soonMs);
  for (const { code, stderr } of outcomes) {
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^Error: the store zk:\/\/\S+ cannot be used now: /m);
    for (const { host } of zookeeper.servers) assert.ok(stderr.includes(`${host}:`), stderr);
    assert.match(stderr, /^Hint: containers and names go on/m);
  }
  // With nothing but its disk it keeps what it runs, and starts again what ends.
  await hosts[0]?.restart();
  const [pod = ""] = (await hosts[0]?.running()) ?? [];
  hosts[0]?.runtime.end(pod, 1);
  await eventually("what ended runs again", async () => (await hosts[0]?.running())?.includes(pod), soonMs);
  assert.deepEqual((await running()).sort(), before.toSorted());

  frozen?.thaw();
  await killed?.start();
  await zookeeper.leader();
  const next = { replicas: 3, version: "3" };
  await eventually("changes go through", () => applyWish(cluster.store, "web", next, "ann").catch(() => false), soonMs);
  await cluster.settled(new Map([["web", next]]));
});
