// A followed folder on a file system of its own, which is unmounted and mounted again: what lies below it, or nothing, is not what the files say.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { syncControlKey } from "../../../src/model/keys.ts";
import { put } from "../../../src/store/store.ts";
import { throughout } from "../../support/eventually.ts";
import { whyNoMount } from "../../support/may-mount.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

const run = promisify(execFile);
const names = ["api", "db", "web"];
const all = (image: string) => Object.fromEntries(names.map((name) => [name, image]));

const skip = (await whyNoMount()) ?? false;

/** A file system in memory, at a folder of the lab. */
async function mounting(t: TestContext, place = ".") {
  let at = "";
  // In front of the lab's own end, which removes its folder.
  t.after(() => run("umount", ["-l", at]).catch(() => {}));
  const lab = await syncLab(t);
  at = join(lab.folder, place);
  await mkdir(at, { recursive: true });
  const mount = () => run("mount", ["-t", "tmpfs", "none", at]);
  const write = async (image: string) => {
    for (const name of names) await lab.write(join(place, `${name}.yaml`), manifestText(name, image));
  };
  await mount();
  await write("a:1");
  return { lab, at, mount, write, unmount: (...words: string[]) => run("umount", [...words, at]) };
}

const toldUnmounted = (lab: SyncLab) =>
  lab.told("it says so", ({ pass }) => pass?.outcome === "away" && /is no longer mounted/.test(pass.errors.join()));

for (const how of [[], ["-l"]]) {
  test(`umount ${how.join()}: nothing is pruned, it is told, and what is mounted again is followed`, {
    skip,
  }, async (t) => {
    const { lab, at, mount, write, unmount } = await mounting(t);
    await lab.start();
    await lab.settled(all("a:1"));
    await unmount(...how);
    assert.deepEqual(await readdir(at), []);
    await toldUnmounted(lab);
    await throughout(300, async () => assert.deepEqual(await lab.images(), all("a:1")));
    await mount();
    await write("a:2");
    await lab.settled(all("a:2"));
    await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  });
}

test("what lies below the mount is not applied, unless somebody asks for a look", { skip }, async (t) => {
  const { lab, mount, write, unmount } = await mounting(t);
  await unmount();
  await write("old:1");
  await mount();
  await write("a:1");
  await lab.start();
  await lab.settled(all("a:1"));
  await unmount("-l");
  await toldUnmounted(lab);
  assert.deepEqual(await lab.images(), all("a:1"));
  const trigger = { by: "ann", at: "now" };
  await lab.store.commit({ changes: [put(syncControlKey(lab.source), { trigger }, "absent")] });
  await lab.settled(all("old:1"));
});

test("a folder within it that is unmounted is not taken for one that somebody has emptied", { skip }, async (t) => {
  const { lab, at, mount, write, unmount } = await mounting(t, "teams/shop");
  for (let count = 0; count < 20; count += 1) await lab.write(`d${count}.yaml`, manifestText(`d${count}`, "a:1"));
  const others = Object.fromEntries(Array.from({ length: 20 }, (_, count) => [`d${count}`, "a:1"]));
  await lab.start({ limits: { deletions: { count: 3 }, replacements: { count: 100 }, affected: { count: 100 } } });
  await lab.settled({ ...others, ...all("a:1") });
  await unmount();
  await toldUnmounted(lab);
  assert.deepEqual(await lab.images(), { ...others, ...all("a:1") });
  await mount();
  await write("a:2");
  await lab.settled({ ...others, ...all("a:2") });
  // A folder that goes with its mount was taken away on purpose.
  await unmount();
  await rm(at, { recursive: true });
  await lab.told("it goes on", ({ waiting }) => waiting !== undefined && waiting.prunes.length === 3);
});
