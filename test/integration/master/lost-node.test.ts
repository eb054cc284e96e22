// Nodes that go and come back, with a real store and master; the test is the workers.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { type Master, startMaster } from "../../../src/master/master.ts";
import {
  failuresKey,
  nodeControlKey,
  nodeKey,
  placementsKey,
  podsKey,
  presenceKey,
  rangeKey,
  statusesKey,
  verdictsKey,
} from "../../../src/model/keys.ts";
import type { EngineSilence } from "../../../src/model/pod.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { type Presence, put, type Store } from "../../../src/store/store.ts";
import { act, builtAt, documentsOf, fill, node, status } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const names = ["n1", "n2", "n3"];

interface Nodes {
  readonly store: Store;
  /** Each is a machine of its own. */
  start(nodeLostAfterMs: number, log?: Log, clock?: Clock): Promise<Master>;
  come(name: string): Promise<void>;
  go(name: string): Promise<void>;
  verdict(name: string): Promise<string | undefined>;
  /** `slot@node`, with a stop's reason. */
  pods(): Promise<string[]>;
  /** What a good worker of this node would say of its pods, and of its engine. */
  work(name: string, engine?: EngineSilence): Promise<void>;
}

/** Three nodes that are there, with a pod of `web` on each. */
async function openNodes(t: TestContext): Promise<Nodes> {
  const folder = await tempFolder(t);
  const store = await openStore(`file:${join(folder, "store.db")}`, { create: true });
  t.after(() => store.close());
  const pods = names.map((name) => ({ node: name }));
  const nodes = Object.fromEntries(names.map((name) => [name, {}]));
  await fill(store, documentsOf({ deployments: { web: { document: { replicas: 3 }, pods } }, nodes }));
  const presences = new Map<string, Presence>();
  const come = async (name: string) => {
    presences.set(name, await store.join(presenceKey(name), { key: node().key, pid: process.pid, since: builtAt }));
  };
  for (const name of names) await come(name);
  let masters = 0;
  return {
    store,
    come,
    async start(nodeLostAfterMs, log = silentLog, clock = systemClock) {
      masters += 1;
      const stateDir = join(folder, `master-${masters}`);
      const master = startMaster({ store, stateDir, nodeLostAfterMs, clock, log });
      t.after(() => master.close());
      return master;
    },
    go: async (name) => presences.get(name)?.leave(),
    verdict: async (name) => (await store.read(verdictsKey))?.value.nodes[name]?.state,
    async pods() {
      const placed = new Map<string, string>();
      for (const { key, value } of (await store.list(["placements"])).list("placements"))
        for (const { pod } of value.placements) placed.set(pod, key.slice("placements/".length));
      const records = (await store.read(podsKey("web")))?.value.pods ?? [];
      return records.map(({ id, slot, stop }) => `${slot}@${placed.get(id) ?? "-"}${stop ? ` ${stop.reason}` : ""}`);
    },
    async work(name, engine) {
      const placements = (await store.read(placementsKey(name)))?.value.placements ?? [];
      const statuses = placements.map(({ pod, slot, stop }) =>
        status({ id: pod, slot }, { phase: stop ? "stopped" : "ready" }),
      );
      const version = (await store.read(statusesKey(name)))?.version ?? "absent";
      await store.commit({
        changes: [put(statusesKey(name), { at: builtAt, ...(engine ? { engine } : {}), statuses }, version)],
      });
    },
  };
}

const same = (want: readonly string[]) => (found: readonly string[]) => JSON.stringify(found) === JSON.stringify(want);

test("a lost node's pods get successors, are told to stop when those are ready, and are gone when the node has come back", async (t) => {
  const { store, start, go, come, verdict, pods, work } = await openNodes(t);
  await start(100);
  await eventually("all there", async () => (await verdict("n3")) === "present");
  await go("n2");
  await eventually("lost", async () => (await verdict("n2")) === "lost");
  await eventually("a successor", async () => same(["0@n1", "1@n2", "1@n1", "2@n3"])(await pods()));
  await work("n1");
  await eventually("the stop", async () => same(["0@n1", "1@n2 lost", "1@n1", "2@n3"])(await pods()));
  await come("n2");
  await eventually("the stop is still there", async () => (await verdict("n2")) === "present");
  assert.deepEqual((await store.read(placementsKey("n2")))?.value.placements[0]?.stop, { reason: "lost" });
  await work("n2");
  await eventually("no twin", async () => same(["0@n1", "1@n1", "2@n3"])(await pods()));
});

test("a node that comes back before its successor is ready keeps its pod, and the successor goes", async (t) => {
  const { start, go, come, verdict, pods, work } = await openNodes(t);
  await start(100);
  await eventually("all there", async () => (await verdict("n3")) === "present");
  await go("n2");
  await eventually("a successor", async () => (await pods()).length === 4);
  await come("n2");
  await eventually("the successor goes", async () => same(["0@n1", "1@n2", "1@n1 superseded", "2@n3"])(await pods()));
  await work("n1");
  await eventually("as before", async () => same(["0@n1", "1@n2", "2@n3"])(await pods()));
});

