// Two machines at one ZooKeeper, as programs with a state folder each: what they are told, and how one takes the other's place.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDesk } from "../../support/desk.ts";
import { eventually } from "../../support/eventually.ts";
import { manifestText } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";
import { startZooKeeper } from "../../support/zookeeper-server.ts";

async function machines(t: TestContext) {
  const zookeeper = await startZooKeeper();
  t.after(() => zookeeper.close());
  const storeUrl = `zk://${zookeeper.connect}/lab`;
  const { folder, run, shell } = await openDesk(t, { ORCHESTRA_STORE: storeUrl });
  const path = join(folder, "manifests");
  await mkdir(path);
  await writeFile(join(path, "web.yaml"), manifestText("web", "a:1"));
  const start = (state: string, node: string) =>
    syncProcess(t, { storeUrl, words: [path], folder: state, settings: { ORCHESTRA_NODE: node } });
  return { folder, path, run, shell, start, here: folder, there: join(folder, "there") };
}

test("of one name: the second is told whose the folder is, and what it is told takes the place of the first", async (t) => {
  const { path, run, shell, start, here, there } = await machines(t);
  const first = start(here, "vm");
  await first.ready(/^200 synced/);
  const [document] = JSON.parse((await run("sync", "status", path, "-o", "json")).stdout).syncs;
  const second = start(there, "vm");
  await second.ready(/^503 cannot lead: dir:vm:\S+ is the folder of another machine of this name, or of another state/);
  const told = second
    .log()
    .split("\n")
    .filter((line) => line.includes("cannot lead"));
  assert.equal(told.length, 1, "it is told once");
  const { error, hint } = JSON.parse(told[0] ?? "");
  assert.ok(error.includes(`: ${document.machine.id}, since ${document.machine.since}; it was led last by`), error);
  const [, command = ""] = /: orchestra (sync handover \S+ --to [0-9a-f]{12})$/.exec(hint) ?? [];
  const early = await shell(`"$0" "$1" ${command}`);
  assert.deepEqual([early.code, /Error: a sync follows dir:vm:\S+: .*, pid \d+\n/.test(early.stderr)], [3, true]);
  await first.end();
  const handed = await shell(`"$0" "$1" ${command}`);
  assert.match(handed.stdout, /^dir:vm:\S+ is the folder of [0-9a-f]{12} from now on\.$/m);
  await second.ready(/^200 synced/);
  const again = await shell(`"$0" "$1" ${command}`);
  assert.deepEqual([again.code, /was its folder already/.test(again.stdout)], [0, true]);

  const back = start(here, "vm");
  await back.ready(/^503 cannot lead: .*, when \S+ handed it over; it was led last by /);
  await second.end();
  const status = await run("sync", "status");
  assert.match(status.stdout, /^State: +not running/m);
  assert.match(status.stderr, /A sync of this machine does not lead there: dir:vm:.*\nHint: .*sync handover dir:vm:/);
  assert.match((await run("sync", "handover", path, "--to", "n1")).stderr, /Error: "n1" is no machine\nHint: /);
});

test("of two names: each follows its own source, and what is the first's is refused to the second", async (t) => {
  const { path, run, start, here, there } = await machines(t);
  await start(here, "n1").ready(/^200 synced/);
  const second = start(there, "n2");
  await second.ready(/^200 refused: the same path was followed by the node n1; /);
  const { stdout } = await run("get", "deployments", "-o", "wide");
  assert.match(stdout, new RegExp(`web .* dir:n1:${path}`));
  assert.equal((await run("sync", "status")).stdout.match(/^Source: +dir:n[12]:/gm)?.length, 2);
  assert.doesNotMatch((await run("sync", "status")).stderr, /does not lead/);
});

test("one whose machine is gone is told to every other, as soon as the store knows it", async (t) => {
  const { path, run, start, there } = await machines(t);
  const first = start(there, "n1");
  await first.ready(/^200 synced/);
  assert.match((await run("sync", "status", path)).stdout, /^State: +synced/m);
  await first.kill();
  await eventually(
    "status tells it",
    async () => /not running: nobody follows it/.test((await run("status")).stdout),
    60_000,
  );
});

test("of one machine whose state was lost: its own name is not enough, and it is told what to keep", async (t) => {
  const { start, here, there } = await machines(t);
  const before = start(here, "box");
  await before.ready(/^200 synced/);
  await before.kill();
  const anew = start(there, "box");
  await anew.ready(
    /^503 cannot lead: .*; this one the state folder that it had \(ORCHESTRA_STATE_DIR, in a container on a/,
  );
  await anew.end();
  await start(here, "box").ready(/^200 synced/);
});
