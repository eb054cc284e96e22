// What people do to Deployments that a folder owns, and what a sync makes of it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { commitPlan, knownState, planSelectors } from "../../../src/apply/commit.ts";
import { defaultLimits } from "../../../src/apply/guards.ts";
import { type KnownState, type Plan, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { syncControlKey } from "../../../src/model/keys.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { author, wanted } from "../../support/plans.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

async function byHand(store: Store, plan: (state: KnownState) => Plan): Promise<void> {
  await commitPlan(store, plan(knownState(await store.list(planSelectors))), plan);
}
const scale = (store: Store, count: number) =>
  byHand(store, (state) => planScale(state, "web", count, author("ann", "2026-01-02T00:00:00.000Z")));
const stopsAtOnce = ", stop: { graceSeconds: 0, drainSeconds: 0 }";
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

test("a count by hand that is more than usual is taken back like any other", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1", ", replicas: 2"));
  await lab.start({ limits: defaultLimits });
  await lab.settled({ web: "a:1" });
  await scale(lab.store, 50);
  await lab.told("the count is corrected", ({ drift }) => drift?.corrected === true);
  assert.deepEqual((await lab.deployment("web"))?.replicas, { file: 2 });
});

test("what is held names whom it takes something back from", async (t) => {
  const lab = await syncLab(t);
  const names = ["a", "b", "c", "d"];
  for (const name of names) await lab.write(`${name}.yaml`, manifestText(name, "a:1"));
  await lab.write("web.yaml", web("a:1", ", replicas: 2"));
  const sync = await lab.start({ limits: defaultLimits });
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await sync.close();
  await scale(lab.store, 50);
  for (const name of names) await lab.remove(`${name}.yaml`);
  await lab.start({ limits: defaultLimits });
  const { pass, drift } = await lab.told("it is held", ({ pass }) => pass?.outcome === "held");
  const [deletions, who, ...others] = pass?.errors ?? [];
  assert.match(deletions ?? "", /^4 of the 5 Deployments /);
  const scaled = "web was changed by hand (by ann at 2026-01-02T00:00:00.000Z): it was scaled to 50 (the files said 2)";
  assert.equal(who, `${scaled}; taken back with the rest`);
  assert.deepEqual([others, drift], [[], undefined]);
  // The file says something else as well: what is held is its change, and the count is still ann's.
  await lab.write("web.yaml", web("a:2", ", replicas: 2"));
  const both = await lab.told("both are held", ({ pass }) => pass?.errors.length === 3);
  assert.ok(both.pass?.errors.includes(`${scaled}; taken back with the rest`), both.pass?.errors.join("\n"));
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
  assert.match(
    pass?.errors[0] ?? "",
    /^web was changed by hand \(by ann at [^)]*\): it was scaled to 7 \(the files said 2\)$/,
  );
  await lab.write("api.yaml", manifestText("api", "b:2"));
  await lab.settled({ web: "a:1", api: "b:2" });
  assert.equal((await lab.deployment("web"))?.replicas.override?.count, 7);
  // What the file changes besides is written by the sync, and the count is still the hand's.
  await lab.write("web.yaml", web("a:2", ", replicas: 2"));
  await lab.settled({ web: "a:2", api: "b:2" });
  const { pass: kept, drift } = await lab.told("it is told still", ({ pass }) => pass?.outcome === "drifted");
  assert.deepEqual(kept?.errors, pass?.errors);
  assert.deepEqual(drift?.deployments, [{ name: "web", by: "ann", at: "2026-01-02T00:00:00.000Z" }]);
  // The file has the last word where it changes.
  await lab.write("web.yaml", web("a:1", ", replicas: 3"));
  await lab.told("all is well", ({ pass }) => pass?.outcome === "synced");
  assert.deepEqual((await lab.deployment("web"))?.replicas, { file: 3 });
});

