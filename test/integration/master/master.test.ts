// The master on a real store, with the test in the place of the workers.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { type Master, startMaster } from "../../../src/master/master.ts";
import {
  deploymentKey,
  placementsKey,
  podsKey,
  presenceKey,
  revisionKey,
  statusesKey,
  verdictsKey,
} from "../../../src/model/keys.ts";
import type { Placement } from "../../../src/model/pod.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store, type View } from "../../../src/store/store.ts";
import {
  act,
  builtAt,
  type ClusterFixture,
  deployment,
  documentsOf,
  fill,
  node,
  revisionOf,
  status,
} from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";

async function openCluster(t: TestContext, fixture: ClusterFixture): Promise<Store> {
  const store = await openStore(`file:${join(await tempFolder(t), "store.db")}`, { create: true });
  t.after(() => store.close());
  await fill(store, documentsOf(fixture));
  for (const name of Object.keys(fixture.nodes ?? { "node-1": {} })) {
    await store.join(presenceKey(name), { key: node().key, pid: process.pid, since: builtAt });
  }
  return store;
}

/** Longer than any test of this file takes. */
const nodeLostAfterMs = 60_000;

async function start(t: TestContext, store: Store, stateDir?: string, log = silentLog): Promise<Master> {
  const folder = stateDir ?? (await tempFolder(t));
  const master = startMaster({ store, stateDir: folder, nodeLostAfterMs, clock: systemClock, log });
  t.after(() => master.close());
  return master;
}

const placementsOn = async (store: Store, name: string): Promise<readonly Placement[]> =>
  (await store.read(placementsKey(name)))?.value.placements ?? [];

/** Says of every pod on the node what a good worker would. */
async function work(store: Store, name: string): Promise<void> {
  const placements = await placementsOn(store, name);
  const statuses = placements.map(({ pod, slot, stop }) =>
    status({ id: pod, slot }, { phase: stop ? "stopped" : "ready" }),
  );
  const version = (await store.read(statusesKey(name)))?.version ?? "absent";
  await store.commit({ changes: [put(statusesKey(name), { at: builtAt, statuses }, version)] });
}

test("pods of a Deployment are placed, become ready, are rolled to a new revision, and are gone after delete", async (t) => {
  const store = await openCluster(t, { deployments: { web: { document: { replicas: 2 }, pods: [] } } });
  await start(t, store);
  await eventually("two placements", async () => (await placementsOn(store, "node-1")).length === 2);
  await work(store, "node-1");
  const rolloutOf = async () => (await store.read(podsKey("web")))?.value.rollout;
  await eventually("a complete rollout", async () => (await rolloutOf())?.state === "complete");

  const next = revisionOf({ image: "demo:2" });
  const old = await store.read(deploymentKey("web"));
  await store.commit({
    changes: [
      put(revisionKey("web", next), { image: "demo:2" }, "absent"),
      put(
        deploymentKey("web"),
        deployment({ replicas: 2, revision: next, history: [revisionOf()], generation: 2 }),
        old?.version ?? 0,
      ),
    ],
  });
  await eventually("all of the new revision", async () => {
    await work(store, "node-1");
    const rollout = await rolloutOf();
    return (
      rollout?.state === "complete" && rollout.revision === next && (await placementsOn(store, "node-1")).length === 2
    );
  });

  const rolled = await store.read(deploymentKey("web"));
  assert.ok(rolled);
  await store.commit({
    changes: [put(deploymentKey("web"), { ...rolled.value, deleted: act, generation: 3 }, rolled.version)],
  });
  await eventually("nothing left", async () => {
    await work(store, "node-1");
    const left = await store.list(["deployments", "pods", "revisions", "placements"]);
    return left.list("deployments").length + left.list("pods").length + left.list("revisions").length === 0;
  });
  assert.deepEqual(await placementsOn(store, "node-1"), []);
});

test("where everything runs as it should, nothing is written, whatever wakes the master", async (t) => {
  const store = await openCluster(t, { deployments: { web: { pods: 3 } } });
  await start(t, store);
  // The builders do not say that the pods were ready once; the first pass writes that down.
  await eventually("a first pass", async () =>
    (await store.read(podsKey("web")))?.value.pods.every(({ wasReady }) => wasReady),
  );
  await work(store, "node-1");
  const before = await store.list(["pods", "placements"]);
  // A second Deployment shows when the passes that these statuses caused are over.
  await store.commit({
    changes: [
      put(revisionKey("db", revisionOf()), { image: "demo:1" }, "absent"),
      put(deploymentKey("db"), deployment({ uid: "b2" }), "absent"),
    ],
  });
  await eventually("the pod of db", async () => (await placementsOn(store, "node-1")).length === 4);
  const after = await store.list(["pods", "placements"]);
  assert.equal(after.get(podsKey("web"))?.version, before.get(podsKey("web"))?.version);
});

