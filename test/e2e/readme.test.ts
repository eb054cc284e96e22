// The README's tour: every line that begins with `$` is run in one shell, and what it prints is compared with the lines below it.
import assert from "node:assert/strict";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { processOf } from "../../src/process-record.ts";
import { testCluster } from "../support/cluster.ts";
import { takeTour, tourOf } from "../support/tour.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every command of the README's tour prints what the README says", { timeout: 240_000 }, async (t) => {
  const steps = tourOf(await readFile(join(root, "README.md"), "utf8"));
  assert.ok(steps.length > 10, "the tour was not found");
  const cluster = await testCluster(t);
  const folder = join(cluster.folder, "checkout");
  await mkdir(join(folder, ".cache", "bin"), { recursive: true });
  await cp(join(root, "manifests"), join(folder, "manifests"), { recursive: true });
  await symlink(join(root, "bin", "dev.js"), join(folder, ".cache", "bin", "orchestra"));
  // What `make up` has done by then.
  await cluster.ok("up", "--detach");
  await cluster.ok("apply", "-f", join(folder, "manifests"));
  // Should a step fail, the sync that an earlier one began is still there.
  t.after(async () => {
    const pid = Number(await readFile(join(folder, "sync.pid"), "utf8").catch(() => "0"));
    if (pid > 0 && processOf(pid)) process.kill(pid, "SIGKILL");
  });
  await takeTour(steps, folder, cluster.environment);
});
