// A folder that is followed: what is saved there is in the store, and what is wrong there changes nothing.
import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { planSelectors } from "../../../src/apply/commit.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

const web = (image: string) => manifestText("web", image);
const outcome = (lab: SyncLab, wanted: string) => lab.told(`it is ${wanted}`, ({ pass }) => pass?.outcome === wanted);

test("what is in the folder is applied, and what is saved there afterwards", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  assert.equal((await lab.deployment("web"))?.source, lab.source);
  await lab.write("web.yaml", web("a:2"));
  await lab.settled({ web: "a:2" });
  await lab.save("web.yaml", web("a:3"));
  await lab.settled({ web: "a:3" });
  await lab.write("more/deep/api.yaml", manifestText("api", "b:1"));
  await lab.settled({ web: "a:3", api: "b:1" });
  const { applied } = await outcome(lab, "synced");
  assert.equal(applied?.deployments, 2);
});

test("the same text again, editors' own files and files of others write nothing", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await outcome(lab, "synced");
  const { position } = await lab.store.list(planSelectors);
  await lab.save("web.yaml", web("a:1"));
  await lab.write(".web.yaml.swp", "swap: yes");
  await lab.write("web.yaml~", "old: [");
  await lab.write("#web.yaml#", "auto: [");
  await lab.write("notes.txt", "no manifest");
  await throughout(500, async () => assert.equal((await lab.store.list(planSelectors)).position, position));
});

test("one bad file: nothing of that pass is applied, it is told with its place, and mended it goes on", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  await lab.write("bad.yaml", manifestText("bad", "b:1", ", replcas: 2"));
  await outcome(lab, "refused");
  await lab.save("web.yaml", web("a:2"));
  const { pass } = await outcome(lab, "refused");
  assert.match(pass?.errors[0] ?? "", /^bad\.yaml:4:\d+ .*replcas.*replicas/);
  await throughout(300, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  await lab.save("bad.yaml", manifestText("bad", "b:1"));
  await lab.settled({ bad: "b:1", web: "a:2" });
  const mended = await outcome(lab, "synced");
  assert.deepEqual(mended.pass?.errors, []);
});

test("--partial applies the valid files, and the error stays visible", async (t) => {
  const lab = await syncLab(t);
  await lab.write("bad.yaml", "kind: [");
  await lab.write("one.yaml", manifestText("twice", "a:1"));
  await lab.write("two.yaml", manifestText("twice", "a:2"));
  await lab.write("web.yaml", web("a:1"));
  await lab.start({ partial: true });
  await lab.settled({ web: "a:1" });
  const { pass } = await outcome(lab, "partial");
  assert.equal(pass?.errors.length, 2, "the file, and the name that is used twice");
});

test("a folder that is renamed, deleted or emptied is held, told, and followed again when it is back", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  const elsewhere = join(lab.beside, "elsewhere");
  await rename(lab.folder, elsewhere);
  const { pass } = await outcome(lab, "away");
  assert.match(pass?.errors[0] ?? "", /manifests: there is no such file or folder/);
  assert.deepEqual(await lab.images(), { web: "a:1" });
  await rename(elsewhere, lab.folder);
  await lab.write("web.yaml", web("a:2"));
  await lab.settled({ web: "a:2" });
  await rm(lab.folder, { recursive: true });
  await outcome(lab, "away");
  await mkdir(lab.folder);
  await outcome(lab, "held");
  assert.deepEqual(await lab.images(), { web: "a:2" });
  await lab.write("web.yaml", web("a:3"));
  await lab.settled({ web: "a:3" });
});

test("Kubernetes swaps a whole set of files by one link, and no set is mixed", async (t) => {
  const lab = await syncLab(t);
  const swap = async (version: string) => {
    const set = `..${version}`;
    for (const name of ["a", "b"]) await lab.write(`${set}/${name}.yaml`, manifestText(name, `x:${version}`));
    await symlink(set, join(lab.folder, "..data_tmp"));
    await rename(join(lab.folder, "..data_tmp"), join(lab.folder, "..data"));
  };
  await swap("1");
  for (const name of ["a", "b"]) await symlink(`..data/${name}.yaml`, join(lab.folder, `${name}.yaml`));
  await lab.start();
  await lab.settled({ a: "x:1", b: "x:1" });
  for (const version of ["2", "3"]) {
    await swap(version);
    await lab.settled({ a: `x:${version}`, b: `x:${version}` });
  }
});

