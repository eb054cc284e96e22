// The log of a detached `up` is kept small, and what cannot be kept aside just now ends nobody.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tempFolder } from "../../support/temp-folder.ts";

const detach = new URL("../../../src/cli/run/detach.ts", import.meta.url);
const large = 11 * 1024 * 1024;

/** Looks at the log once, in a process whose standard error it is; gives the exit code. */
async function look(path: string): Promise<number> {
  const log = await open(path, "a");
  const script = `const { keepLogSmall } = await import(${JSON.stringify(detach)}); keepLogSmall(${JSON.stringify(path)})();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", log.fd] });
  const [code] = await once(child, "exit");
  await log.close();
  return code;
}

test("a log that has grown large is kept aside, and begins anew", async (t) => {
  const path = join(await tempFolder(t), "up.log");
  await writeFile(path, "first\n");
  await truncate(path, large);
  assert.equal(await look(path), 0);
  assert.deepEqual([(await stat(path)).size, (await stat(`${path}.1`)).size], [0, large]);
});

test("a log that cannot be kept aside stays as it is until it can", async (t) => {
  const path = join(await tempFolder(t), "up.log");
  await writeFile(path, "first\n");
  await truncate(path, large);
  await mkdir(`${path}.1`);
  assert.equal(await look(path), 0);
  assert.equal((await stat(path)).size, large);
});
