// Without the store the worker goes on with what it knew: it restarts what crashes, and stops nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { networkName } from "../../../src/model/cluster.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { clusterKey, statusesKey } from "../../../src/model/keys.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { all, workerLab } from "../../support/worker-lab.ts";

const { signal } = new AbortController();

/** A store that nobody reaches. `onCall`: somebody has tried. */
function goneStore(onCall = () => {}): Store {
  const fail = () => {
    onCall();
    return Promise.reject(new OrchestraError("unavailable", "the store is gone"));
  };
  const close = () => Promise.resolve();
  return {
    url: "file:/gone",
    commitBytesLimit: 1,
    read: fail,
    list: fail,
    view: fail,
    commit: fail,
    join: fail,
    elect: fail,
    isLed: fail,
    close,
  };
}

test("a worker that starts while the store is gone keeps its pods and restarts what crashes", async (t) => {
  const lab = await workerLab(t);
  const runtime = openMemory(memoryImages, systemClock);
  const first = await lab.start({ runtime });
  const [one, two] = await lab.place("web", {}, 2);
  await lab.until("ready", all(2, "ready"));
  await first.close();
  await lab.start({ store: goneStore(), runtime });
  const before = await runtime.list(signal);
  runtime.end(one?.pod ?? "", 1);
  await eventually("it runs again", async () => (await runtime.list(signal)).every(({ state }) => state === "running"));
  assert.deepEqual(
    (await runtime.list(signal)).map(({ id }) => id),
    before.map(({ id }) => id),
  );
  await runtime.remove(before.find(({ pod }) => pod === two?.pod)?.id ?? "", signal);
  await eventually("it is made again, by the template on the disk", async () => {
    const now = await runtime.list(signal);
    return now.length === 2 && now.every(({ state }) => state === "running");
  });
});

test("a store that is away is said once by each who misses it, however often it is tried", async (t) => {
  const lab = await workerLab(t);
  const clock = fakeClock();
  const said: string[] = [];
  let calls = 0;
  await lab.start({
    store: goneStore(() => {
      calls += 1;
    }),
    runtime: openMemory(memoryImages, clock),
    clock,
    log: { ...silentLog, warn: (message, fields) => void said.push(`${message}: ${String(fields?.["error"])}`) },
  });
  await eventually("it has tried many times", async () => {
    await clock.advance(1_000);
    return calls > 60;
  });
  assert.ok(
    said.some((line) => line.includes("the store is gone")),
    said.join("\n"),
  );
  assert.deepEqual(said, [...new Set(said)], "nobody repeats a word");
  assert.ok(said.length <= 4, said.join("\n"));
});

test("a store that was replaced is held off: its word stops nothing", async (t) => {
  const lab = await workerLab(t);
  const runtime = openMemory(memoryImages, systemClock);
  const first = await lab.start({ runtime });
  await lab.place("web", {}, 2);
  await lab.until("ready", all(2, "ready"));
  await first.close();
  const cluster = await lab.store.read(clusterKey);
  assert.ok(cluster);
  const replaced = { ...cluster.value, incarnation: cluster.value.incarnation - 1 };
  // In that copy this node's range was another node's.
  const [claim] = (await lab.store.list(["ranges"])).list("ranges");
  assert.ok(claim);
  const taken = put(claim.key, { node: "another" }, claim.version);
  await lab.store.commit({ changes: [put(clusterKey, replaced, cluster.version), taken] });
  const networks = async () => (await runtime.networks(networkName(cluster.value.id), signal)).ours?.range;
  const range = await networks();
  await lab.change(() => []);
  const warnings: string[] = [];
  await lab.start({
    runtime,
    log: { ...silentLog, warn: (_message, fields) => void warnings.push(String(fields?.["reason"])) },
  });
  await eventually("it says why", () => warnings.some((reason) => /replaced .*accept-rollback$/.test(reason)));
  const running = async () => (await runtime.list(signal)).filter(({ state }) => state === "running").length;
  assert.equal(await running(), 2);
  assert.equal(await networks(), range);
  assert.deepEqual(
    (await lab.store.list(["ranges"])).list("ranges").map(({ value }) => value.node),
    ["another"],
  );
  const told = async () => (await lab.store.read(statusesKey(lab.node)))?.value.hold;
  const hold = await eventually("it tells others", told);
  assert.deepEqual([hold.incarnation, hold.stops, hold.starts.count], [1, { count: 2, names: ["web-0", "web-1"] }, 0]);

  const now = (await lab.store.read(clusterKey)) ?? assert.fail("no cluster");
  await lab.store.commit({ changes: [put(clusterKey, { ...now.value, incarnation: 2 }, now.version)] });
  await eventually("it follows", async () => (await running()) === 0 && (await told()) === undefined);
});
