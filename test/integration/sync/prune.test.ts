// What the files lack is deleted, last and only as far as that is plausible; with a master and a worker that make it so.
import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { defaultLimits } from "../../../src/apply/guards.ts";
import { approve } from "../../../src/cli/sync/syncs.ts";
import { silentLog } from "../../../src/log.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

const act = { by: "ann", at: "2026-01-02T00:00:00.000Z" };
const demo = (name: string, version = "1", more = "") =>
  manifestText(
    name,
    "orchestra-demo:1",
    `, env: { V: "${version}" }, stop: { graceSeconds: 0, drainSeconds: 0 }${more}`,
  );
/** No demo image is called so. */
const broken = (name: string) => manifestText(name, "no-such-image:1");
const all = (names: readonly string[], image = "orchestra-demo:1") =>
  Object.fromEntries(names.map((name) => [name, image]));

async function runningLab(t: TestContext): Promise<SyncLab> {
  const lab = await syncLab(t);
  const cluster = await memoryCluster(t, `file:${join(lab.beside, "store.db")}`);
  await cluster.host("n1");
  await cluster.master();
  return lab;
}
/** A machine under load. */
const limitMs = 30_000;
const is = (lab: SyncLab, outcome: string) => lab.told(`it is ${outcome}`, ({ pass }) => pass?.outcome === outcome);

test("a deleted file removes its Deployment, once all others are ready", async (t) => {
  const lab = await runningLab(t);
  for (const name of ["a", "b", "c"]) await lab.write(`${name}.yaml`, demo(name));
  await lab.start();
  await lab.settled(all(["a", "b", "c"]));
  await is(lab, "synced");
  await lab.write("b.yaml", broken("b"));
  await lab.remove("a.yaml");
  const { pass } = await is(lab, "waiting");
  assert.match(pass?.errors[0] ?? "", /^a: pruned when the rest is ready; waits for b/);
  await throughout(300, async () => assert.ok("a" in (await lab.images())));
  await lab.write("b.yaml", demo("b", "2"));
  await lab.settled(all(["b", "c"]));
  await is(lab, "synced");
});

test("a wrong file deletes nothing, nor does a pass that applies only the valid ones", async (t) => {
  const lab = await runningLab(t);
  for (const name of ["a", "b", "c"]) await lab.write(`${name}.yaml`, demo(name));
  const first = await lab.start();
  await is(lab, "synced");
  await lab.write("c.yaml", "kind: [");
  await lab.remove("a.yaml");
  await is(lab, "refused");
  await first.close();
  await lab.start({ partial: true });
  await is(lab, "partial");
  await throughout(300, async () => assert.deepEqual(await lab.images(), all(["a", "b", "c"])));
});

test("what would delete too much is held, shown with a token, and let through once", async (t) => {
  const lab = await runningLab(t);
  const [goes, stays] = [
    ["d0", "d1", "d2", "d3"],
    ["e0", "e1"],
  ];
  for (const name of goes) await lab.write(`goes/${name}.yaml`, demo(name));
  for (const name of stays) await lab.write(`${name}.yaml`, demo(name));
  await lab.start({ limits: defaultLimits });
  await lab.settled(all([...goes, ...stays]));
  await is(lab, "synced");
  // At once: file by file the first three would be as few as usual.
  await rename(join(lab.folder, "goes"), join(lab.beside, "gone"));
  const { held, pass } = await is(lab, "held");
  assert.match(pass?.errors[0] ?? "", /4 of the 6 Deployments of .* would be deleted/);
  const { deletes, pods } = held ?? {};
  assert.deepEqual({ deletes, pods }, { deletes: goes, pods: { replaced: 0, stopped: 4 } });
  assert.deepEqual([held?.created, held?.updated, held?.deleted, held?.renames], [0, 0, 4, []]);
  await assert.rejects(approve(lab.store, "000000000000", act), { code: "not-found" });
  assert.deepEqual(await lab.images(), all([...goes, ...stays]));
  // Another tree is another pass.
  await lab.write("new.yaml", demo("new"));
  const next = await lab.told("it has another token", (document) => document.held?.created === 1);
  await assert.rejects(approve(lab.store, held?.token ?? "", act), { code: "not-found" });
  await approve(lab.store, next.held?.token ?? "", act);
  await lab.settled(all([...stays, "new"]));
  assert.equal((await is(lab, "synced")).held, undefined);
});

