// What a person says while a pass is under way counts: a pause that comes during the look, and limits that were made stricter by a restart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { approve } from "../../../src/cli/sync/syncs.ts";
import { syncControlKey } from "../../../src/model/keys.ts";
import { put, remove, type Store } from "../../../src/store/store.ts";
import { throughout } from "../../support/eventually.ts";
import { slowFolder } from "../../support/slow-folder.ts";
import { manifestText, syncLab, withOthers } from "../../support/sync-lab.ts";

test("a pause that is said while the source is being read holds for what is read then", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  const { ask, stall, answer } = slowFolder();
  await lab.start({ ask });
  await lab.settled({ web: "a:1" });
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await stall(() => lab.write("web.yaml", manifestText("web", "a:2")));
  const key = syncControlKey(lab.source);
  await lab.store.commit({ changes: [put(key, { paused: { by: "ann", at: "now" } }, "absent")] });
  answer();
  await lab.told("it is paused", ({ pass }) => pass?.outcome === "paused");
  await throughout(200, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  const { version } = (await lab.store.read(key)) ?? assert.fail();
  await lab.store.commit({ changes: [remove(key, version)] });
  await lab.settled({ web: "a:2" });
});

test("the first word about a sync holds also where it is a pause that is said while a plan is made", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  const key = syncControlKey(lab.source);
  const paused = { by: "ann", at: "now" };
  let isSaid = false;
  const through = (store: Store) =>
    withOthers(store, {
      async list(selectors) {
        const listed = await store.list(selectors);
        // Of what a plan rests on: from here on the pass does not look again.
        if (selectors.includes("deployments") && (await lab.document())?.pass?.outcome === "synced" && !isSaid) {
          isSaid = true;
          await lab.store.commit({ changes: [put(key, { paused }, "absent")] });
        }
        return listed;
      },
    });
  await lab.start({ through });
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await lab.write("web.yaml", manifestText("web", "a:2"));
  await lab.told("it is paused", ({ pass }) => pass?.outcome === "paused");
  assert.deepEqual(await lab.images(), { web: "a:1" });
});

test("what may be pruned under loose limits is asked for again under stricter ones", async (t) => {
  const lab = await syncLab(t);
  const names = ["a", "b", "c", "d", "e", "f"];
  for (const name of names) await lab.write(`${name}.yaml`, manifestText(name, "a:1"));
  const loose = await lab.start();
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  // Nobody runs pods here: the rest is never ready.
  for (const name of names.slice(1)) await lab.remove(`${name}.yaml`);
  await lab.write("a.yaml", manifestText("a", "a:2"));
  const { letThrough } = await lab.told("it waits to prune", ({ pass }) => pass?.outcome === "waiting");
  assert.notEqual(letThrough, undefined);
  await loose.close();
  const limit = { count: 3, percent: 20 };
  const strict = { deletions: limit, replacements: limit, affected: limit };
  const second = await lab.start({ limits: strict });
  const { held } = await lab.told("it is held", ({ pass }) => pass?.outcome === "held");
  assert.equal(held?.deleted, 5);
  await approve(lab.store, held?.token ?? "", { by: "ann", at: "now" });
  await lab.told("it waits to prune", ({ pass }) => pass?.outcome === "waiting");
  await second.close();
  await lab.start();
  await lab.told(
    "what a person has approved goes on",
    ({ pass, lead }) => lead.ended === undefined && pass?.outcome === "waiting",
  );
});
