// The disk under the store is full: nothing that was acknowledged is lost, what runs goes on, and the message says what to do.
import assert from "node:assert/strict";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { execute, testCluster } from "../support/cluster.ts";
import { demoManifest } from "../support/manifest-text.ts";

test("a full disk refuses the change, keeps what runs, and takes the change when there is room again", async (t) => {
  const disk = await mkdtemp(join(tmpdir(), "orchestra-disk-"));
  const mounted = await execute("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
  assert.equal(mounted.code, 0, `this test mounts a small disk and needs root: ${mounted.stderr}`);
  t.after(async () => {
    await execute("umount", ["-l", disk]);
    await rm(disk, { recursive: true, force: true });
  });
  const cluster = await testCluster(t, { storePath: join(disk, "store.db") });
  const up = await cluster.up();
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 2 }));
  await cluster.ok("apply", "-f", path);
  const before = await cluster.ready("web", 2);

  const { bavail, bsize } = await statfs(disk);
  const ballast = join(disk, "ballast");
  await writeFile(ballast, Buffer.alloc(bavail * bsize));
  const padding = Object.fromEntries([..."abcdef"].map((name) => [name, name.repeat(4_000)]));
  await cluster.write("web.yaml", demoManifest("web", { replicas: 2, env: padding }));
  const refused = await cluster.run("apply", "-f", path);
  assert.equal(refused.code, 1, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /full|no space/i);
  const still = await cluster.ready("web", 2);
  assert.deepEqual(
    still.map(({ id }) => id),
    before.map(({ id }) => id),
  );

  await rm(ballast);
  const applied = await cluster.run("apply", "-f", path);
  assert.equal(applied.code, 0, applied.stdout + applied.stderr + up.log());
  const after = await cluster.ready("web", 2);
  assert.ok(after.every(({ id }) => !before.some((pod) => pod.id === id)));
});