test("counts that are lowered across the tree are held, and so is one image for several", async (t) => {
  const lab = await runningLab(t);
  const names = ["a", "b"];
  const save = async (version: string, replicas: number) => {
    // In one file: two that are saved one after the other may be two passes.
    const texts = names.map((name) => demo(name, version, `, replicas: ${replicas}`));
    await lab.save("all.yaml", texts.join("---\n"));
  };
  await save("1", 3);
  await lab.start({ limits: defaultLimits });
  await lab.settled(all(names));
  await eventually("their pods are there", async () => {
    const pods = (await lab.store.list(["pods"])).list("pods");
    return pods.length === 2 && pods.every(({ value }) => value.pods.length === 3);
  });
  await is(lab, "synced");
  await save("1", 1);
  assert.match((await is(lab, "held")).pass?.errors[0] ?? "", /^4 of the 6 pods of .* would go by lower counts/);
  await save("1", 0);
  const { held } = await lab.told("all of it", ({ pass }) => pass?.errors[0]?.startsWith("all pods of ") === true);
  assert.deepEqual([held?.updated, held?.deleted], [2, 0]);
  await save("2", 3);
  const both = await lab.told("both", ({ pass }) => pass?.errors[0]?.startsWith("6 of the 6 pods ") === true);
  assert.match(both.pass?.errors[0] ?? "", /would be replaced; at most 3 may be/);
});

test("an empty folder is held, and what is protected is never pruned", async (t) => {
  const lab = await runningLab(t);
  await lab.write("both/a.yaml", demo("a"));
  await lab.write("both/b.yaml", demo("b", "1", ", protect: true"));
  await lab.start();
  await is(lab, "synced");
  await rename(join(lab.folder, "both"), join(lab.beside, "both"));
  const { held } = await is(lab, "held");
  assert.deepEqual(held?.deletes, ["a"]);
  await approve(lab.store, held?.token ?? "", act);
  await lab.settled(all(["b"]));
  const { applied } = await is(lab, "synced");
  assert.deepEqual(applied?.kept, ["b"], "it is told why it is still there");
});

test("what somebody has let become empty is as it should be", async (t) => {
  const lab = await runningLab(t);
  await lab.write("a.yaml", demo("a"));
  await lab.start();
  await is(lab, "synced");
  await lab.remove("a.yaml");
  const { held } = await is(lab, "held");
  await approve(lab.store, held?.token ?? "", act);
  const gone = async () => (await lab.deployment("a")) === undefined;
  await eventually("a is gone", gone, limitMs);
  await throughout(300, async () => assert.notEqual((await lab.document())?.pass?.outcome, "refused"));
  assert.equal((await is(lab, "synced")).applied?.deployments, 0);
});

test("a file that is renamed changes nothing, and a Deployment that is renamed loses its old name last", async (t) => {
  const lab = await runningLab(t);
  await lab.write("a.yaml", demo("a"));
  await lab.write("c.yaml", demo("c"));
  const said: unknown[] = [];
  const info = (message: string, { renames }: Record<string, unknown> = {}) => renames && said.push([message, renames]);
  await lab.start({ limits: defaultLimits, log: { ...silentLog, info } });
  const { applied } = await is(lab, "synced");
  await lab.write("z.yaml", demo("a"));
  await lab.remove("a.yaml");
  await throughout(300, async () => assert.deepEqual((await lab.document())?.applied, applied));
  await lab.write("c.yaml", broken("c"));
  await lab.settled({ ...all(["a"]), c: "no-such-image:1" });
  await lab.write("z.yaml", demo("b"));
  const { waiting, pass } = await lab.told("it waits for c", (document) => document.waiting !== undefined);
  const renames = [{ from: "a", to: "b" }];
  assert.deepEqual([waiting?.prunes, waiting?.renames], [["a"], renames]);
  assert.match(pass?.errors[0] ?? "", /^a \(renamed to b\): pruned when the rest is ready; waits for /);
  await lab.write("c.yaml", demo("c", "2"));
  await lab.settled(all(["b", "c"]));
  await is(lab, "synced");
  const told = ["sync applied", "sync pruned"].map((message) => [message, renames]);
  assert.deepEqual(said, told);
});

test("files that go one after another are counted together", async (t) => {
  const lab = await runningLab(t);
  const names = ["d0", "d1", "d2", "d3", "d4", "d5"];
  for (const name of names) await lab.write(`${name}.yaml`, demo(name));
  await lab.start({ limits: defaultLimits });
  await lab.settled(all(names));
  await is(lab, "synced");
  for (const name of names.slice(0, 4)) {
    await lab.remove(`${name}.yaml`);
    // Each is seen by itself.
    await lab.told("it looks again", ({ pass }) => pass?.outcome === (name === "d3" ? "held" : "waiting"));
  }
  const { pass } = await is(lab, "held");
  assert.match(pass?.errors[0] ?? "", /4 of the 6 Deployments of .* would be deleted/);
  assert.deepEqual(await lab.images(), all(names));
});
