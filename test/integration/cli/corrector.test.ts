// What `diff --live` names as the correction where a sync owns a Deployment: that sync, and what keeps it from its work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "../../../src/apply/guards.ts";
import { correctorOf } from "../../../src/cli/sync/corrector.ts";
import { control, paused, resumed } from "../../../src/cli/sync/syncs.ts";
import type { SyncOutcome } from "../../../src/model/sync.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";

test("the sync is named as what corrects, with what has to be done before", async (t) => {
  const lab = await syncLab(t);
  const corrector = () => correctorOf(lab.store, lab.source);
  const is = (outcome: SyncOutcome) => lab.told(`it is ${outcome}`, ({ pass }) => pass?.outcome === outcome);
  const named = { named: lab.source, node: undefined };
  assert.equal(await corrector(), "its sync, once one runs: orchestra sync");
  for (const name of ["a", "b", "c", "d", "e"]) await lab.write(`${name}.yaml`, manifestText(name, "a:1"));
  const sync = await lab.start({ limits: defaultLimits });
  await is("synced");
  assert.equal(await corrector(), "its sync");
  for (const name of ["b", "c", "d", "e"]) await lab.remove(`${name}.yaml`);
  const { held } = await is("held");
  assert.equal(await corrector(), `its sync, which holds all of it: orchestra sync approve ${held?.token}`);
  await control(lab.store, named, paused({ by: "ann", at: "now" }));
  await is("paused");
  assert.equal(await corrector(), "its sync, which is paused: orchestra sync resume");
  await control(lab.store, named, resumed);
  await lab.write("a.yaml", "name: [");
  await is("refused");
  assert.equal(await corrector(), "its sync, which refuses what the files say now: orchestra sync status");
  await sync.close();
  assert.equal(await corrector(), "its sync, once one runs: orchestra sync");
  await lab.write("a.yaml", manifestText("a", "a:1"));
  await lab.start({ heals: false });
  await lab.told("marks are written", ({ applied, lead }) => lead.ended === undefined && applied?.marks !== undefined);
  assert.equal(await corrector(), "a change of its manifest, or its sync without --no-self-heal");
});
