// A role runs once on a machine: held by a process, freed by the kernel.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isOrchestraError } from "../../src/model/errors.ts";
import { lockRole } from "../../src/role-lock.ts";
import { tempFolder } from "../support/temp-folder.ts";

const module = fileURLToPath(new URL("../../src/role-lock.ts", import.meta.url));
const isConflict = (error: unknown) => isOrchestraError(error, "conflict");

/** Another process that has the role, from the moment this resolves. */
async function holder(t: TestContext, folder: string): Promise<ChildProcess> {
  const script = `import { lockRole } from ${JSON.stringify(module)}; lockRole(process.argv[1], "worker"); console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("a role that another process has is refused, frozen or not, and free when that is killed", async (t) => {
  const folder = await tempFolder(t);
  const child = await holder(t, folder);
  assert.throws(() => lockRole(folder, "worker"), isConflict);
  child.kill("SIGSTOP");
  assert.throws(() => lockRole(folder, "worker"), isConflict);
  child.kill("SIGKILL");
  await once(child, "exit");
  lockRole(folder, "worker")();
});

test("roles do not keep each other, a release frees, and a folder that is not there is made", async (t) => {
  const folder = join(await tempFolder(t), "cluster");
  const release = lockRole(folder, "worker");
  const other = lockRole(folder, "dns");
  release();
  release();
  lockRole(folder, "worker")();
  other();
});

test("the file of a lock is for its user only, that of an earlier release too", async (t) => {
  const folder = await tempFolder(t);
  writeFileSync(join(folder, "dns.lock"), "", { mode: 0o644 });
  for (const role of ["worker", "dns"] as const) {
    const release = lockRole(folder, role);
    t.after(release);
    assert.equal(statSync(join(folder, `${role}.lock`)).mode & 0o777, 0o600, role);
  }
});
