// A followed folder in which something cannot be looked at: that is told of this file, and nothing that it may hold counts as deleted.
import assert from "node:assert/strict";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { problemText } from "../../../src/manifest/manifest.ts";
import { openDirectory } from "../../../src/sync/directory.ts";
import { Reach } from "../../../src/sync/directory-reach.ts";
import { fuseMount, whyNoFuse } from "../../support/fuse-mount.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const skip = (await whyNoFuse()) ?? false;

/** Nothing is closed to root, so root is nobody meanwhile. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

for (const [mode, file] of [
  [0o444, "sub/web.yaml"],
  [0o000, "sub"],
] as const) {
  test(`a folder in it with mode ${mode.toString(8)} is a problem of ${file}`, async (t) => {
    const root = await tempFolder(t);
    await chmod(root, 0o755);
    const path = join(root, "manifests");
    await mkdir(path);
    await writeFile(join(path, "api.yaml"), manifestText("api", "a:1"));
    await mkdir(join(path, "sub"));
    await writeFile(join(path, "sub", "web.yaml"), manifestText("web", "a:1"));
    await symlink("sub/web.yaml", join(path, "link"));
    const [clock, log] = [systemClock, silentLog];
    const [reach, mountsFile] = [new Reach({ path, clock }), join(root, "mounts.json")];
    const source = openDirectory({ path, wake() {}, clock, log, reach, mountsFile });
    t.after(() => source.close());
    await chmod(join(path, "sub"), mode);
    for (const _again of [1, 2]) {
      const look = await asNobody(() => source.look(new AbortController().signal));
      assert.ok(look.state === "read");
      const told = look.tree.problems.map(problemText);
      assert.ok(told.includes(`${file}: may not be read by this user; check its permissions`), told.join("\n"));
      assert.deepEqual(
        look.tree.manifests.map(({ spec }) => spec.name),
        ["api"],
      );
    }
  });
}

test("a mount in it that has broken is a problem of its folder, and what was mounted there is still known", {
  skip,
}, async (t) => {
  const { mount, unmount } = fuseMount(t);
  const lab = await syncLab(t);
  const [behind, at] = [join(lab.beside, "behind"), join(lab.folder, "team")];
  for (const folder of [behind, at]) await mkdir(folder);
  await writeFile(join(behind, "web.yaml"), manifestText("web", "a:1"));
  await lab.write("api.yaml", manifestText("api", "a:1"));
  const daemon = await mount(behind, at);
  await lab.start();
  await lab.settled({ api: "a:1", web: "a:1" });
  daemon.kill("SIGKILL");
  await lab.write("api.yaml", manifestText("api", "a:2"));
  const { pass } = await lab.told("it is refused", ({ pass }) => pass?.outcome === "refused");
  assert.match(pass?.errors.join("\n") ?? "", /^team: cannot be read \(ENOTCONN\); check the disk and the path$/);
  await unmount();
  await lab.write("api.yaml", manifestText("api", "a:3"));
  await lab.told("it says so", ({ pass }) => /team is no longer mounted/.test(pass?.errors.join() ?? ""));
  assert.deepEqual(await lab.images(), { api: "a:1", web: "a:1" });
});