test("while two of three are absent the master holds and says so; forgetting one lets it go on", async (t) => {
  const { store, start, go, verdict, pods } = await openNodes(t);
  const said: string[] = [];
  await start(100, { ...silentLog, warn: (message) => void said.push(message) });
  await eventually("all there", async () => (await verdict("n3")) === "present");
  await Promise.all([go("n2"), go("n3")]);
  const hold = async () => (await store.read(verdictsKey))?.value.hold;
  assert.match((await eventually("a hold", hold)).reason, /^2 of 3 nodes are absent: n2, n3$/);
  await eventually("it is said", () => said.some((line) => line.startsWith("the master holds")));
  const failures = {
    deployment: "web",
    slot: 1,
    pod: "x",
    revision: "r",
    at: builtAt,
    lines: [],
    reason: { code: "CRASHED" as const, message: "m" },
  };
  await store.commit({
    changes: [
      put(failuresKey("n2"), { failures: [failures] }, "absent"),
      put(nodeControlKey("n2"), { forget: act }, "absent"),
      put(rangeKey("10.42.2.0/24"), { node: "n2" }, "absent"),
      put(rangeKey("10.42.3.0/24"), { node: "n3" }, "absent"),
    ],
  });
  await eventually("n2 is gone", async () => (await store.read(nodeKey("n2"))) === undefined);
  for (const key of [statusesKey("n2"), failuresKey("n2"), nodeControlKey("n2"), rangeKey("10.42.2.0/24")])
    assert.equal(await store.read<unknown>(key), undefined, key);
  assert.equal((await store.read(rangeKey("10.42.3.0/24")))?.value.node, "n3");
  assert.deepEqual((await store.read(placementsKey("n2")))?.value.placements, []);
  // With two nodes left there is nothing to hold for, so the other one is lost after its grace.
  await eventually("n3 is lost", async () => (await verdict("n3")) === "lost");
  assert.equal(await hold(), undefined);
  await eventually("successors on n1", async () => same(["0@n1", "1@n1", "2@n3", "2@n1"])(await pods()));
});

test("a node whose engine is silent for a minute by the master's clock: successors elsewhere, and it keeps what is left when it answers", async (t) => {
  const { store, start, pods, work } = await openNodes(t);
  let leapMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + leapMs };
  const said: string[] = [];
  const log = {
    ...silentLog,
    warn: (text: string) => void said.push(text),
    info: (text: string) => void said.push(text),
  };
  await start(5_000, log, clock);
  const verdict = async () => (await store.read(verdictsKey))?.value.nodes["n2"];
  await eventually("all there", async () => (await verdict())?.state === "present");
  const engine = { since: builtAt, reason: "Docker does not answer" };
  await work("n2", engine);
  assert.deepEqual(await pods(), ["0@n1", "1@n2", "2@n3"]);
  await eventually("a successor, once the minute is over", async () => {
    leapMs += 10_000;
    await work("n3");
    return (await pods()).length === 4;
  });
  assert.ok(leapMs >= 60_000, `after ${leapMs} ms`);
  assert.deepEqual(await pods(), ["0@n1", "1@n2", "1@n1", "2@n3"]);
  const after = await verdict();
  assert.ok(after?.state === "present" && after.engineLost !== undefined);
  await work("n2");
  await eventually("the successor goes", async () => same(["0@n1", "1@n2", "1@n1 superseded", "2@n3"])(await pods()));
  assert.deepEqual(
    said.filter((text) => text.includes("engine")),
    ["the engine of a node is lost: its pods get successors elsewhere", "the engine of a node answers again"],
  );
});

test("the hold outlasts its leader: the next one goes on holding, and begins every wait anew when it ends", async (t) => {
  const { store, start, go, come, verdict, pods } = await openNodes(t);
  const lostAfterMs = 60_000;
  const clock = fakeClock();
  let leaders = 0;
  const info = (message: string) => {
    if (message === "master leads") leaders += 1;
  };
  const stand = () => start(lostAfterMs, { ...silentLog, info }, clock);
  const document = async () => (await store.read(verdictsKey))?.value;
  const first = await stand();
  await eventually("all there", async () => (await verdict("n3")) === "present");
  await Promise.all([go("n2"), go("n3")]);
  await eventually("a hold", async () => (await document())?.hold?.reason === "2 of 3 nodes are absent: n2, n3");
  const before = await document();
  const second = await stand();
  await clock.advance(lostAfterMs - 1);
  await first.close();
  await eventually("the second leads", () => leaders === 2);
  // Long enough for any wait, also for one that had nearly passed under the first.
  await clock.advance(3 * lostAfterMs);
  assert.deepEqual(await document(), before, "that it holds, since when, and why");
  assert.deepEqual(await pods(), ["0@n1", "1@n2", "2@n3"]);
  assert.equal((await store.read(placementsKey("n2")))?.value.placements[0]?.stop, undefined);

  await stand();
  await second.close();
  await eventually("the third leads", () => leaders === 3);
  await clock.advance(3 * lostAfterMs);
  await come("n3");
  await eventually("no hold", async () => (await document())?.hold === undefined);
  // Who is still away has the whole wait from here.
  await clock.advance(lostAfterMs - 1);
  assert.equal(await verdict("n2"), "absent");
  await clock.advance(1);
  await eventually("lost", async () => (await verdict("n2")) === "lost");
  await eventually("a successor", async () => same(["0@n1", "1@n2", "1@n1", "2@n3"])(await pods()));
});
