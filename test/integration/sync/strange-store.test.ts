// A store that is not as it was: an older copy, an empty one, half an import. A sync applies nothing to it until somebody says that it is meant.
import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { holderSelectors, holdersOf } from "../../../src/cli/holders.ts";
import { acceptRollback } from "../../../src/cli/store/accept-rollback.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { clusterKey, placementsKey, syncControlKey } from "../../../src/model/keys.ts";
import type { KnownStore } from "../../../src/model/known-store.ts";
import { sourceId } from "../../../src/model/sync.ts";
import { overwrite, put, remove, type Store } from "../../../src/store/store.ts";
import { readinessOf } from "../../../src/sync/health.ts";
import type { Sync } from "../../../src/sync/sync.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { manifestText, type SyncLab, syncLab, withOthers } from "../../support/sync-lab.ts";

const limitMs = 30_000;
const web = (image: string) => manifestText("web", image);
const holds = (sync: Sync, why: RegExp) =>
  eventually(`it holds: ${why}`, () => why.test(readinessOf(sync.reading()).text), limitMs);

/** As a master does with each change of its placements. */
async function placed(store: Store, count: number): Promise<void> {
  const key = placementsKey("n1");
  await store.commit({ changes: [overwrite(await store.list([key]), key, { count, placements: [] })] });
}

async function cluster(store: Store) {
  return (await store.read(clusterKey)) ?? assert.fail("no cluster");
}

/** A sync that has applied `a:2`, and a copy of the store from before that, which can be put in its place. */
async function grown(t: TestContext) {
  const lab = await syncLab(t);
  const path = join(lab.beside, "store.db");
  const copy = join(lab.beside, "copy.db");
  await lab.write("web.yaml", web("a:1"));
  await placed(lab.store, 1);
  const first = await lab.start();
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await first.close();
  const database = new DatabaseSync(path);
  database.exec(`VACUUM INTO '${copy}'`);
  database.close();
  const sync = await lab.start();
  await lab.write("web.yaml", web("a:2"));
  await lab.settled({ web: "a:2" });
  await placed(lab.store, 5);
  const memory = join(lab.beside, "seen", `sync-${sourceId(lab.source)}.json`);
  const seen = async () => (JSON.parse(await readFile(memory, "utf8").catch(() => "{}")) as KnownStore).written;
  // Placements wake no sync; whatever else changes does.
  const nudge = () => lab.store.commit({ changes: [put(syncControlKey(lab.source), {}, "absent")] });
  await nudge();
  await eventually("it has seen that", async () => (await seen()) === 5, limitMs);
  const restore = async () => {
    await rename(copy, path);
    // A connection that was open refuses once: what it had begun was meant for the file before.
    const answers = () =>
      lab.store.list(["deployments"]).then(
        () => true,
        () => false,
      );
    await eventually("the other file is opened", answers, limitMs);
  };
  return { lab, sync, restore };
}

/** Nothing of the folder comes in, and nothing else is written; then an operator accepts it as it is. */
async function heldUntilAccepted(lab: SyncLab, sync: Sync): Promise<void> {
  await holds(sync, /holds: the store is older than it was .* orchestra store accept-rollback$/);
  const { position } = await lab.store.list(holderSelectors);
  await throughout(500, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  const snapshot = await lab.store.list(holderSelectors);
  assert.equal(snapshot.position, position);
  const holders = await holdersOf(snapshot, lab.beside, "seen");
  assert.match(holders.find(({ about }) => about === "sync")?.reason ?? "", /^the store is older/);
  await acceptRollback(lab.store, snapshot, holders, (await cluster(lab.store)).value);
  await lab.settled({ web: "a:2" });
}

test("a sync that runs applies nothing to an older copy in the store's place until that is accepted", async (t) => {
  const { lab, sync, restore } = await grown(t);
  await restore();
  await heldUntilAccepted(lab, sync);
});

test("one that starts on an older copy does not even say that it leads", async (t) => {
  const { lab, sync, restore } = await grown(t);
  await sync.close();
  await restore();
  await heldUntilAccepted(lab, await lab.start());
});

test("nothing is applied to half an import, nor to a store that was emptied", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  const sync = await lab.start();
  await lab.settled({ web: "a:1" });
  const before = await cluster(lab.store);
  await lab.store.commit({ changes: [put(clusterKey, { ...before.value, importing: "file" }, before.version)] });
  await holds(sync, /holds: an import into the store has not been finished/);
  await lab.write("web.yaml", web("a:2"));
  await throughout(300, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  await lab.store.commit({ changes: [remove(clusterKey, (await cluster(lab.store)).version)] });
  await holds(sync, /holds: the store is empty/);
  await throughout(300, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  await lab.store.commit({ changes: [put(clusterKey, before.value, "absent")] });
  await lab.settled({ web: "a:2" });
});

test("a sync that waits for the right store says so once, and asks for it ever more rarely", async (t) => {
  const { lab, sync, restore } = await grown(t);
  await sync.close();
  await restore();
  const lines: string[] = [];
  const said = (message: string) => void lines.push(message);
  const log: Log = { ...silentLog, info: said, warn: said, error: said, with: () => log };
  let elections = 0;
  const counting = (store: Store) =>
    withOthers(store, {
      elect: (...words) => {
        elections += 1;
        return store.elect(...words);
      },
    });
  const strange = await lab.start({ log, through: counting });
  await holds(strange, /holds: the store is older than it was/);
  await eventually("it has tried a second time", () => elections > 2, limitMs);
  const before = elections;
  await throughout(2_000, () => {});
  // After 100, 200, 400, 800 and 1600 ms.
  assert.ok(elections - before <= 4, `${elections - before} elections in two seconds`);
  assert.deepEqual(lines.filter((line) => /holds|cannot lead/.test(line)).length, 2);
});
