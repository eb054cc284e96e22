// The ensemble loses its quorum for a while: commands say so soon and by name of the servers, what runs stays, also where a worker restarts
// meanwhile, and afterwards everything goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOrchestraError } from "../../src/model/errors.ts";
import { connectLimitMs } from "../../src/store/zookeeper.ts";
import { outcomeLimitMs } from "../../src/store/zookeeper-attempt.ts";
import { waitLimitMs } from "../../src/store/zookeeper-session.ts";
import { eventually, throughout } from "../support/eventually.ts";
import { applyWish, memoryCluster } from "../support/memory-cluster.ts";
import { isSoak, randomOf, seed } from "../support/rounds.ts";
import { startZooKeeper } from "../support/zookeeper-server.ts";

const sessionMs = 2_000;
/** Both the server that is left and whoever is connected to it know by then that there is nobody else. */
const noticedMs = 3_000 + sessionMs;
/** What a busy machine may add to the product's own limits; and to those of several programs that it starts. */
const lateMs = 5_000;
const startLateMs = 15_000;
const limitMs = 30_000;
/** How long there is no quorum at least. */
const awayMs = isSoak ? 60_000 : 1;

test(`without a quorum nothing that runs changes, and with it everything goes on (seed ${seed})`, async (t) => {
  const random = randomOf("quorum");
  const zookeeper = await startZooKeeper({ servers: 3, config: { maxSessionTimeout: sessionMs } });
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
  const commands = [["apply", "-f", path], ["get", "pods"], ["status"]];
  const failFast = async () => {
    const outcomes = Promise.all(commands.map((words) => cluster.run(words)));
    for (const { code, stderr } of await within(connectLimitMs + startLateMs, outcomes)) {
      assert.equal(code, 1, stderr);
      assert.match(stderr, /^Error: the store zk:\/\/\S+ cannot be used now: /m);
      for (const { host } of zookeeper.servers) assert.ok(stderr.includes(`${host}:`), stderr);
      assert.match(stderr, /^Hint: containers and names go on/m);
    }
  };
  const lost = performance.now();
  const isUnavailable = (error: unknown) => isOrchestraError(error, "unavailable");
  const apply = () => applyWish(cluster.store, "web", { replicas: 1, version: "2" }, "ann");
  // The server that is left may take it still, and never answer: what became of it is asked for longer than a server is waited for.
  await within(noticedMs + outcomeLimitMs + lateMs, assert.rejects(apply(), isUnavailable));
  await within(waitLimitMs + lateMs, assert.rejects(apply(), isUnavailable));
  await within(connectLimitMs + lateMs, assert.rejects(cluster.open(), isUnavailable));
  await failFast();
  // With nothing but its disk it keeps what it runs, and starts again what ends.
  await hosts[0]?.restart();
  const [pod = ""] = (await hosts[0]?.running()) ?? [];
  hosts[0]?.runtime.end(pod, 1);
  await eventually("what ended runs again", async () => (await hosts[0]?.running())?.includes(pod), limitMs);
  const isAsBefore = async () => assert.deepEqual((await running()).sort(), before.toSorted());
  await throughout(awayMs - (performance.now() - lost), isAsBefore);
  if (isSoak) await failFast();
  await isAsBefore();

  frozen?.thaw();
  await killed?.start();
  await zookeeper.leader();
  const next = { replicas: 3, version: "3" };
  await eventually(
    "changes go through",
    () => applyWish(cluster.store, "web", next, "ann").catch(() => false),
    limitMs,
  );
  await cluster.settled(new Map([["web", next]]));
});

/** Fails when it takes longer: the product's own limits are part of what is promised. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work;
  assert.ok(performance.now() - begun <= ms, `it took ${Math.round(performance.now() - begun)} ms, not ${ms}`);
  return result;
}
