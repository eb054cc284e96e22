// A branch of a real Git repository that is followed: each commit is applied as a whole or not at all, and what fails leaves the last good one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { syncControlKey } from "../../../src/model/keys.ts";
import { put } from "../../../src/store/store.ts";
import { openGit } from "../../../src/sync/git.ts";
import { throughout } from "../../support/eventually.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { isSoak } from "../../support/rounds.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

const web = (image: string) => manifestText("web", image);
const refusedFor = (lab: SyncLab, pattern: RegExp) =>
  lab.told(
    `refused: ${pattern}`,
    ({ pass }) => pass?.outcome === "refused" && pass.errors.some((text) => pattern.test(text)),
  );
const awayFor = (lab: SyncLab, pattern: RegExp) =>
  lab.told(
    `away: ${pattern}`,
    ({ pass }) => pass?.outcome === "away" && pass.errors.some((text) => pattern.test(text)),
  );

test("what is pushed is applied, with the commit that it came from", async (t) => {
  const { remote, push } = await gitLab(t);
  const first = await push(
    { "deploy/web.yaml": web("a:1"), "elsewhere/api.yaml": manifestText("api", "b:1") },
    "web begins",
  );
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  const commit = { id: first, author: "Ann Example", subject: "web begins" };
  assert.deepEqual((await lab.deployment("web"))?.commit, commit);
  assert.deepEqual((await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced")).applied?.commit, commit);
  const second = await push({ "deploy/api.yaml": manifestText("api", "b:1") }, `api too${"!".repeat(100)}`);
  await lab.settled({ api: "b:1", web: "a:1" });
  assert.equal((await lab.deployment("web"))?.commit?.id, first, "what a commit does not change stays with its own");
  assert.deepEqual((await lab.deployment("api"))?.commit, {
    id: second,
    author: "Ann Example",
    subject: `api too${"!".repeat(65)}`,
  });
});

test("a commit with neither a message nor the name of an author is applied like any other", async (t) => {
  const { remote, work, git, push } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  // Git itself makes none, and takes those that other programs have made.
  const who = "<ann@example.org> 1767225600 +0000";
  const raw = `tree ${await git("rev-parse", "HEAD^{tree}")}\nauthor ${who}\ncommitter ${who}\n\n`;
  await writeFile(join(work, "..", "commit"), raw);
  const id = await git("hash-object", "-t", "commit", "-w", "--literally", "../commit");
  await git("push", "-q", "--force", "origin", `${id}:refs/heads/main`);
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  assert.deepEqual((await lab.deployment("web"))?.commit, { id, author: "", subject: "" });
});

test("a commit with a bad file changes nothing, and the next one mends it", async (t) => {
  const { remote, push } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  const id = await push({ "deploy/web.yaml": web("a:2"), "deploy/bad.yaml": "kind: [" }, "a slip");
  const { pass } = await refusedFor(lab, /^bad\.yaml:1:/);
  assert.deepEqual(pass?.commit, { id, author: "Ann Example", subject: "a slip" });
  assert.deepEqual(await lab.images(), { web: "a:1" });
  await push({ "deploy/bad.yaml": undefined });
  await lab.settled({ web: "a:2" });
});

test("a repository whose objects are named by SHA-256 is followed, also after a restart", async (t) => {
  const { remote, push } = await gitLab(t, "sha256");
  await push({ "deploy/web.yaml": web("a:1") });
  const lab = await gitSyncLab(t, remote);
  const first = await lab.start();
  await lab.settled({ web: "a:1" });
  await first.close();
  await lab.start();
  const id = await push({ "deploy/web.yaml": web("a:2") });
  await lab.settled({ web: "a:2" });
  assert.equal((await lab.deployment("web"))?.commit?.id, id);
});

test("the user's own settings of git change nothing about how a commit is read", async (t) => {
  const settings = [
    ["log.showSignature", "true"],
    ["i18n.logOutputEncoding", "ISO-8859-1"],
    ["color.ui", "always"],
    ["gpg.format", "ssh"],
  ] as const;
  const variables = settings.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, name] as const,
    [`GIT_CONFIG_VALUE_${at}`, value] as const,
  ]);
  for (const [name, value] of [["GIT_CONFIG_COUNT", `${settings.length}`] as const, ...variables]) {
    process.env[name] = value;
    t.after(() => delete process.env[name]);
  }
  const { remote, push, git } = await gitLab(t);
  const key = join(remote, "..", "key");
  await promisify(execFile)("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await git("config", "gpg.format", "ssh");
  await git("config", "user.signingkey", `${key}.pub`);
  await git("config", "commit.gpgsign", "true");
  const id = await push({ "deploy/web.yaml": web("a:1") }, "größer");
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  assert.deepEqual((await lab.deployment("web"))?.commit, { id, author: "Ann Example", subject: "größer" });
});

