// The mirror of a branch: what is lost in it, what a fetch leaves behind that is broken off, and one that is older than what was applied.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { DeploymentDocument } from "../../../src/model/deployment.ts";
import { syncControlKey } from "../../../src/model/keys.ts";
import { put } from "../../../src/store/store.ts";
import { readinessOf } from "../../../src/sync/health.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { setFor, sshLab } from "../../support/ssh-lab.ts";
import { manifestText, type SyncLab } from "../../support/sync-lab.ts";

const run = promisify(execFile);
const limitMs = 30_000;
const files = (images: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(images).map(([name, image]) => [`deploy/${name}.yaml`, manifestText(name, image)]));
const synced = (lab: SyncLab) => lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
const away = (lab: SyncLab, why: RegExp) =>
  lab.told(`away: ${why}`, ({ pass }) => pass?.outcome === "away" && why.test(pass.errors.join("\n")));

test("who takes over while the remote is away does not go back to what it fetched long ago", async (t) => {
  const { remote, push } = await gitLab(t);
  await push(files({ web: "a:1", old: "a:1" }));
  const mirror = { name: "of-b" };
  const lab = await gitSyncLab(t, remote, undefined, mirror);
  const b = await lab.start();
  await synced(lab);
  await b.close();
  mirror.name = "of-a";
  const a = await lab.start();
  await synced(lab);
  await push({ ...files({ web: "a:2", pay: "a:1" }), "deploy/old.yaml": undefined });
  await lab.told("what is gone waits for the rest", ({ pass }) => pass?.outcome === "waiting");
  const now = await lab.images();
  assert.deepEqual(now, { web: "a:2", pay: "a:1", old: "a:1" });
  await a.close();
  await rename(remote, `${remote}.away`);
  mirror.name = "of-b";
  await lab.start();
  await away(lab, /there is no Git repository/);
  await throughout(300, async () => assert.deepEqual(await lab.images(), now));
  await rename(`${remote}.away`, remote);
  await push(files({ web: "a:3" }));
  await lab.settled({ web: "a:3", pay: "a:1", old: "a:1" });
});

/** A sync that has ended after it applied `web` and `api`, with every object of its mirror in a file of its own, as small fetches once left them. */
async function loose(t: TestContext) {
  const { remote, push } = await gitLab(t);
  await push({ ...files({ web: "a:1" }), "deploy/sub/api.yaml": manifestText("api", "a:1") });
  const lab = await gitSyncLab(t, remote);
  const sync = await lab.start();
  await synced(lab);
  await sync.close();
  const mirror = join(lab.beside, "state", "git");
  const packs = join(mirror, "objects", "pack");
  for (const name of await readdir(packs)) await rename(join(packs, name), join(lab.beside, name));
  const pack = (await readdir(lab.beside)).find((name) => name.endsWith(".pack")) ?? assert.fail("no pack");
  await run("sh", ["-c", `git --git-dir "${mirror}" unpack-objects -q <"${join(lab.beside, pack)}"`]);
  const objectOf = async (what: string) => {
    const { stdout } = await run("git", ["--git-dir", mirror, "rev-parse", what]);
    const id = stdout.trim();
    return join(mirror, "objects", id.slice(0, 2), id.slice(2));
  };
  return { lab, push, remote, objectOf };
}

const head = "refs/orchestra/head";
const lost = [
  ["a file", `${head}:deploy/sub/api.yaml`],
  ["a folder in the folder", `${head}:deploy/sub`],
  ["the folder", `${head}:deploy`],
  ["the root", `${head}^{tree}`],
  ["the commit", head],
] as const;
for (const [what, object] of lost) {
  for (const how of ["empty", "missing"] as const) {
    test(`${what} that is ${how} in the mirror is fetched again, and nothing counts as gone`, async (t) => {
      const { lab, objectOf, push, remote } = await loose(t);
      const path = await objectOf(object);
      await (how === "empty" ? truncate(path) : rm(path));
      // Without the remote it can only hold.
      await rename(remote, `${remote}.away`);
      const blind = await lab.start();
      await away(lab, /there is no Git repository/);
      assert.deepEqual(await lab.images(), { web: "a:1", api: "a:1" });
      await blind.close();
      await rename(`${remote}.away`, remote);
      await lab.start();
      await synced(lab);
      await push(files({ web: "a:2" }));
      await lab.settled({ web: "a:2", api: "a:1" });
      assert.equal((await synced(lab)).waiting, undefined);
    });
  }
}

test("a fetch that is broken off again and again leaves nothing behind, and the last good commit stays", async (t) => {
  const { lab, folder, push, program, calls } = await sshLab(t);
  const cuts = join(folder, "cuts");
  // What the remote sends ends in the middle of its objects.
  const cut = `for last; do :; done; if [ -e ${cuts} ]; then sh -c "$last" | (dd bs=1 count=60000 2>/dev/null; kill $$); fi`;
  setFor(t, { GIT_SSH_COMMAND: await program("ssh", cut) });
  await push(files({ web: "a:1" }));
  await lab.start();
  await lab.settled({ web: "a:1" });
  await writeFile(cuts, "");
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("base64");
  await push({ ...files({ web: "a:2" }), "noise.txt": noise });
  await away(lab, /git failed|does not answer/);
  const tried = async () => (await calls()).split("\n").length;
  const before = await tried();
  await eventually("it has tried some more", async () => (await tried()) > before + 3, limitMs);
  const left = async () => {
    const names = await readdir(join(lab.beside, "state", "git", "objects", "pack"));
    return names.filter((name) => name.startsWith("tmp_"));
  };
  assert.ok((await left()).length <= 1, "no more than the one at work");
  assert.deepEqual(await lab.images(), { web: "a:1" });
  await rm(cuts);
  await lab.settled({ web: "a:2" });
  await synced(lab);
  assert.deepEqual(await left(), []);
});

