// What people do to Deployments that a folder owns, and what a sync makes of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commitPlan, knownState, planSelectors } from "../../../src/apply/commit.ts";
import { type KnownState, type Plan, planDelete, planScale } from "../../../src/apply/plan.ts";
import { syncControlKey } from "../../../src/model/keys.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { throughout } from "../../support/eventually.ts";
import { author } from "../../support/plans.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";

async function byHand(store: Store, plan: (state: KnownState) => Plan): Promise<void> {
  await commitPlan(store, plan(knownState(await store.list(planSelectors))), plan);
}
const scale = (store: Store, count: number) =>
  byHand(store, (state) => planScale(state, "web", count, author("ann", "2026-01-02T00:00:00.000Z")));
const web = (image: string, more = "") => manifestText("web", image, more);

test("a deletion and a count by hand are taken back, and told with who it was", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1", ", replicas: 2"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  await scale(lab.store, 7);
  const { drift } = await lab.told("the count is corrected", ({ drift }) => drift?.corrected === true);
  assert.deepEqual(drift?.deployments, [{ name: "web", by: "ann", at: "2026-01-02T00:00:00.000Z" }]);
  assert.deepEqual((await lab.deployment("web"))?.replicas, { file: 2 });
  await byHand(lab.store, (state) => planDelete(state, ["web"], false, author("bob")));
  await lab.told("the deletion is", ({ drift }) => drift?.deployments[0]?.by === "bob");
  await lab.settled({ web: "a:1" });
});

test("a count that the files do not say is nobody's business", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await scale(lab.store, 7);
  await lab.write("web.yaml", web("a:2"));
  await lab.settled({ web: "a:2" });
  assert.equal((await lab.deployment("web"))?.replicas.override?.count, 7);
  assert.equal((await lab.document())?.drift, undefined);
});

test("--no-self-heal reports it and leaves it, and applies what the files change elsewhere", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1", ", replicas: 2"));
  await lab.write("api.yaml", manifestText("api", "b:1"));
  await lab.start({ heals: false });
  await lab.settled({ web: "a:1", api: "b:1" });
  await scale(lab.store, 7);
  const { pass } = await lab.told("it is told", ({ pass }) => pass?.outcome === "drifted");
  assert.match(pass?.errors[0] ?? "", /^web was changed by hand \(by ann at /);
  await lab.write("api.yaml", manifestText("api", "b:2"));
  await lab.settled({ web: "a:1", api: "b:2" });
  assert.equal((await lab.deployment("web"))?.replicas.override?.count, 7);
  // The file has the last word where it changes.
  await lab.write("web.yaml", web("a:1", ", replicas: 3"));
  await lab.told("all is well", ({ pass }) => pass?.outcome === "synced");
  assert.deepEqual((await lab.deployment("web"))?.replicas, { file: 3 });
});

test("what another source owns is not taken, and nothing else is applied either", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.write("api.yaml", manifestText("api", "b:1"));
  const first = await lab.start();
  await lab.settled({ web: "a:1", api: "b:1" });
  await first.close();
  const { value, version, key } = (await lab.store.list(["deployments"])).list("deployments")[0] ?? assert.fail();
  await lab.store.commit({ changes: [put(key, { ...value, source: "cli" }, version)] });
  await lab.write("web.yaml", web("a:2"));
  await lab.start();
  const { pass } = await lab.told("it is refused", ({ pass }) => pass?.outcome === "refused");
  assert.match(pass?.errors[0] ?? "", /^api belongs to cli/);
  assert.deepEqual(await lab.images(), { api: "b:1", web: "a:1" });
});

test("while it is paused nothing is applied", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  const key = syncControlKey(lab.source);
  await lab.store.commit({ changes: [put(key, { paused: { by: "ann", at: "now" } }, "absent")] });
  await lab.told("it is paused", ({ pass }) => pass?.outcome === "paused");
  await lab.write("web.yaml", web("a:2"));
  await throughout(300, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  await lab.store.commit({ changes: [put(key, {}, (await lab.store.read(key))?.version ?? "absent")] });
  await lab.settled({ web: "a:2" });
});
