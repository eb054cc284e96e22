// `orchestra snapshot` and `diff --from-snapshot`: a plan without cluster and store, which may be kept and applied.
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDesk } from "../../support/desk.ts";

const text = (image: string, password: string, more = "") => `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec: { image: ${image}, replicas: 2, env: { PASSWORD: ${password} }${more} }
`;

test("a plan on a snapshot is the plan on the store, without it; kept, it is applied to that store", async (t) => {
  const { run, folder, storePath } = await openDesk(t, { SUDO_USER: "ann" });
  const [file, state, plan] = ["web.yaml", "state.json", "plan.json"].map((name) => join(folder, name));
  assert.ok(file && state && plan);
  await writeFile(file, text("demo:1", "geheim"));
  const none = await run("snapshot", "-o", state);
  assert.deepEqual([none.code, existsSync(storePath), existsSync(state)], [1, false, false]);
  await run("apply", "-f", file);
  const taken = await run("snapshot", "-o", state);
  assert.deepEqual([taken.code, taken.stdout, statSync(state).mode & 0o777], [0, "", 0o600]);
  assert.match(taken.stderr, /Kept in .*state\.json: orchestra diff --from-snapshot/);
  const kept = await readFile(state, "utf8");
  assert.doesNotMatch(kept, /geheim/);
  assert.match((await run("snapshot", "--show-values")).stdout, /geheim/);

  // With the store of an empty folder: nothing of it is needed.
  const away = ["--from-snapshot", state, "-f", file];
  const elsewhere = join(folder, "elsewhere.db");
  const apart = await openDesk(t, { ORCHESTRA_STORE: `file:${elsewhere}` });
  const same = await apart.run("diff", ...away);
  assert.deepEqual([same.code, same.stdout], [0, "No differences.\n"]);
  assert.match(same.stderr, /^Planned on a snapshot of file:.*store\.db of 20/);
  for (const [image, password] of [
    ["demo:1", "another"],
    ["demo:2", "geheim"],
  ] as const) {
    await writeFile(file, text(image, password));
    const direct = await run("diff", "-f", file, "-o", "json");
    const planned = await apart.run("diff", ...away, "-o", "json");
    assert.deepEqual([planned.code, JSON.parse(planned.stdout)], [1, JSON.parse(direct.stdout)]);
  }
  assert.equal((await apart.run("diff", ...away, "--fail-on", "replace", "--out", plan)).code, 1);
  assert.equal(existsSync(elsewhere), false);
  assert.match((await run("apply", "--plan", plan)).stdout, /Written: 1 updated\./);
  await writeFile(file, text("demo:3", "geheim"));
  assert.equal((await apart.run("diff", ...away, "--out", plan)).code, 1);
  const stale = await run("apply", "--plan", plan);
  assert.equal(stale.code, 3);
  assert.match(stale.stderr, /web was changed by ann at 20.* \(now generation 2, the plan rests on 1\)/);
});

test("what is no whole snapshot of ours is one clear error, and is never written over", async (t) => {
  const { run, folder } = await openDesk(t);
  const [file, state] = ["web.yaml", "state.json"].map((name) => join(folder, name));
  assert.ok(file && state);
  await writeFile(file, text("demo:1", "geheim"));
  await run("apply", "-f", file);
  await run("snapshot", "-o", state);
  const kept = await readFile(state, "utf8");
  const bad: readonly (readonly [text: string, message: RegExp])[] = [
    [kept.slice(0, -9), /is no JSON document, or not a whole one/],
    ["{}", /is no snapshot of orchestra/],
    [kept.replace('"Snapshot"', '"SavedPlan"'), /is no snapshot of orchestra/],
    [kept.replace('"format": 1', '"format": 9'), /was written by a newer orchestra \(format 9; this one knows 1\)/],
    [kept.replace('"demo:1"', '"demo:2"'), /does not say what it said when it was made/],
  ];
  for (const [content, message] of bad) {
    await writeFile(state, content);
    const { code, stderr } = await run("diff", "--from-snapshot", state, "-f", file);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  await rm(state);
  assert.match((await run("diff", "--from-snapshot", state, "-f", file)).stderr, /there is no file .*state\.json/);
  await writeFile(state, kept);
  const values = await run("diff", "--from-snapshot", state, "-f", file, "--show-values");
  assert.deepEqual([values.code, values.stdout], [2, ""]);
  assert.match(values.stderr, /holds no values of environment variables to show/);
  const both = await run("diff", "--from-snapshot", state, "-f", file, "--store", "file:/nowhere/store.db");
  assert.equal(both.code, 2);

  const over = await run("snapshot", "-o", file);
  assert.equal(over.code, 3);
  assert.match(over.stderr, /web\.yaml is there already and is no snapshot; it was left as it is/);
  assert.equal(await readFile(file, "utf8"), text("demo:1", "geheim"));
  assert.equal((await run("snapshot", "-o", state)).code, 0);
  const printed = await run("snapshot", "-o", "json");
  assert.equal(printed.code, 2);
  assert.match(JSON.parse(printed.stdout).error.message, /-o names the snapshot's file here/);
  const dashes = await Promise.all([run("snapshot", "-o", "-"), run("diff", "-f", file, "--from-snapshot", "-")]);
  assert.deepEqual(
    dashes.map(({ code, stderr }) => [code, stderr.split("\n")[0]]),
    ["-o", "--from-snapshot"].map((flag) => [2, `Error: ${flag} needs a file, and - is none; ./- is one of that name`]),
  );
});
