// orchestra itself ends, in every way: what runs goes on running, names are answered, and the next up takes over where it was.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { watchAnswers } from "../support/answers.ts";
import { folderOf, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";
import { randomOf, rounds, seed } from "../support/rounds.ts";

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`after ${signal} and the next up nothing has restarted, lost its readiness or changed its names`, async (t) => {
    const cluster = await testCluster(t);
    const first = await cluster.up();
    const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 3 }));
    await cluster.ok("apply", "-f", path);
    const before = await cluster.ready("web", 3);
    const addresses = before
      .map(({ ip }) => ip)
      .sort()
      .join();
    await eventually(
      "names are answered",
      async () => (await cluster.resolve("web.cluster.local")).join() === addresses,
    );
    const zone = () => readFile(join(folderOf(cluster), "dns", "cluster.zone"), "utf8");
    const zoneBefore = await zone();

    const answers = watchAnswers(t, cluster, "web.cluster.local");
    await first.end(signal);
    assert.equal((await cluster.containers()).length, 3);
    await cluster.up();
    // A change that goes through to the end shows that the new one works, and has looked at everything.
    const other = await cluster.write("other.yaml", demoManifest("other", { replicas: 1 }));
    await cluster.ok("apply", "-f", other);
    assert.deepEqual(await answers(), [addresses]);
    const after = await cluster.ready("web", 3);
    const facts = (pods: typeof before) =>
      pods.map(({ id, container, restarts, ip }) => ({ id, container, restarts, ip }));
    assert.deepEqual(facts(after), facts(before));
    const ofWeb = (text: string) => text.split("\n").filter((line) => line.includes("web"));
    assert.deepEqual(ofWeb(await zone()), ofWeb(zoneBefore));
  });
}

test("killed at any moment of a start of 20 pods, the next up makes exactly those 20", async (t) => {
  const random = randomOf("kill during start");
  const cluster = await testCluster(t);
  let up = await cluster.up();
  const path = await cluster.write(
    "web.yaml",
    demoManifest("web", { replicas: 20, more: "  stop: { graceSeconds: 0 }" }),
  );
  for (let round = 1; round <= rounds; round += 1) {
    const afterMs = Math.round(random() * 2_500);
    const context = `round ${round}, killed after ${afterMs} ms, seed ${seed}`;
    await cluster.ok("apply", "-f", path, "--no-wait");
    await pause(afterMs);
    await up.end("SIGKILL");
    up = await cluster.up();
    const pods = await cluster.ready("web", 20);
    const names = pods.map(({ name, id }) => `orchestra-${name}-${id}`).sort();
    assert.deepEqual(await cluster.containers(), names, context);
    assert.deepEqual(
      pods.map(({ slot }) => slot),
      [...Array(20).keys()],
      context,
    );
    await cluster.ok("delete", "web", "--yes");
    assert.deepEqual(await cluster.containers(), [], context);
  }
});
