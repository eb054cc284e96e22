// What a sync does not read, a link out of the folder or one in Git, may hide manifests: what is behind it must not count as gone.
import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { throughout } from "../../support/eventually.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

const demo = (name: string) => manifestText(name, "orchestra-demo:1", ", stop: { graceSeconds: 0, drainSeconds: 0 }");
const images = (...names: string[]) => Object.fromEntries(names.map((name) => [name, "orchestra-demo:1"]));
const is = (lab: SyncLab, outcome: string) => lab.told(`it is ${outcome}`, ({ pass }) => pass?.outcome === outcome);
const toldUnread = (lab: SyncLab, place: string) =>
  lab.told(`${place} is told`, ({ pass }) =>
    Boolean(pass?.outcome === "partial" && pass.errors[0]?.startsWith(`${place}: is`)),
  );

test("a folder that a link out of the tree takes the place of deletes nothing, until it is removed or its Deployments are", async (t) => {
  const lab = await syncLab(t);
  await lab.write("a.yaml", demo("a"));
  await lab.write("shared/b.yaml", demo("b"));
  await lab.start();
  await lab.settled(images("a", "b"));
  await rename(join(lab.folder, "shared"), join(lab.beside, "shared"));
  await symlink(join(lab.beside, "shared"), join(lab.folder, "shared"));
  const { pass } = await toldUnread(lab, "shared");
  assert.match(pass?.errors[0] ?? "", /leads out of the folder.*is not deleted while this is new: remove it/);
  // What the files do have is applied all the same.
  await lab.write("c.yaml", demo("c"));
  await lab.settled(images("a", "b", "c"));
  await throughout(300, async () => assert.deepEqual(await lab.images(), images("a", "b", "c")));
  await rm(join(lab.folder, "shared"));
  await rename(join(lab.beside, "shared"), join(lab.folder, "shared"));
  await is(lab, "synced");
});

test("a folder with nothing but a link is no empty one: the link is named", async (t) => {
  const lab = await syncLab(t);
  await symlink(lab.beside, join(lab.folder, "link"));
  await lab.start();
  const { pass } = await is(lab, "refused");
  assert.match(pass?.errors.join("\n") ?? "", /^there is no \.yaml.*\nlink: is not read: it is a link that leads out/);
});

test("a link that was there before a file was deleted hides nothing", async (t) => {
  const lab = await syncLab(t);
  const cluster = await memoryCluster(t, `file:${join(lab.beside, "store.db")}`);
  await cluster.host("n1");
  await cluster.master();
  const elsewhere = join(lab.beside, "elsewhere");
  await mkdir(elsewhere);
  await symlink(elsewhere, join(lab.folder, "link"));
  for (const name of ["a", "b"]) await lab.write(`${name}.yaml`, demo(name));
  await lab.start();
  await lab.settled(images("a", "b"));
  assert.deepEqual((await is(lab, "synced")).applied?.unread, ["link"]);
  await lab.remove("b.yaml");
  await lab.settled(images("a"));
});

test("a commit that puts a link in the place of a folder deletes nothing", async (t) => {
  const { remote, push, work } = await gitLab(t);
  await push({ "deploy/a.yaml": demo("a"), "deploy/shared/b.yaml": demo("b"), "shared/b.yaml": demo("b") });
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled(images("a", "b"));
  await rm(join(work, "deploy/shared"), { recursive: true });
  await symlink("../shared", join(work, "deploy/shared"));
  await push({});
  await toldUnread(lab, "shared");
  assert.deepEqual(await lab.images(), images("a", "b"));
});
