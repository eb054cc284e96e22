// A followed folder on a file system of its own, which is unmounted and mounted again: what lies below it, or nothing, is not what the files say.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { readIfThere } from "../../../src/durable-file.ts";
import { eventually, throughout } from "../../support/eventually.ts";
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
  await lab.trigger("now");
  await lab.settled(all("old:1"));
});

/** As after a hiccup of the store: whoever leads finds its lock gone, and is elected again. */
async function loseLeadership({ beside }: SyncLab): Promise<void> {
  const live = join(beside, "store.db-live");
  for (const name of await readdir(live)) if (name.startsWith("elections")) await rm(join(live, name));
}

test("what is not mounted is no more pruned by a leader that is elected again, nor by the next process", {
  skip,
}, async (t) => {
  const { lab, mount, write, unmount } = await mounting(t, "teams/shop");
  const others: Record<string, string> = {};
  for (let count = 0; count < 20; count += 1) {
    await lab.write(`d${count}.yaml`, manifestText(`d${count}`, "a:1"));
    others[`d${count}`] = "a:1";
  }
  const first = await lab.start();
  await lab.settled({ ...others, ...all("a:1") });
  // A word that was given long ago, and heard then.
  await lab.trigger("once");
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  const file = join(lab.beside, "seen", "mounts.json");
  const heard = async () => /teams\/shop.*once/.test((await readIfThere(file)) ?? "");
  await eventually("the trigger was heard", heard);
  await unmount();
  await toldUnmounted(lab);
  const { lead } = (await lab.document()) ?? assert.fail();
  await loseLeadership(lab);
  const isNew = ({ lead: { since } }: { readonly lead: { readonly since: string } }) => since !== lead.since;
  await lab.told("it leads again", isNew);
  await toldUnmounted(lab);
  await first.close();
  await lab.told("it has ended", ({ lead: { ended } }) => ended !== undefined);
  // As a boot at which the mount comes late.
  await lab.start();
  await lab.told("it leads", ({ lead: { ended } }) => ended === undefined);
  await throughout(300, async () => assert.deepEqual(await lab.images(), { ...others, ...all("a:1") }));
  await toldUnmounted(lab);
  await mount();
  await write("a:2");
  await lab.settled({ ...others, ...all("a:2") });
});

test("a link that leads to another mount by now leaves the former one alone", { skip }, async (t) => {
  const places = ["v1", "v2"];
  const mounted: string[] = [];
  t.after(async () => {
    for (const place of mounted) await run("umount", ["-l", place]).catch(() => {});
  });
  const lab = await syncLab(t);
  await rm(lab.folder, { recursive: true });
  for (const place of places) {
    const at = join(lab.beside, place);
    await mkdir(at);
    await run("mount", ["-t", "tmpfs", "none", at]);
    mounted.push(at);
    await writeFile(join(at, "web.yaml"), manifestText("web", `a:${place}`));
  }
  await symlink("v1", lab.folder);
  const first = await lab.start();
  await lab.settled({ web: "a:v1" });
  await first.close();
  await rm(lab.folder);
  await symlink("v2", lab.folder);
  await run("umount", [join(lab.beside, "v1")]);
  await lab.start();
  await lab.settled({ web: "a:v2" });
});

test("what somebody has said to be right without its mount is right after a restart, too", { skip }, async (t) => {
  const { lab, unmount } = await mounting(t, "teams/shop");
  await lab.write("web-more.yaml", manifestText("web-more", "a:1"));
  const first = await lab.start();
  await lab.settled({ ...all("a:1"), "web-more": "a:1" });
  await unmount();
  await toldUnmounted(lab);
  await lab.trigger("once");
  await lab.told("it goes on", ({ pass }) => pass?.outcome !== "away");
  await first.close();
  await lab.start();
  await lab.write("web-more.yaml", manifestText("web-more", "a:2"));
  await lab.settled({ ...all("a:1"), "web-more": "a:2" });
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
