// `diff --live` from the command line, on a store where nothing runs.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDesk } from "../../support/desk.ts";

const manifest = (name: string, image: string) =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { replicas: 2, image: "${image}" }\n`;

test("diff --live names what was done by hand, by whom, and what corrects it; 0 when nothing was", async (t) => {
  const { folder, run } = await openDesk(t, { SUDO_USER: "ann" });
  const [web, api] = [join(folder, "web.yaml"), join(folder, "api.yaml")];
  await writeFile(web, manifest("web", "demo:1"));
  await writeFile(api, manifest("api", "demo:1"));
  const live = ["diff", "-f", web, "-f", api, "--live"];
  assert.equal((await run(...live)).code, 2);
  assert.equal((await run("apply", "-f", web, "-f", api)).code, 0);
  const same = await run(...live);
  assert.deepEqual(
    [same.code, same.stdout],
    [0, "No drift between files, store and engines (looked at: statuses only).\n"],
  );

  assert.equal((await run("scale", "web", "5")).code, 0);
  assert.equal((await run("delete", "api", "--yes")).code, 0);
  await writeFile(web, manifest("web", "demo:2"));
  const found = await run(...live);
  assert.equal(found.code, 1);
  assert.match(found.stdout, /^web: is not as the files say: spec\.image \(last written by ann at .*\)$/m);
  assert.match(
    found.stdout,
    /^web: was scaled to 5 \(the files said 2\) by ann at .*\n {2}corrected by: orchestra scale web --reset$/m,
  );
  assert.match(found.stdout, /^api: was deleted by ann at /m);
  const { kind, drifts } = JSON.parse((await run(...live, "-o", "json")).stdout);
  assert.deepEqual(
    [kind, drifts.map((drift: { kind: string }) => drift.kind)],
    ["Drift", ["deleted", "changed", "scaled"]],
  );
});
