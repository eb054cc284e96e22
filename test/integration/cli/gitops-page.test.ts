// docs/gitops.md: every line that begins with `$` is run in one shell, and what it prints is compared with the lines below it.
import assert from "node:assert/strict";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { takeTour, tourOf } from "../../support/tour.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

test("the page about GitOps says what its commands print", { timeout: 240_000 }, async (t) => {
  const steps = tourOf(await readFile(join(root, "docs", "gitops.md"), "utf8"));
  assert.ok(steps.length > 5, "the tour was not found");
  const folder = await tempFolder(t);
  const url = `file:${join(folder, "store.db")}`;
  const cluster = await memoryCluster(t, url);
  await cluster.host("n1");
  await cluster.master();
  const programs = join(folder, "bin");
  await mkdir(programs);
  await symlink(join(root, "bin", "dev.js"), join(programs, "orchestra"));
  await takeTour(steps, folder, {
    ...process.env,
    PATH: [programs, process.env["PATH"]].join(delimiter),
    ORCHESTRA_STORE: url,
    ORCHESTRA_STATE_DIR: join(folder, "state"),
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
  });
});
