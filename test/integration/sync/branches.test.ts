// Branches of a real repository: a followed work tree that is switched between them, and a branch whose content becomes entirely another one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { defaultLimits } from "../../../src/apply/guards.ts";
import { nameOf } from "../../../src/model/keys.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { randomOf, roundsOf, seed } from "../../support/rounds.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";

const run = promisify(execFile);
const switches = roundsOf({ test: 2, soak: 40 });
const names = Array.from({ length: 2_000 }, (_, index) => `d${index}`);
/** A look at so many files takes some hundred milliseconds: it begins before, in and after a switch. */
const longestPauseMs = 1_500;
/** A machine under load. */
const limitMs = 60_000;

/** Git in the followed folder, which becomes a work tree. */
async function workTree(lab: SyncLab) {
  const who = ["-c", "user.name=Ann Example", "-c", "user.email=ann@example.org"];
  const env = { PATH: process.env["PATH"], HOME: lab.beside, GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" };
  const git = (...words: string[]) => run("git", [...who, ...words], { cwd: lab.folder, env });
  await git("init", "-q", "-b", "main", ".");
  return {
    git,
    async commit() {
      await git("add", "-A");
      await git("commit", "-q", "-m", "change");
    },
  };
}

test(`a work tree of ${names.length} files is switched ${switches} times: no half of a branch is ever stored, and the last one stays (seed ${seed})`, async (t) => {
  const random = randomOf("switched work tree");
  const lab = await syncLab(t);
  const { git, commit } = await workTree(lab);
  const writeAll = (image: string) =>
    Promise.all(names.map((name, index) => lab.write(`team-${index % 20}/${name}.yaml`, manifestText(name, image))));
  await writeAll("a:1");
  await commit();
  await git("switch", "-q", "-c", "other");
  await writeAll("a:2");
  await commit();
  // The whole set at every moment at which another process could have read it.
  const view = await lab.store.view(["deployments", "revisions"]);
  t.after(() => view.close());
  const seen: string[] = [];
  view.onChange(() => {
    const snapshot = view.snapshot();
    const images = new Map(snapshot.list("revisions").map(({ key, value }) => [nameOf(key), value.image]));
    const stored = Map.groupBy(
      snapshot.list("deployments"),
      ({ key, value }) => `${images.get(`${nameOf(key)}/${value.revision}`)}${value.deleted ? ", deleted" : ""}`,
    );
    seen.push([...stored].map(([what, { length }]) => `${length} of ${what}`).join(" and "));
  });
  const settled = (version: number) =>
    eventually(`a:${version} is stored`, () => seen.at(-1) === `${names.length} of a:${version}`, limitMs);
  await lab.start();
  await settled(2);
  let version = 2;
  for (let round = 0; round < switches; round += 1) {
    version = 3 - version;
    const branch = version === 1 ? "main" : "other";
    await git(random() < 0.5 ? "switch" : "checkout", "-q", branch);
    if (random() < 0.5) await settled(version);
    else await pause(random() * longestPauseMs);
  }
  await settled(version);
  const { pass } = await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.deepEqual(pass?.errors, []);
  const whole = ["", `${names.length} of a:1`, `${names.length} of a:2`];
  assert.deepEqual(
    seen.filter((one) => !whole.includes(one)),
    [],
  );
});

const shop = { api: "a:1", db: "a:1", web: "a:1" };
const foreign = { blog: "b:1", mail: "b:1", wiki: "b:1" };

test("a work tree that is switched to a branch of entirely other manifests is held, and nothing is deleted", async (t) => {
  const lab = await syncLab(t);
  const { git, commit } = await workTree(lab);
  const write = async (images: Readonly<Record<string, string>>) => {
    for (const [name, image] of Object.entries(images)) await lab.write(`${name}.yaml`, manifestText(name, image));
    await commit();
  };
  await write(shop);
  await git("switch", "-q", "--orphan", "other");
  await write(foreign);
  await git("switch", "-q", "main");
  await lab.start({ limits: defaultLimits });
  await lab.settled(shop);
  await git("switch", "-q", "other");
  const { pass, held } = await lab.told("it is held", ({ pass }) => pass?.outcome === "held");
  assert.match(pass?.errors[0] ?? "", /^all 3 Deployments of dir:lab:.* would be deleted$/);
  assert.deepEqual(held?.deletes, Object.keys(shop));
  await throughout(300, async () => assert.deepEqual(await lab.images(), shop));
  await git("switch", "-q", "main");
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.deepEqual(await lab.images(), shop);
});

test("a branch that a foreign tree is pushed to is held, and nothing is deleted", async (t) => {
  const { remote, push, git } = await gitLab(t);
  const filesOf = (images: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(images).map(([name, image]) => [`deploy/${name}.yaml`, manifestText(name, image)]),
    );
  const first = await push(filesOf(shop));
  const lab = await gitSyncLab(t, remote);
  await lab.start({ limits: defaultLimits });
  await lab.settled(shop);
  await git("switch", "-q", "--orphan", "other");
  const id = await push(filesOf(foreign), "the wrong repository");
  await git("push", "-q", "--force", "origin", "HEAD:main");
  const { pass, held } = await lab.told("it is held", ({ pass }) => pass?.outcome === "held");
  const errors = pass?.errors.join("\n") ?? "";
  assert.match(errors, /was pushed by force: .*\n(.*\n)*all 3 Deployments of git:.* would be deleted$/);
  assert.deepEqual([held?.deletes, pass?.commit?.id], [Object.keys(shop), id]);
  await throughout(300, async () => assert.deepEqual(await lab.images(), shop));
  await git("push", "-q", "--force", "origin", `${first}:main`);
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.deepEqual(await lab.images(), shop);
});
