// docs/gitops.md: every line that begins with `$` is run in one shell, and what it prints is compared with the lines below it.
import assert from "node:assert/strict";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { processOf } from "../../../src/process-record.ts";
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
  // Should a step fail, the sync that an earlier one began is still there.
  t.after(async () => {
    const pid = Number(await readFile(join(folder, "sync.pid"), "utf8").catch(() => "0"));
    if (pid > 0 && processOf(pid)) process.kill(pid, "SIGKILL");
  });
  const [name, email] = ["Ann Example", "ann@example.org"];
  await takeTour(steps, folder, {
    ...process.env,
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    PATH: [programs, process.env["PATH"]].join(delimiter),
    ORCHESTRA_STORE: url,
    ORCHESTRA_STATE_DIR: join(folder, "state"),
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
  });
});
