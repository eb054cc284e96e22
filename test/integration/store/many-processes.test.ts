// Many processes on one store file.
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { deploymentKey, presenceKey } from "../../../src/model/keys.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put } from "../../../src/store/store.ts";
import { act, deployment } from "../../support/builders.ts";
import { startStoreProcess, totalKey } from "../../support/store-child.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const processes = 8;
const timesEach = 25;

test("8 processes that commit at once lose nothing, and nobody sees a torn state", async (t) => {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const children = await Promise.all(Array.from({ length: processes }, () => startStoreProcess(t, url)));
  const auditor = await startStoreProcess(t, url);
  const faults = auditor.tell({ do: "audit", until: processes * timesEach });
  await Promise.all(
    children.map((child, index) => child.tell({ do: "count", name: `part${index}`, times: timesEach })),
  );
  assert.deepEqual(await faults, []);
  const store = await openStore(url, { create: false });
  const deployments = (await store.list(["deployments"])).list("deployments");
  await store.close();
  const counts = deployments.map(({ key, value }) => [key, value.generation]);
  const parts = Array.from({ length: processes }, (_, index) => [`deployments/part${index}`, timesEach]);
  assert.deepEqual(counts, [...parts, [totalKey, processes * timesEach]]);
});

test("a store that many create at once is one store with one cluster", async (t) => {
  const url = `file:${join(await tempFolder(t), "new", "store.db")}`;
  const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(url, { create: true })));
  const clusters = await Promise.all(stores.map((store) => ensureCluster(store, { now: "2026-01-01T00:00:00Z" })));
  assert.equal(new Set(clusters.map(({ id }) => id)).size, 1);
  assert.match(clusters[0]?.id ?? "", /^[0-9a-f]{8}$/);
  for (const store of stores) await store.close();
});

test("a commit waits while another process writes, with a free event loop, and readers do not wait at all", async (t) => {
  const path = join(await tempFolder(t), "store.db");
  const store = await openStore(`file:${path}`, { create: true });
  const raw = new DatabaseSync(path);
  raw.exec("BEGIN IMMEDIATE");
  let committed = false;
  const commit = store.commit({ changes: [put(deploymentKey("web"), deployment(), "absent")] }).then(() => {
    committed = true;
  });
  // A blocked event loop could not take these turns.
  for (let turn = 0; turn < 20; turn += 1) {
    await delay(5);
    assert.equal(await store.read(deploymentKey("web")), undefined);
    assert.equal(committed, false);
  }
  raw.exec("COMMIT");
  raw.close();
  await commit;
  assert.ok(await store.read(deploymentKey("web")));
  await store.close();
});

test("a store opened by a link is the same store, presence included", async (t) => {
  const folder = await tempFolder(t);
  const store = await openStore(`file:${join(folder, "store.db")}`, { create: true });
  await symlink(join(folder, "store.db"), join(folder, "link.db"));
  const linked = await openStore(`file:${join(folder, "link.db")}`, { create: false });
  await linked.join(presenceKey("n1"), { key: "k", pid: 1, since: act.at });
  assert.equal((await store.read(presenceKey("n1")))?.value.key, "k");
  await linked.close();
  assert.equal(await store.read(presenceKey("n1")), undefined);
  await store.close();
});
