// Whose a Deployment is, from the command line on a store where nothing runs.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDesk } from "../../support/desk.ts";

const manifest = (name: string, replicas: number) =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { replicas: ${replicas}, image: "demo:1" }\n`;

test("a Deployment of one source is refused to another until that adopts it; by hand it can be scaled and deleted", async (t) => {
  const { folder, run } = await openDesk(t, { SUDO_USER: "ann" });
  const file = join(folder, "web.yaml");
  await writeFile(file, manifest("web", 2));
  assert.equal((await run("apply", "-f", file, "--source", "shop")).code, 0);
  const again = await run("apply", "-f", file, "--source", "shop");
  assert.deepEqual([again.code, again.stdout], [0, "Up to date.\n"]);

  const refused = await run("apply", "-f", file, "-o", "json");
  assert.equal(refused.code, 3);
  const { error } = JSON.parse(refused.stdout);
  assert.equal(error.message, "web belongs to shop, not to cli (plain apply and deploy)");
  assert.match(error.hint, /--adopt/);
  const shown = await run("diff", "-f", file, "--source", "bank");
  assert.deepEqual([shown.code, /web belongs to shop, not to bank/.test(shown.stderr)], [2, true]);
  assert.match((await run("deploy", "web", "--image", "demo:2")).stderr, /web belongs to shop/);

  const adopting = ["-f", file, "--source", "bank", "--adopt"];
  const diff = await run("diff", ...adopting);
  assert.deepEqual([diff.code, /^ {4}~ source: shop → bank$/m.test(diff.stdout)], [1, true], diff.stdout);
  assert.match((await run("apply", ...adopting)).stdout, /Written: 1 updated/);
  assert.match((await run("apply", ...adopting)).stdout, /^Up to date\.$/m);
  assert.match((await run("get", "deployments", "-o", "wide")).stdout, /^web .* bank +- /m);
  assert.match((await run("describe", "web")).stdout, /^Source: +bank$/m);

  assert.equal((await run("scale", "web", "3")).code, 0);
  assert.equal((await run("delete", "web", "--yes")).code, 0);
});

test("what is no name of a source is a mistake", async (t) => {
  const { folder, run } = await openDesk(t);
  const file = join(folder, "web.yaml");
  await writeFile(file, manifest("web", 1));
  for (const name of ["cli", "here:/tmp", "Shop"]) {
    const { code, stderr } = await run("apply", "-f", file, "--source", name);
    assert.deepEqual([code, /Hint: take up to 63 of/.test(stderr)], [2, true], stderr);
  }
});
