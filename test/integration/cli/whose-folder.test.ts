// Whose folder it is that a sync follows: that of a node, which keeps its name while its host is called otherwise.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { openDesk } from "../../support/desk.ts";
import { eventually } from "../../support/eventually.ts";
import { manifestText } from "../../support/sync-lab.ts";
import { calledSo, syncProcess } from "../../support/sync-process.ts";

/** Starting the program several times on a machine under load. */
const limitMs = 60_000;
const [first = "", ...others] = [...calledSo("trial"), "true"];
const skip = await promisify(execFile)(first, others).then(
  () => false,
  () => "the machine cannot be called otherwise here: that needs root",
);

async function followed(t: TestContext) {
  const desk = await openDesk(t);
  const { folder, storePath, run } = desk;
  const path = join(folder, "followed");
  await mkdir(path);
  const write = (name: string, image: string) => writeFile(join(path, `${name}.yaml`), manifestText(name, image));
  await write("web", "a:1");
  const start = (
    options: { enter?: readonly string[]; state?: string; path?: string; settings?: NodeJS.ProcessEnv } = {},
  ) => {
    const { state = folder, path: named = path, ...more } = options;
    return syncProcess(t, { storeUrl: `file:${storePath}`, words: [named], folder: state, ...more });
  };
  const runs = (image: string) =>
    eventually(`${image} is wanted`, async () => (await run("get", "-o", "wide")).stdout.includes(image), limitMs);
  return { ...desk, path, write, start, runs };
}

test("a host that is called otherwise follows what it followed, and its sync is found by the path", {
  skip,
}, async (t) => {
  const { path, run, write, start, runs } = await followed(t);
  const before = start({ enter: calledSo("Old.example.org") });
  await before.ready(/^200 synced/);
  await before.end();
  await write("web", "a:2");
  await start({ enter: calledSo("new.example.org") }).ready(/^200 synced/);
  await runs("a:2");
  const { stdout } = await run("sync", "status", path);
  assert.match(stdout, /^Source: +dir:old:\/.*\nState: +synced/);
  assert.match(stdout, /^Led by: +new\.example\.org \(\S+\), pid /m);
  assert.equal((await run("sync", "status")).stdout.match(/^Source:/gm)?.length, 1);
  assert.match((await run("sync", "pause", `${path}/.`)).stdout, /^dir:old:.* is paused\.$/m);
  assert.match((await run("sync", "resume", path)).stdout, /^dir:old:.* goes on\.$/m);
  assert.match((await run("sync", "trigger", path)).stdout, /is asked to look now/);
  assert.equal((await run("diff", "-f", path, "--source", `dir:old:${path}`)).stdout, "No differences.\n");
});

test("a machine that has lost its name is refused, is told whose the Deployments are, and how to get it back", async (t) => {
  const { folder, run, write, start, runs } = await followed(t);
  const before = start({ settings: { ORCHESTRA_NODE: "n1" } });
  await before.ready(/^200 synced/);
  await before.end();
  // As in a container whose state is not kept: another name at each start.
  await write("web", "a:2");
  const anew = start({ state: join(folder, "anew"), settings: { ORCHESTRA_NODE: "n2" } });
  await anew.ready(/^200 refused: the same path was followed by the node n1; .* set ORCHESTRA_NODE=n1\n$/);
  await anew.end();
  const { stdout } = await run("sync", "status", "dir:n2");
  assert.match(stdout, /web belongs to dir:n1:\S+, not to dir:n2:/);
  assert.doesNotMatch((await run("get", "-o", "wide")).stdout, /a:2/);
  await start({ state: join(folder, "again"), settings: { ORCHESTRA_NODE: "n1" } }).ready(/^200 synced/);
  await runs("a:2");
});

test("of a path that several nodes follow the own one is meant", async (t) => {
  const { folder, path, run, start } = await followed(t);
  await start({ settings: { ORCHESTRA_NODE: "n1" } }).ready(/^200 synced/);
  await start({ state: join(folder, "other"), settings: { ORCHESTRA_NODE: "n2" } }).ready(/^200 refused/);
  assert.match((await run("sync", "pause", path)).stdout, /^dir:n1:/);
  assert.match((await run("sync", "pause", `dir:n2:${path}`)).stdout, /^dir:n2:/);
});

test("the same folder by another name is another source, which is refused what the first has", async (t) => {
  const { folder, path, run, write, start, runs } = await followed(t);
  const link = join(folder, "current");
  await symlink(path, link);
  await start({ path: `${path}/` }).ready(/^200 synced/);
  await start({ path: link }).ready(/^200 refused: web belongs to dir:\S+\/followed, not to dir:\S+\/current/);
  await write("web", "a:2");
  await write("api", "b:1");
  await runs("b:1");
  const { stdout } = await run("get", "deployments", "-o", "wide");
  assert.equal(stdout.match(/[ab]:\d.* dir:\S+\/followed/g)?.length, 2, stdout);
});

test("a link that is switched to another release is the source that it was", async (t) => {
  const { folder, path, run, start, runs } = await followed(t);
  const [release, link] = [join(folder, "release"), join(folder, "current")];
  await symlink(path, link);
  await start({ path: link }).ready(/^200 synced/);
  await mkdir(release);
  await writeFile(join(release, "web.yaml"), manifestText("web", "a:2"));
  await symlink(release, join(folder, "next"));
  await rename(join(folder, "next"), link);
  assert.match((await run("sync", "trigger", link)).stdout, /^dir:.*\/current is asked to look now\.$/m);
  await runs("a:2");
});