test("a branch or remote that is gone is told, and the last good commit stays and is kept up", async (t) => {
  const { remote, push, git } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  await git("push", "-q", "origin", "HEAD:other");
  await git("--git-dir", remote, "update-ref", "-d", "refs/heads/main");
  await awayFor(lab, /has no branch main/);
  await git("push", "-q", "origin", "HEAD");
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await rename(remote, `${remote}.away`);
  await awayFor(lab, /there is no Git repository at /);
  const { value, version, key } = (await lab.store.list(["deployments"])).list("deployments")[0] ?? assert.fail();
  await lab.store.commit({ changes: [put(key, { ...value, deleted: { by: "ann", at: "now" } }, version)] });
  await lab.settled({ web: "a:1" });
  await rename(`${remote}.away`, remote);
  await push({ "deploy/web.yaml": web("a:2") });
  await lab.settled({ web: "a:2" });
});

test("after a restart without its remote it goes on with what it has, and a mirror that was lost is made anew", async (t) => {
  const { remote, push } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  const lab = await gitSyncLab(t, remote);
  const first = await lab.start();
  await lab.settled({ web: "a:1" });
  await first.close();
  await rename(remote, `${remote}.away`);
  const second = await lab.start();
  const { applied } = await awayFor(lab, /there is no Git repository/);
  assert.equal(applied?.deployments, 1);
  await second.close();
  await rename(`${remote}.away`, remote);
  await rm(join(lab.beside, "state", "git", "objects"), { recursive: true });
  await push({ "deploy/web.yaml": web("a:2") });
  await lab.start();
  await lab.settled({ web: "a:2" });
});

test("what a git that was killed has left locked in the mirror keeps nothing out", async (t) => {
  const { remote, push } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  const lab = await gitSyncLab(t, remote);
  let sync = await lab.start();
  await lab.settled({ web: "a:1" });
  for (const [index, lock] of ["shallow.lock", "refs/orchestra/head.lock", "config.lock"].entries()) {
    await sync.close();
    await writeFile(join(lab.beside, "state", "git", lock), "");
    await push({ "deploy/web.yaml": web(`a:${index + 2}`) });
    sync = await lab.start();
    await lab.settled({ web: `a:${index + 2}` });
    await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  }
});

test("submodules, links and what LFS keeps are refused, each with its reason, where they are followed", async (t) => {
  const { remote, work, push, git } = await gitLab(t);
  const other = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  await git("submodule", "--quiet", "add", other.remote, "vendor");
  await push({});
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  await git("mv", "vendor", "deploy/vendor");
  await symlink("web.yaml", join(work, "deploy/link.yaml"));
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
  await push({ "deploy/large.yaml": pointer, "deploy/web.yaml": web("a:2") });
  const { pass } = await refusedFor(lab, /submodule/);
  assert.deepEqual(
    pass?.errors.map((text) => text.split(";")[0]),
    [
      "large.yaml: is kept by Git LFS, which is not read",
      "link.yaml: is a link, which is not read from Git",
      "vendor: is a submodule, which is not read",
    ],
  );
  assert.deepEqual(await lab.images(), { web: "a:1" });
});

