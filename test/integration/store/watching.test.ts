// How a view learns of what other processes do, whatever happens to the files beside the store.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { deploymentKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { View } from "../../../src/store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { type StoreChild, startStoreProcess } from "../../support/store-child.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("a change by another process wakes a view", async (t) => {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const store = await openStore(url, { create: true });
  t.after(() => store.close());
  const view = await store.view(["deployments"]);
  const child = await startStoreProcess(t, url);
  for (let round = 0; round < 5; round += 1) await wakesFor(view, child, `d${round}`);
});

test("a view goes on through a checkpoint, a write-ahead log that starts again, and a deleted folder of locks", async (t) => {
  const path = join(await tempFolder(t), "store.db");
  const store = await openStore(`file:${path}`, { create: true });
  t.after(() => store.close());
  const view = await store.view(["deployments"]);
  const child = await startStoreProcess(t, `file:${path}`);
  await wakesFor(view, child, "before");
  const raw = new DatabaseSync(path);
  assert.equal(raw.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"], 0);
  await wakesFor(view, child, "after-checkpoint");
  raw.close();
  await rm(`${path}-live`, { recursive: true });
  await wakesFor(view, child, "after-removal");
  assert.equal(view.snapshot().fresh, true);
});

test("the last other process to close leaves a store that is watched on", async (t) => {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const store = await openStore(url, { create: true });
  t.after(() => store.close());
  const view = await store.view(["deployments"]);
  for (const name of ["first", "second"]) {
    const child = await startStoreProcess(t, url);
    await wakesFor(view, child, name);
    await child.signal("SIGKILL");
  }
});

async function wakesFor(view: View, child: StoreChild, name: string): Promise<void> {
  let woken = false;
  const unsubscribe = view.onChange(() => {
    woken = true;
  });
  await child.tell({ do: "put", name });
  await eventually(`the view wakes for ${name}`, () => woken && view.snapshot().get(deploymentKey(name)) !== undefined);
  unsubscribe();
}