test("a node whose worker leaves is absent from then on, gets no more pods, and keeps those it has", async (t) => {
  const store = await openCluster(t, { deployments: { web: { pods: 1 } }, nodes: {} });
  await fill(store, new Map([["nodes/node-1", node()]]));
  const presence = await store.join(presenceKey("node-1"), { key: "k", pid: 1, since: builtAt });
  await start(t, store);
  const verdict = async () => (await store.read(verdictsKey))?.value.nodes["node-1"]?.state;
  await eventually("present", async () => (await verdict()) === "present");
  await presence.leave();
  await eventually("absent", async () => (await verdict()) === "absent");
  const old = await store.read(deploymentKey("web"));
  await store.commit({
    changes: [put(deploymentKey("web"), deployment({ replicas: 2, generation: 2 }), old?.version ?? 0)],
  });
  await eventually("a second pod", async () => (await store.read(podsKey("web")))?.value.pods.length === 2);
  const placements = await placementsOn(store, "node-1");
  assert.deepEqual(
    placements.map(({ slot, stop }) => ({ slot, stop })),
    [{ slot: 0, stop: undefined }],
  );
});

test("on the word of a view that is not fresh nothing is stopped", async (t) => {
  const store = await openCluster(t, { deployments: { web: { document: { replicas: 0 }, pods: 2 } } });
  let looked = 0;
  let blind = true;
  let wake = () => {};
  const asView = (view: View): View => ({
    snapshot() {
      looked += 1;
      const snapshot = view.snapshot();
      return blind ? { ...snapshot, fresh: false } : snapshot;
    },
    onChange(run) {
      wake = run;
      return view.onChange(run);
    },
    close: () => view.close(),
  });
  const dim = new Proxy(store, {
    get(target, field) {
      if (field === "view")
        return async (selectors: Parameters<Store["view"]>[0]) => asView(await target.view(selectors));
      const value: unknown = Reflect.get(target, field);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await start(t, dim);
  await eventually("a look", () => looked > 0);
  assert.ok((await placementsOn(store, "node-1")).every(({ stop }) => stop === undefined));
  blind = false;
  wake();
  await eventually("the stops", async () =>
    (await placementsOn(store, "node-1")).every(({ stop }) => stop?.reason === "scale-down"),
  );
});

test("another master takes over when the one that leads is closed", async (t) => {
  const store = await openCluster(t, { deployments: { web: { document: { replicas: 1 }, pods: [] } } });
  const first = await start(t, store);
  await eventually("the first pod", async () => (await placementsOn(store, "node-1")).length === 1);
  await start(t, store);
  await first.close();
  const old = await store.read(deploymentKey("web"));
  await store.commit({
    changes: [put(deploymentKey("web"), deployment({ replicas: 3, generation: 2 }), old?.version ?? 0)],
  });
  await eventually("the others", async () => (await placementsOn(store, "node-1")).length === 3);
});

test("much is written in several commits, each Deployment's pods together with their placements", async (t) => {
  const names = Array.from({ length: 60 }, (_, index) => `app-${index}`);
  const deployments = Object.fromEntries(
    names.map((name) => [name, { document: { uid: name, replicas: 100 }, pods: [] }]),
  );
  const nodes = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`n${index}`, {}]));
  const store = await openCluster(t, { deployments, nodes });
  const view = await store.view(["pods", "placements"]);
  t.after(async () => view.close());
  const torn: string[] = [];
  let commits = 0;
  view.onChange(() => {
    commits += 1;
    const snapshot = view.snapshot();
    const placed = new Set(snapshot.list("placements").flatMap(({ value }) => value.placements.map(({ pod }) => pod)));
    for (const { key, value } of snapshot.list("pods"))
      if (value.pods.some(({ id }) => !placed.has(id))) torn.push(key);
  });
  await start(t, store);
  const total = async () =>
    (await store.list(["placements"])).list("placements").reduce((sum, { value }) => sum + value.placements.length, 0);
  await eventually("all placements", async () => (await total()) === 6_000);
  assert.deepEqual(torn, []);
  assert.ok(commits > 1, `${commits} commits`);
});
