// An older copy of the store in its place: the master does nothing on its word until somebody says that this is meant.
import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { holderSelectors } from "../../../src/cli/holders.ts";
import { acceptRollback } from "../../../src/cli/store/accept-rollback.ts";
import { systemClock } from "../../../src/clock.ts";
import { podIdOf } from "../../../src/controller/pod-id.ts";
import { silentLog } from "../../../src/log.ts";
import { startMaster } from "../../../src/master/master.ts";
import type { ClusterDocument } from "../../../src/model/cluster.ts";
import { clusterKey, deploymentKey, placementsKey, presenceKey } from "../../../src/model/keys.ts";
import type { KnownStore } from "../../../src/model/known-store.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Selector, type Store } from "../../../src/store/store.ts";
import { builtAt, deployment, documentsOf, fill, node } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** A store with one Deployment that master and worker have brought up, closed; `copy` is from before a few changes. */
async function grown(t: TestContext) {
  const folder = await tempFolder(t);
  const file = join(folder, "store.db");
  const copy = join(folder, "copy.db");
  const make = await openStore(`file:${file}`, { create: true });
  await fill(make, documentsOf({ deployments: { web: { document: { replicas: 3 }, pods: [] } } }));
  await make.close();
  await copyFile(file, copy);
  const store = await openStore(`file:${file}`, { create: false });
  await store.join(presenceKey("node-1"), { key: node().key, pid: process.pid, since: builtAt });
  const master = startMaster({ store, stateDir: folder, nodeLostAfterMs: 60_000, clock: systemClock, log: silentLog });
  await eventually("three pods", async () => (await placed(store)) === 3);
  for (const replicas of [4, 5, 6, 7]) {
    await scale(store, replicas);
    await eventually(`${replicas} pods`, async () => (await placed(store)) === replicas);
  }
  await master.close();
  await store.close();
  return { folder, file, copy };
}

async function scale(store: Store, replicas: number): Promise<void> {
  const { value, version } = (await store.read(deploymentKey("web"))) ?? assert.fail("no Deployment");
  const next = deployment({ ...value, replicas: { file: replicas }, generation: value.generation + 1 });
  await store.commit({ changes: [put(deploymentKey("web"), next, version)] });
}

const placed = async (store: Store) => (await store.read(placementsKey("node-1")))?.value.placements.length ?? 0;

async function follow(t: TestContext, folder: string, file: string) {
  const store = await openStore(`file:${file}`, { create: false });
  t.after(() => store.close());
  await store.join(presenceKey("node-1"), { key: node().key, pid: process.pid, since: builtAt });
  const reasons: string[] = [];
  const warn = (_message: string, fields?: object) =>
    void reasons.push(String((fields as { reason?: string } | undefined)?.reason));
  const master = startMaster({
    store,
    stateDir: folder,
    nodeLostAfterMs: 60_000,
    clock: systemClock,
    log: { ...silentLog, warn },
  });
  t.after(() => master.close());
  return { store, master, reasons };
}

test("a master that meets an older copy of its store holds, however far that copy goes on, and follows when an operator says so", async (t) => {
  const { folder, file, copy } = await grown(t);
  await copyFile(copy, file);
  const { store, master, reasons } = await follow(t, folder, file);
  await eventually("it says why", () => reasons.length > 0);
  assert.match(reasons[0] ?? "", /^the store is older than it was .* orchestra store accept-rollback$/);
  const known = JSON.parse(await readFile(join(folder, "master.json"), "utf8")) as KnownStore;
  while ((await store.list(["cluster" as Selector])).position <= known.position + 5) await scale(store, 4);
  await master.close();
  assert.equal(await placed(store), 0);
  assert.equal(reasons.length, 1, "it is said once");

  const again = startMaster({ store, stateDir: folder, nodeLostAfterMs: 60_000, clock: systemClock, log: silentLog });
  t.after(() => again.close());
  const snapshot = await store.list(holderSelectors);
  const cluster = snapshot.get(clusterKey)?.value ?? assert.fail("no cluster");
  const holder = { about: "master", reason: reasons[0] ?? "", incarnation: known.incarnation };
  assert.equal(await acceptRollback(store, snapshot, [holder], cluster), 2);
  await eventually("the pods of the older copy", async () => (await placed(store)) === 4);
  const ids = (await store.read(placementsKey("node-1")))?.value.placements.map(({ pod }) => pod) ?? [];
  const uid = deployment().uid;
  assert.deepEqual(
    ids.filter((id) => [0, 1, 2, 3, 4, 5, 6].some((serial) => podIdOf(uid, serial) === id)),
    [],
    "an id that the lost part of the store gave is not given again",
  );
});

test("the newest copy put back is followed again without a word", async (t) => {
  const { folder, file, copy } = await grown(t);
  const newest = join(folder, "newest.db");
  await copyFile(file, newest);
  await copyFile(copy, file);
  const first = await follow(t, folder, file);
  await eventually("it holds", () => first.reasons.length > 0);
  await first.master.close();
  await first.store.close();
  await copyFile(newest, file);
  const again = await follow(t, folder, file);
  await scale(again.store, 8);
  await eventually("8 pods", async () => (await placed(again.store)) === 8);
  assert.deepEqual(again.reasons, []);
});

async function changeCluster(file: string, change: Partial<ClusterDocument>): Promise<void> {
  const store = await openStore(`file:${file}`, { create: false });
  const { value, version } = (await store.read(clusterKey)) ?? assert.fail("no cluster");
  await store.commit({ changes: [put(clusterKey, { ...value, ...change }, version)] });
  await store.close();
}

test("a master that meets an earlier incarnation of its store holds", async (t) => {
  const { folder, file } = await grown(t);
  await changeCluster(file, { incarnation: 0 });
  const { store, master, reasons } = await follow(t, folder, file);
  await eventually("it says why", () => reasons.length > 0);
  assert.match(reasons[0] ?? "", /^the store was replaced \(incarnation 0 instead of 1\)/);
  await scale(store, 9);
  await master.close();
  assert.equal(await placed(store), 7);
});

test("a master follows a later incarnation, and then holds when it meets the earlier one again", async (t) => {
  const { folder, file } = await grown(t);
  await changeCluster(file, { incarnation: 2 });
  const { store, master, reasons } = await follow(t, folder, file);
  await scale(store, 8);
  await eventually("8 pods", async () => (await placed(store)) === 8);
  assert.deepEqual(reasons, []);
  await master.close();
  await store.close();
  await changeCluster(file, { incarnation: 1 });
  const again = await follow(t, folder, file);
  await eventually("it says why", () => again.reasons.length > 0);
  assert.match(again.reasons[0] ?? "", /incarnation 1 instead of 2/);
});