/** As `delete web` does it. */
async function deleteWeb({ store }: SyncLab): Promise<void> {
  const { value, version, key } = (await store.list(["deployments"])).list("deployments")[0] ?? assert.fail();
  const deleted: DeploymentDocument = { ...value, deleted: { by: "ann", at: "now" } };
  await store.commit({ changes: [put(key, deleted, version)] });
}

test("while a remote hangs, what was changed by hand is taken back, and a pause is heard", async (t) => {
  const { lab, folder, push, program } = await sshLab(t);
  const hangs = join(folder, "hangs");
  setFor(t, { GIT_SSH_COMMAND: await program("ssh", `if [ -e ${hangs} ]; then echo >${hangs}; exec sleep 600; fi`) });
  await push(files({ web: "a:1" }));
  await lab.start();
  await synced(lab);
  await writeFile(hangs, "");
  await eventually("a fetch hangs", async () => (await run("cat", [hangs])).stdout === "\n", limitMs);
  await deleteWeb(lab);
  await lab.settled({ web: "a:1" });
  const paused = { by: "ann", at: "now" };
  await lab.store.commit({ changes: [put(syncControlKey(lab.source), { paused }, "absent")] });
  await lab.told("it is paused", ({ pass }) => pass?.outcome === "paused");
});

test("while a remote hangs that is asked for the commits before a new one, the last good commit is kept up", async (t) => {
  const { lab, folder, push, program } = await sshLab(t);
  const [count, goes] = [join(folder, "count"), join(folder, "goes")];
  await writeFile(count, "");
  const second = `echo >>${count}; while [ $(wc -l <${count}) = 2 ] && ! [ -e ${goes} ]; do sleep 0.1; done`;
  await push(files({ web: "a:1" }));
  setFor(t, { GIT_SSH_COMMAND: await program("plain/ssh") });
  const first = await lab.start();
  await synced(lab);
  await first.close();
  for (const image of ["a:2", "a:3"]) await push(files({ web: image }));
  setFor(t, { GIT_SSH_COMMAND: await program("ssh", second) });
  await lab.start();
  await eventually("the second fetch hangs", async () => (await run("cat", [count])).stdout === "\n\n", limitMs);
  await deleteWeb(lab);
  await lab.settled({ web: "a:1" });
  await writeFile(goes, "");
  await lab.settled({ web: "a:3" });
});

test("a remote that takes longer than it may is told, and the last good commit stays", async (t) => {
  const { lab, folder, push, program } = await sshLab(t, {}, 300);
  const hangs = join(folder, "hangs");
  setFor(t, { GIT_SSH_COMMAND: await program("ssh", `if [ -e ${hangs} ]; then exec sleep 600; fi`) });
  await push(files({ web: "a:1" }));
  await lab.start();
  await lab.settled({ web: "a:1" });
  await writeFile(hangs, "");
  await push(files({ web: "a:2" }));
  await away(lab, /takes too long to answer, or is too large/);
  assert.deepEqual(await lab.images(), { web: "a:1" });
  await rm(hangs);
  await lab.settled({ web: "a:2" });
});

test("a remote that goes while something is held is told beside it, and makes the sync not ready", async (t) => {
  const { remote, push } = await gitLab(t);
  await push(files({ web: "a:1", api: "a:1" }));
  const lab = await gitSyncLab(t, remote);
  const sync = await lab.start();
  await synced(lab);
  await push({ "deploy/web.yaml": undefined, "deploy/api.yaml": undefined });
  await lab.told("it is held", ({ pass }) => pass?.outcome === "held" && pass.trouble === undefined);
  assert.equal(readinessOf(sync.reading()).good, true);
  await rename(remote, `${remote}.away`);
  const { pass, held } = await lab.told("the remote is told", ({ pass }) => pass?.trouble !== undefined);
  assert.equal(pass?.outcome, "held");
  assert.match(pass?.errors.join("\n") ?? "", /no manifest at all.*\n.*there is no Git repository/);
  assert.notEqual(held, undefined);
  assert.match(readinessOf(sync.reading()).text, /^away: there is no Git repository/);
});

for (const lock of ["refs/orchestra/past.lock", "packed-refs.lock"]) {
  test(`${lock} of a git that was killed keeps nobody from telling which commits came before`, async (t) => {
    const { remote, push } = await gitLab(t);
    await push(files({ web: "a:1" }));
    const lab = await gitSyncLab(t, remote);
    const sync = await lab.start();
    await synced(lab);
    await sync.close();
    await writeFile(join(lab.beside, "state", "git", lock), "");
    for (const image of ["a:2", "a:3"]) await push(files({ web: image }));
    await lab.start();
    await lab.settled({ web: "a:3" });
    await synced(lab);
  });
}
