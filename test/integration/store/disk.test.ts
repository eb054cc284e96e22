// A disk that is full or read-only, on a small file system of the test's own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deploymentKey, revisionKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put } from "../../../src/store/store.ts";
import { deployment, template } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";

const web = deploymentKey("web");
const asRoot = { skip: process.getuid?.() === 0 ? false : "only root can mount a file system" };

test("a full disk is said so; reading goes on, and writing too once there is room", asRoot, async (t) => {
  const folder = await mountSmall(t);
  const store = await openStore(`file:${join(folder, "store.db")}`, { create: true });
  t.after(() => store.close());
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  const view = await store.view(["deployments"]);
  const ballast = join(folder, "ballast");
  await fill(ballast);
  const large = template({ env: { X: "x".repeat(200_000) } });
  const commit = {
    changes: [put(revisionKey("web", "a"), large, "absent"), put(deploymentKey("b"), deployment(), "absent")],
  };
  const error = { code: "unavailable", message: /^the disk under the store .* is full$/, hint: /make room in/ };
  await assert.rejects(store.commit(commit), error);
  await assert.rejects(store.commit(commit), error);
  assert.ok(await store.read(web));
  assert.equal(view.snapshot().fresh, true);
  assert.equal(await store.read(deploymentKey("b")), undefined);
  await rm(ballast);
  await store.commit(commit);
  await eventually("the view", () => view.snapshot().get(deploymentKey("b")));
  view.close();
});

test("a disk that is full from the start is said so, and leaves a file that opens later", asRoot, async (t) => {
  const folder = await mountSmall(t);
  const ballast = join(folder, "ballast");
  await fill(ballast);
  const url = `file:${join(folder, "state", "store.db")}`;
  await assert.rejects(openStore(url, { create: true }), {
    code: "unavailable",
    message: /is full$/,
    hint: /make room/,
  });
  await rm(ballast);
  const store = await openStore(url, { create: true });
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  await store.close();
});

test("a read-only disk is said so, for a new store and for one that is there", asRoot, async (t) => {
  const folder = await mountSmall(t);
  const url = `file:${join(folder, "store.db")}`;
  const store = await openStore(url, { create: true });
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  await store.close();
  execFileSync("mount", ["-o", "remount,ro", folder]);
  const error = { code: "unavailable", message: /is read-only$/, hint: /mount its file system writable/ };
  for (const create of [true, false]) await assert.rejects(openStore(url, { create }), error);
  await assert.rejects(openStore(`file:${join(folder, "new", "store.db")}`, { create: true }), error);
});

/** What `node:test` hands to a test, as far as it is needed here. */
interface Test {
  after(clean: () => Promise<void>): void;
}

async function mountSmall(test: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "orchestra-test-"));
  test.after(async () => {
    // Lazily: a client that the failing test left open must not keep the mount.
    execFileSync("umount", ["--lazy", folder]);
    await rmdir(folder);
  });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder]);
  return folder;
}

async function fill(path: string): Promise<void> {
  for (const bytes of [64 * 1024, 4096]) {
    for (;;) {
      try {
        await writeFile(path, Buffer.alloc(bytes), { flag: "a" });
      } catch {
        break;
      }
    }
  }
}
