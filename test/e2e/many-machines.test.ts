// docs/many-machines.md: every line that begins with `$` is run in one shell, on a real ZooKeeper.
import assert from "node:assert/strict";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { testCluster } from "../support/cluster.ts";
import { demoManifest } from "../support/manifest-text.ts";
import { takeTour, tourOf } from "../support/tour.ts";
import { startZooKeeper } from "../support/zookeeper-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("from one machine to many, as the page says", { timeout: 240_000 }, async (t) => {
  const servers = await startZooKeeper();
  t.after(() => servers.close());
  const page = await readFile(join(root, "docs", "many-machines.md"), "utf8");
  const steps = tourOf(page.replaceAll("zk1,zk2,zk3", servers.connect));
  assert.ok(steps.length > 7, "the tour was not found");
  const cluster = await testCluster(t);
  const bin = join(cluster.folder, "bin");
  await mkdir(bin);
  await symlink(join(root, "bin", "dev.js"), join(bin, "orchestra"));
  await cluster.ok("up", "--detach");
  await cluster.ok("apply", "-f", await cluster.write("web.yaml", demoManifest("web", { replicas: 2 })));
  const before = await cluster.containers();
  const settings = { ...cluster.environment, PATH: `${bin}:${cluster.environment["PATH"]}` };
  await takeTour(steps, cluster.folder, settings);
  cluster.useStore(`zk://${servers.connect}/orchestra`);
  assert.deepEqual(await cluster.containers(), before);
});
