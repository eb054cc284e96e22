// What is to be pruned waits for what may never be ready: who looks is told for what, since when, and what helps.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";

const demo = (name: string, image = "orchestra-demo:1") =>
  manifestText(
    name,
    image,
    ", ports: [{ containerPort: 80, hostPort: 8080 }], stop: { graceSeconds: 0, drainSeconds: 0 }",
  );

test("a Deployment under a new name that needs what the old one holds: it is told, and a deletion by hand ends the waiting", async (t) => {
  const lab = await syncLab(t);
  const cluster = await memoryCluster(t, `file:${join(lab.beside, "store.db")}`);
  await cluster.host("n1");
  await cluster.master();
  await lab.write("a.yaml", demo("a"));
  await lab.write("c.yaml", manifestText("c", "orchestra-demo:1"));
  await lab.start();
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await lab.settled({ a: "orchestra-demo:1", c: "orchestra-demo:1" });
  const run = (...words: readonly string[]) => cluster.run(words);
  assert.equal((await run("apply", "-f", join(lab.folder, "a.yaml"), "--wait")).code, 3, "it belongs to the sync");

  await lab.write("a.yaml", demo("b"));
  const told = await lab.told("why", ({ pass }) => pass?.outcome === "waiting" && pass.errors.length > 1);
  assert.match(told.pass?.errors[0] ?? "", /^a \(renamed to b\): pruned when the rest is ready; waits for b$/);
  assert.match(
    told.pass?.errors[1] ?? "",
    /^b-0 fits on none of 1 node: .* host port is taken; there is room once a is gone: orchestra delete a does not wait for b, /,
  );
  const renames = [{ from: "a", to: "b" }];
  assert.deepEqual({ ...told.waiting, since: "" }, { since: "", prunes: ["a"], renames });
  const { stdout } = await run("describe", "a");
  assert.match(
    stdout,
    /^To prune: +for \S+: a \(renamed to b\): pruned when the rest is ready; waits for b; b-0 fits on none of .* delete a /m,
  );

  assert.equal((await run("delete", "a", "--yes", "--no-wait")).code, 0);
  await lab.settled({ b: "orchestra-demo:1", c: "orchestra-demo:1" });
  const done = await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.equal(done.waiting, undefined);
});

test("an image that does not exist is told beside what waits for it", async (t) => {
  const lab = await syncLab(t);
  const cluster = await memoryCluster(t, `file:${join(lab.beside, "store.db")}`);
  await cluster.host("n1");
  await cluster.master();
  for (const name of ["a", "b"]) await lab.write(`${name}.yaml`, manifestText(name, "orchestra-demo:1"));
  await lab.start();
  await lab.settled({ a: "orchestra-demo:1", b: "orchestra-demo:1" });
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await lab.remove("a.yaml");
  await lab.write("b.yaml", manifestText("b", "no-such-image:1"));
  const told = await lab.told("why", ({ pass }) => pass?.outcome === "waiting" && pass.errors.length > 1);
  assert.match(told.pass?.errors.join("\n") ?? "", /^a: pruned when .* waits for b\nb-0: .*no-such-image/);
});
