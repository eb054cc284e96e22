// Plans and snapshots of thousands of Deployments: one that moved is found and named among them, and nothing of the plan is written then.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../../src/store/open-store.ts";
import { openDesk } from "../../support/desk.ts";

const count = 3_000;
const text = (name: string, version: number) =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { image: "demo:${version}", replicas: 2 }\n`;

test(`a plan of ${count} Deployments is kept, is the same on a snapshot, is refused for the one that moved, and is carried out whole`, async (t) => {
  const { folder, storePath, run } = await openDesk(t, { SUDO_USER: "ann" });
  const [files, plan, state] = [join(folder, "m"), join(folder, "plan.json"), join(folder, "state.json")];
  await mkdir(files);
  const write = (version: number) =>
    Promise.all(
      Array.from({ length: count }, (_, at) => writeFile(join(files, `d${at}.yaml`), text(`d${at}`, version))),
    );
  const generations = async () => {
    const store = await openStore(`file:${storePath}`, { create: false });
    const found = (await store.list(["deployments"]).finally(() => store.close())).list("deployments");
    return [found.length, [...new Set(found.map(({ value }) => value.generation))].sort()];
  };
  await write(1);
  assert.equal((await run("diff", "-f", files, "--out", plan)).code, 1);
  const first = await run("apply", "--plan", plan, "--no-wait");
  assert.match(first.stdout, /^Written: 3000 created\./m, first.stderr);

  await write(2);
  const kept = await run("diff", "-f", files, "--out", plan, "-o", "json");
  assert.equal((await run("snapshot", "-o", state)).code, 0);
  const planned = await run("diff", "-f", files, "--from-snapshot", state, "-o", "json");
  assert.deepEqual([planned.code, JSON.parse(planned.stdout).token], [1, JSON.parse(kept.stdout).token]);
  assert.match((await run("diff", "-f", files, "-o", "markdown")).stdout, /3000/);

  assert.equal((await run("scale", "d7", "9", "--no-wait")).code, 0);
  const refused = await run("apply", "--plan", plan, "--no-wait");
  assert.equal(refused.code, 3);
  assert.match(
    refused.stderr,
    /no longer holds: d7 was changed by ann at [^;]+ \(now generation 2, the plan rests on 1\); nothing was written/,
  );
  assert.deepEqual(await generations(), [count, [1, 2]]);
  assert.equal((await run("scale", "d7", "--reset", "--no-wait")).code, 0);
  assert.equal((await run("diff", "-f", files, "--out", plan)).code, 1);
  assert.match((await run("apply", "--plan", plan, "--no-wait")).stdout, /^Written: 3000 updated\./m);
  assert.deepEqual(await generations(), [count, [2, 4]]);
  assert.equal((await run("apply", "--plan", plan, "--no-wait")).stdout, "Up to date.\n");
});
