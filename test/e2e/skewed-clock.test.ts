// One host's wall clock is an hour off, either way, or jumps: no decision depends on it. Leaders, workers and commands agree all the same.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Clock, systemClock } from "../../src/clock.ts";
import { presenceKey, verdictsKey } from "../../src/model/keys.ts";
import { eventually } from "../support/eventually.ts";
import { applyWish, memoryCluster } from "../support/memory-cluster.ts";
import { type RunningZooKeeper, startZooKeeper } from "../support/zookeeper-server.ts";

const hourMs = 3_600_000;

let zookeeper: RunningZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper?.close());

/** The wall clock of another hour, which may change while it runs; durations are as they are. */
function offBy(skewMs: () => number): Clock {
  return { ...systemClock, wall: () => new Date(Date.now() + skewMs()).toISOString() };
}

const skews: readonly (readonly [string, () => number])[] = [
  ["an hour behind", () => -hourMs],
  ["an hour ahead", () => hourMs],
  ["jumping to and fro", () => (Math.floor(Date.now() / 500) % 2 === 0 ? -hourMs : hourMs)],
];
for (const [index, [name, skewMs]] of skews.entries()) {
  test(`with the clock of a worker and the leader ${name} everything is done as ever`, async (t) => {
    const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/clock${index}`);
    const clock = offBy(skewMs);
    const nodeLostAfterMs = 1_500;
    const skewed = await cluster.host("n1", { clock });
    const right = await cluster.host("n2");
    const first = await cluster.master({ clock, nodeLostAfterMs });
    await applyWish(cluster.store, "web", { replicas: 4, version: "1" }, "ann");
    await cluster.settled(new Map([["web", { replicas: 4, version: "1" }]]));
    // Restarts count up by the worker's own time, and the leader that follows has the right clock.
    const [pod = ""] = await skewed.running();
    skewed.runtime.end(pod, 1);
    await eventually("what ended runs again", async () => (await skewed.running()).includes(pod));
    await skewed.restart();
    await cluster.master({ nodeLostAfterMs });
    await first.close();
    await applyWish(cluster.store, "web", { replicas: 5, version: "2" }, "ann");
    await cluster.settled(new Map([["web", { replicas: 5, version: "2" }]]));
    const { nodes } = (await cluster.store.read(verdictsKey))?.value ?? assert.fail("no verdicts");
    assert.deepEqual(Object.values(nodes), [{ state: "present" }, { state: "present" }]);
    assert.ok(await cluster.store.read(presenceKey("n1")));
    const ready = [...(await skewed.running()), ...(await right.running())];
    assert.equal(ready.length, 5);
  });
}
