// What a sync follows, looked at before it is merged: the plan of the sync itself, which nobody else may carry out.
import assert from "node:assert/strict";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDesk } from "../../support/desk.ts";
import { eventually } from "../../support/eventually.ts";
import { manifestText } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";

/** Starting the program several times on a machine under load. */
const limitMs = 60_000;
const settings = { ORCHESTRA_NODE: "n1" };

test("diff --source plans as the sync does: what it would delete and take back too; only the sync applies it", async (t) => {
  const { folder, storePath, run, shell } = await openDesk(t);
  const [followed, other] = [join(folder, "followed"), join(folder, "pull-request")];
  for (const place of [followed, other]) {
    await mkdir(place);
    await writeFile(join(place, "web.yaml"), manifestText("web", "a:1", ", replicas: 2"));
  }
  await writeFile(join(followed, "api.yaml"), manifestText("api", "a:1"));
  const sync = syncProcess(t, { storeUrl: `file:${storePath}`, words: [followed, "--no-self-heal"], folder, settings });
  await sync.ready(/^200 synced/);
  const source = `dir:n1:${followed}`;

  const slip = await run("diff", "-f", followed, "--source", "dir:n1:/typo", "-o", "json");
  assert.equal(
    slip.stderr.split("\n")[0],
    `No sync of dir:n1:/typo is known (there are ${source}), and nothing belongs to it: is that its name?`,
  );
  const plain = await run("diff", "-f", followed);
  assert.equal(plain.code, 2);
  assert.match(plain.stderr, new RegExp(`Hint: .*diff --source ${source} shows what that does`));
  assert.equal((await run("diff", "-f", followed, "--source", source)).stdout, "No differences.\n");

  const scaled = await run("scale", "web", "5", "--no-wait");
  assert.match(scaled.stdout, new RegExp(`Note: the sync of ${source} leaves this so for web until its own manifest`));
  await writeFile(join(other, "new.yaml"), manifestText("new", "a:2"));
  const seen = await run("diff", "-f", other, "--source", source, "--max-delete", "0");
  assert.equal(seen.code, 1, seen.stderr);
  // Left as a hand has made it; its own manifest has the last word.
  assert.doesNotMatch(seen.stdout, /~ web/);
  assert.match(seen.stdout, /- api \(not in these files\)\n/);
  assert.match(seen.stdout, /Plan: 1 to create, 1 to delete\b/);
  assert.match(
    seen.stdout,
    /so its sync, unless .* limits, holds all of it until orchestra sync approve [0-9a-f]{12}:\n/,
  );
  await writeFile(join(other, "web.yaml"), manifestText("web", "a:1", ", replicas: 3"));
  assert.match((await run("diff", "-f", other, "--source", source)).stdout, /~ web\n +~ spec\.replicas: 5 → 3\n/);
  await writeFile(join(other, "web.yaml"), manifestText("web", "a:1", ", replicas: 2"));
  const snapshot = join(folder, "state.json");
  await run("snapshot", "-o", snapshot);
  const offline = await run("diff", "-f", other, "--source", source, "--from-snapshot", snapshot, "--max-delete", "0");
  // It holds no syncs: one takes everything back, unless it is told otherwise.
  assert.match(offline.stdout, /~ web\n +~ spec\.replicas: 5 → 2\n/);
  assert.match(offline.stdout, /Plan: 1 to create, 1 to update, 1 to delete\b/);

  const live = JSON.parse((await run("diff", "-f", followed, "--source", source, "--live", "-o", "json")).stdout);
  assert.deepEqual(
    live.drifts.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`),
    ["scaled web"],
  );
  for (const [words, says] of [
    [
      `diff -f ${other} --source ${source} --out ${join(folder, "plan.json")}`,
      /--out keeps a plan for apply, and only a sync applies/,
    ],
    [`apply -f ${other} --source ${source}`, /only a sync applies what belongs to dir:/],
  ] as const) {
    const { code, stderr } = await shell(`"$0" "$1" ${words}`);
    assert.equal(code, 2);
    assert.match(stderr, says);
  }
});

test("the token that diff tells is the one that the sync holds the same files with", async (t) => {
  const { folder, storePath, run } = await openDesk(t);
  const followed = join(folder, "followed");
  await mkdir(followed);
  // At one moment, so that no pass sees a part of it.
  const save = async (text: string) => {
    await writeFile(join(folder, "draft"), text);
    await rename(join(folder, "draft"), join(followed, "all.yaml"));
  };
  const names = ["a", "b", "c", "d"];
  const last = manifestText("e", "a:1");
  const image = (name: string) => (name === "d" ? "d:1" : "a:1");
  await save([...names.map((name) => manifestText(name, image(name))), last].join("---\n"));
  const sync = syncProcess(t, { storeUrl: `file:${storePath}`, words: [followed], folder, settings });
  await sync.ready(/^200 synced/);
  const next = names.map((name) => manifestText(`${name}2`, name === "d" ? "d:1" : "a:2"));
  await save([...next, last].join("---\n"));
  const words = ["diff", "-f", followed, "--source", `dir:n1:${followed}`, "-o", "json"];
  const { token } = JSON.parse((await run(...words)).stdout);
  const held = await eventually(
    "it is held",
    async () => {
      const [one] = JSON.parse((await run("sync", "status", "-o", "json")).stdout).syncs;
      return one?.held;
    },
    limitMs,
  );
  assert.equal(token, held.token);
  const { stdout } = await run("sync", "status");
  const what = "4 to create, 0 to update, 4 to delete (1 of them only renamed)";
  const lines = [
    `Held:     ${what}; orchestra sync approve ${token} lets just this pass`,
    "Creates:  a2, b2, c2, d2 (renamed from d)",
    "Deletes:  a, b, c, d (renamed to d2)",
    "Pods:     0 replaced, 0 stopped",
  ];
  assert.ok(stdout.includes(lines.join("\n")), stdout);
});