test("--no-self-heal leaves what was deleted by hand, also when files change and when it starts again", async (t) => {
  const lab = await syncLab(t);
  const cluster = await memoryCluster(t, `file:${join(lab.beside, "store.db")}`);
  const all = ["web", "api", "db"];
  for (const name of all) await lab.write(`${name}.yaml`, manifestText(name, "orchestra-demo:1", stopsAtOnce));
  const first = await lab.start({ heals: false });
  await lab.settled(Object.fromEntries(all.map((name) => [name, "orchestra-demo:1"])));
  await byHand(lab.store, (state) => planDelete(state, ["web"], false, author("bob")));
  const { pass } = await lab.told("who it was", ({ drift }) => drift?.deployments[0]?.by === "bob");
  assert.match(pass?.errors[0] ?? "", /^web was changed by hand \(by bob at [^)]*\): it was deleted$/);
  // Only now is there somebody who clears away what is left of it.
  await cluster.host("n1");
  await cluster.master();
  await eventually("nothing of it is left", async () => (await lab.deployment("web")) === undefined);
  const removed = /^web was removed by hand \(by bob at 2026/;
  const told = (what: string) =>
    lab.told(what, ({ pass }) => pass?.outcome === "drifted" && removed.test(pass.errors[0] ?? ""));
  await told("it is known still who it was");
  // Another file changes, and one comes besides.
  await lab.write("api.yaml", manifestText("api", "orchestra-demo:2", stopsAtOnce));
  await lab.write("new.yaml", manifestText("new", "orchestra-demo:1", stopsAtOnce));
  const rest = { api: "orchestra-demo:2", db: "orchestra-demo:1", new: "orchestra-demo:1" };
  await lab.settled(rest);
  await told("it is told still");
  // While nobody looks, one more is deleted, and a file changes.
  await first.close();
  await byHand(lab.store, (state) => planDelete(state, ["db"], false, author("eve")));
  await eventually("nothing of it is left", async () => (await lab.deployment("db")) === undefined);
  await lab.write("api.yaml", manifestText("api", "orchestra-demo:1", stopsAtOnce));
  await lab.start({ heals: false });
  await lab.settled({ api: "orchestra-demo:1", new: "orchestra-demo:1" });
  const { drift } = await lab.told("both are told", ({ drift }) => drift?.deployments.length === 2);
  assert.deepEqual(
    drift?.deployments.map(({ name, by }) => [name, by]),
    [
      ["db", undefined],
      ["web", "bob"],
    ],
  );
  // The files have the last word about what they change.
  await lab.write("web.yaml", manifestText("web", "orchestra-demo:2", stopsAtOnce));
  await lab.settled({ api: "orchestra-demo:1", new: "orchestra-demo:1", web: "orchestra-demo:2" });
});

/** A sync has applied two Deployments, and has ended. */
async function appliedLab(t: TestContext): Promise<SyncLab> {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.write("api.yaml", manifestText("api", "b:1"));
  const first = await lab.start();
  await lab.settled({ web: "a:1", api: "b:1" });
  await first.close();
  return lab;
}

test("what another source owns is not taken, and nothing else is applied either", async (t) => {
  const lab = await appliedLab(t);
  const { value, version, key } = (await lab.store.list(["deployments"])).list("deployments")[0] ?? assert.fail();
  await lab.store.commit({ changes: [put(key, { ...value, source: "cli" }, version)] });
  await lab.write("web.yaml", web("a:2"));
  await lab.start();
  const { pass } = await lab.told("it is refused", ({ pass }) => pass?.outcome === "refused");
  assert.match(pass?.errors[0] ?? "", /^api belongs to cli/);
  assert.deepEqual(await lab.images(), { api: "b:1", web: "a:1" });
});

test("with --adopt it takes over what others own, without a new pod where nothing else differs, and that is theirs no more", async (t) => {
  const lab = await appliedLab(t);
  for (const { key, value, version } of (await lab.store.list(["deployments"])).list("deployments"))
    await lab.store.commit({ changes: [put(key, { ...value, source: "shop" }, version)] });
  const before = [await lab.deployment("api"), await lab.deployment("web")];
  await lab.write("web.yaml", web("a:2"));
  await lab.start({ adopt: true });
  await lab.settled({ web: "a:2", api: "b:1" });
  const { applied } = await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.equal(applied?.deployments, 2);
  const [api, now] = [await lab.deployment("api"), await lab.deployment("web")];
  assert.deepEqual([api?.source, now?.source], [lab.source, lab.source]);
  assert.deepEqual([api?.uid, now?.uid], [before[0]?.uid, before[1]?.uid]);
  assert.equal(api?.revision, before[0]?.revision);
  // From now on it is the sync's to delete, too.
  await lab.remove("web.yaml");
  await lab.told("the deletion is on its way", ({ pass }) => /^web: pruned|stayed/.test(pass?.errors.join() ?? ""));
  await assert.rejects(
    byHand(lab.store, (state) => planApply(state, [wanted("api")], author("bob"))),
    { code: "conflict", message: /^api belongs to dir:lab:/ },
  );
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

test("what somebody changes again and again rests, and who it is stands in the status; its file still counts", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1", ", replicas: 2"));
  await lab.write("api.yaml", manifestText("api", "b:1"));
  await lab.start();
  await lab.settled({ web: "a:1", api: "b:1" });
  const count = async () => (await lab.deployment("web"))?.replicas.override?.count;
  // As a script does that wants another count than the file.
  const insisted = async () => {
    if ((await count()) === undefined) await scale(lab.store, 7);
    return (await lab.document())?.pass?.outcome === "drifted";
  };
  await eventually("it rests", insisted, 30_000);
  const { pass } = await lab.told("it says so", ({ pass }) => pass?.outcome === "drifted");
  assert.match(
    pass?.errors[0] ?? "",
    /^web is changed again and again by ann, and was taken back \d+ times; it rests for \d/,
  );
  await lab.write("api.yaml", manifestText("api", "b:2"));
  await lab.settled({ web: "a:1", api: "b:2" });
  await lab.write("web.yaml", web("a:2", ", replicas: 2"));
  await lab.settled({ web: "a:2", api: "b:2" });
});
