// What happens to a machine from outside: each time it is mended without anybody's help, and nothing else is touched.
import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { docker, folderOf, type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";

async function withWeb(cluster: TestCluster, replicas: number) {
  const up = await cluster.up();
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas }));
  await cluster.ok("apply", "-f", path);
  return { up, path, pods: await cluster.ready("web", replicas) };
}

const answered = (cluster: TestCluster, addresses: readonly (string | undefined)[]) =>
  eventually("names are answered", async () => {
    const found = await cluster.resolve("web.cluster.local").catch(() => []);
    return found.join() === [...addresses].sort().join();
  });

test("a CoreDNS that is killed is started again, and answers", async (t) => {
  const cluster = await testCluster(t);
  const { pods } = await withWeb(cluster, 2);
  const addresses = pods.map(({ ip }) => ip);
  await answered(cluster, addresses);
  const pid = async () => {
    const text = await readFile(join(folderOf(cluster), "dns", "coredns.json"), "utf8");
    return (JSON.parse(text) as { pid: number }).pid;
  };
  const killed = await pid();
  process.kill(killed, "SIGKILL");
  await eventually("another CoreDNS runs", async () => (await pid()) !== killed);
  await answered(cluster, addresses);
});

test("a container that is removed or stopped by hand comes back as the same pod; one that only looks like ours is left alone", async (t) => {
  const cluster = await testCluster(t);
  const { pods } = await withWeb(cluster, 2);
  const stranger = `orchestra-web-9-${cluster.record().cluster}`;
  await docker(process.env, "run", "--detach", "--name", stranger, "orchestra-demo:1");
  t.after(async () => {
    await docker(process.env, "rm", "-f", stranger);
  });
  const [first, second] = pods;
  assert.ok(first?.container && second?.container);
  await docker(process.env, "rm", "-f", first.container);
  await docker(process.env, "stop", "-t", "0", second.container);
  const changed = await eventually(
    "both run again",
    async () => {
      const now = await cluster.pods("web");
      const isBack =
        now.every(({ ready }) => ready) && now[0]?.container !== first.container && (now[1]?.restarts ?? 0) > 0;
      return isBack ? now : undefined;
    },
    30_000,
  );
  assert.deepEqual(
    changed.map(({ id }) => id),
    [first.id, second.id],
  );
  await answered(
    cluster,
    changed.map(({ ip }) => ip),
  );
  assert.equal(await docker(process.env, "inspect", "--format", "{{.State.Running}}", stranger), "true");
});

test("while the store's file is away pods run on, crashes are mended and names answered; then it goes on", async (t) => {
  const cluster = await testCluster(t);
  const { path, pods, up } = await withWeb(cluster, 2);
  const addresses = pods.map(({ ip }) => ip);
  await answered(cluster, addresses);
  const away = `${cluster.storePath}.away`;
  await rename(cluster.storePath, away);
  const refused = await cluster.run("scale", "web", "3");
  assert.equal(refused.code, 1, refused.stdout);
  assert.match(refused.stderr, /no store|deleted/);
  const [first] = pods;
  assert.ok(first?.container);
  const startedAt = () =>
    docker(process.env, "inspect", "--format", "{{.State.StartedAt}} {{.State.Running}}", first.container ?? "");
  const before = await startedAt();
  await docker(process.env, "kill", first.container);
  await eventually(
    "the crashed pod runs again",
    async () => {
      const now = await startedAt();
      return now !== before && now.endsWith("true");
    },
    30_000,
  );
  assert.deepEqual(await cluster.resolve("web.cluster.local"), addresses.sort());
  assert.equal((await cluster.containers()).length, 2);
  await rename(away, cluster.storePath);
  await cluster.write("web.yaml", demoManifest("web", { replicas: 3 }));
  const applied = await cluster.run("apply", "-f", path);
  assert.equal(applied.code, 0, applied.stderr + up.log());
  await cluster.ready("web", 3);
});