test("while a git command is at work nothing is read", async (t) => {
  const lab = await syncLab(t);
  await mkdir(join(lab.folder, ".git"));
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  const lock = join(lab.folder, ".git", "index.lock");
  await writeFile(lock, "");
  await lab.write("web.yaml", web("a:2"));
  await throughout(300, async () => assert.deepEqual(await lab.images(), { web: "a:1" }));
  await unlink(lock);
  await lab.settled({ web: "a:2" });
});

test("a rebase that stopped in the middle, in a work tree that a link leads into, is waited for and told", async (t) => {
  const lab = await syncLab(t);
  const [tree, place] = [join(lab.beside, "work"), join(lab.beside, "work", "deploy")];
  await mkdir(join(tree, ".git"), { recursive: true });
  await rename(lab.folder, place);
  await symlink(place, lab.folder);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  await mkdir(join(tree, ".git", "rebase-merge"));
  await lab.write("web.yaml", web("a:2"));
  const { pass } = await lab.told("it is told", ({ pass }) => pass?.outcome === "away");
  assert.match(pass?.errors[0] ?? "", /rebase-merge exists\); continue it or abort it/);
  assert.deepEqual(await lab.images(), { web: "a:1" });
  await rm(join(tree, ".git", "rebase-merge"), { recursive: true });
  await lab.settled({ web: "a:2" });
});

test("a file that grows while it is read is applied when it is whole", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  // Each part is a valid file by itself.
  const parts = Array.from({ length: 40 }, (_, index) => `${manifestText(`d${index}`, "a:1")}---\n`);
  let text = "";
  for (const part of parts) {
    text += part;
    await lab.write("many.yaml", text);
  }
  await lab.settled({ web: "a:1", ...Object.fromEntries(parts.map((_, index) => [`d${index}`, "a:1"])) });
});

test("1,000 files that change at once are each written once", async (t) => {
  const lab = await syncLab(t);
  const names = Array.from({ length: 1_000 }, (_, index) => `d${index}`);
  const writeAll = (image: string) =>
    Promise.all(names.map((name) => lab.write(`${name}.yaml`, manifestText(name, image))));
  await writeAll("a:1");
  await lab.start();
  await lab.settled(Object.fromEntries(names.map((name) => [name, "a:1"])));
  await writeAll("a:2");
  await lab.settled(Object.fromEntries(names.map((name) => [name, "a:2"])));
  const all = (await lab.store.list(["deployments"])).list("deployments");
  assert.ok(
    all.every(({ value }) => value.generation === 2),
    "each was written twice",
  );
});

test("without watches the folder is looked at, and that is said once", async (t) => {
  const lab = await syncLab(t);
  const said: string[] = [];
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (message: string) => void said.push(message),
    with: () => log,
  };
  const watch = ({ failed }: { failed: (error: Error) => void }) => {
    setImmediate(() => failed(new Error("ENOSPC: System limit for number of file watchers reached")));
    return { close: async () => {} };
  };
  await lab.write("web.yaml", web("a:1"));
  await lab.start({ watch, log });
  await lab.settled({ web: "a:1" });
  await lab.write("web.yaml", web("a:2"));
  await lab.settled({ web: "a:2" });
  assert.equal(said.filter((message) => message.includes("cannot be watched")).length, 1);
});

test("one sync leads, the other stands by and takes over", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  const first = await lab.start();
  await lab.settled({ web: "a:1" });
  const said: string[] = [];
  const log = {
    debug() {},
    warn() {},
    error() {},
    info: (message: string) => void said.push(message),
    with: () => log,
  };
  await lab.start({ log });
  await eventually("the second says that it stands by", () => said.some((message) => message.includes("stands by")));
  const { lead } = await outcome(lab, "synced");
  await first.close();
  await lab.told("the second leads", (document) => document.lead.since !== lead.since);
  await lab.write("web.yaml", web("a:2"));
  await lab.settled({ web: "a:2" });
});