test("a folder that the branch does not have, and a file that is too large, are errors of the commit", async (t) => {
  const { remote, push } = await gitLab(t);
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await refusedFor(lab, /there is no \.yaml/);
  await push({ deploy: web("a:1") });
  await refusedFor(lab, /^deploy: is no folder; follow the one that it lies in/);
  await push({ deploy: undefined });
  await push({ "deploy/web.yaml": web("a:1"), "deploy/large.yaml": `# ${"x".repeat(9 * 1024 ** 2)}\n` });
  await refusedFor(lab, /^large\.yaml: has \d+ bytes/);
  await push({ "deploy/large.yaml": undefined });
  await lab.settled({ web: "a:1" });
});

test("of a commit with too many documents nothing is applied, and with fewer of them all is", async (t) => {
  const { remote, push } = await gitLab(t);
  const lab = await gitSyncLab(t, remote);
  const many = (letter: string) =>
    Array.from({ length: 10_001 }, (_, index) => manifestText(`${letter}${index}`, "a:1")).join("---\n");
  await push({ "deploy/a.yaml": many("a"), "deploy/b.yaml": many("b"), "deploy/web.yaml": web("a:1") });
  await lab.start();
  await refusedFor(lab, /^b\.yaml: is where all files together pass 20000 documents/);
  await push({ "deploy/a.yaml": undefined, "deploy/b.yaml": undefined });
  await lab.settled({ web: "a:1" });
});

test("wrong credentials are told without a question to anybody, and never shown", async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(401, { "www-authenticate": 'Basic realm="shop"' }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://wrong-token@127.0.0.1:${port}/shop.git`;
  const follows = { kind: "git", url: `http://127.0.0.1:${port}/shop.git`, branch: "main", path: "" } as const;
  const lab = await syncLab(t, (state, clock) => ({
    follows,
    open: (wake: () => void) => openGit({ wake, url, follows, mirror: join(state, "git"), intervalMs: 50, clock }),
  }));
  await lab.start();
  const document = await awayFor(lab, /does not let this user in/);
  assert.doesNotMatch(JSON.stringify(document), /wrong-token/);
});

test("a trigger does not wait for the interval", async (t) => {
  const { remote, push } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  const follows = { kind: "git", url: remote, branch: "main", path: "deploy" } as const;
  const lab = await syncLab(t, (state, clock) => ({
    follows,
    open: (wake: () => void) =>
      openGit({ wake, url: remote, follows, mirror: join(state, "git"), intervalMs: 3_600_000, clock }),
  }));
  await lab.start();
  await lab.settled({ web: "a:1" });
  await push({ "deploy/web.yaml": web("a:2") });
  await throughout(200, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  const trigger = { by: "ann", at: "now" };
  await lab.store.commit({ changes: [put(syncControlKey(lab.source), { trigger }, "absent")] });
  await lab.settled({ web: "a:2" });
});

const commits = isSoak ? { count: 60, everyMs: 1_000 } : { count: 10, everyMs: 0 };

test(`of ${commits.count} commits in a row, one each ${commits.everyMs} ms, the last one stays, and none is applied by half`, async (t) => {
  const { remote, push } = await gitLab(t);
  const both = (version: number) => ({
    "deploy/web.yaml": web(`a:${version}`),
    "deploy/api.yaml": manifestText("api", `a:${version}`),
  });
  await push(both(0));
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ api: "a:0", web: "a:0" });
  const view = await lab.store.view(["deployments"]);
  const halves: string[] = [];
  view.onChange(() => {
    const ids = new Set(
      view
        .snapshot()
        .list("deployments")
        .map(({ value }) => value.commit?.id),
    );
    if (ids.size > 1) halves.push([...ids].join());
  });
  for (let version = 1; version <= commits.count; version += 1) {
    await push(both(version));
    await pause(commits.everyMs);
  }
  await lab.settled({ api: `a:${commits.count}`, web: `a:${commits.count}` });
  view.close();
  assert.deepEqual(halves, []);
});
