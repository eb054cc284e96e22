// What an apply that prunes asks before it does: from the command line, on a store where nothing runs.
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDesk } from "../../support/desk.ts";

const text = (name: string) =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name}, labels: { is: ${name} } }\nspec: { replicas: 1, image: "demo:1" }\n`;
const all = ["a", "b", "c", "d", "e"];

/** Five Deployments of shop are stored, and four of their files are gone. */
async function shrunk(t: TestContext) {
  const desk = await openDesk(t);
  const folder = join(desk.folder, "manifests");
  await mkdir(folder);
  for (const name of all) await writeFile(join(folder, `${name}.yaml`), text(name));
  const words = ["-f", folder, "--prune", "--source", "shop"];
  assert.equal((await desk.run("apply", ...words)).code, 0);
  for (const name of all.slice(1)) await rm(join(folder, `${name}.yaml`));
  return { ...desk, folder, words };
}

test("diff shows what apply would ask; where nobody can be asked apply refuses and names the flags", async (t) => {
  const { run, words } = await shrunk(t);
  const diff = await run("diff", ...words);
  assert.equal(diff.code, 1, diff.stderr);
  const deletions = "4 of the 5 Deployments of shop would be deleted; at most 3 may be (3 or 20%, whichever is more)";
  assert.ok(
    diff.stdout.includes(`so apply asks first (elsewhere than on a terminal it needs --yes):\n  ${deletions}\n`),
  );
  const json = JSON.parse((await run("diff", ...words, "-o", "json")).stdout);
  assert.deepEqual(json.held, [{ guard: "deletions", message: deletions }]);

  const refused = await run("apply", ...words);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /Error: held, because it is more than usual: 4 of the 5 .*\. Nothing was written/);
  assert.match(
    refused.stderr,
    /Hint: orchestra diff --prune shows it all, and --yes lets it pass; --max-delete allows more/,
  );
  const { error } = JSON.parse((await run("apply", ...words, "-o", "json")).stdout);
  assert.deepEqual([error.code, error.details.held], ["conflict", json.held]);

  const wider = await run("diff", ...words, "--max-delete", "80%", "--max-affected", "4");
  assert.doesNotMatch(wider.stdout, /More than usual/);
  const tighter = await run("diff", ...words, "--max-delete", "4", "--max-affected", "50%");
  assert.match(tighter.stdout, /4 Deployments would have pods .* while shop has 5; at most 2 may be \(50%\)/);
});

test("on a terminal it is asked, and only a yes goes on", async (t) => {
  const { run, terminal, words } = await shrunk(t);
  const no = await terminal(["apply", ...words], { after: /\[y\/N\] /, keys: "n\r" });
  assert.equal(no.code, 0, no.screen);
  assert.match(
    no.screen,
    /This is more than usual:\r\n {2}4 of the 5 .*Do it all the same\? \[y\/N\] .*Nothing was changed\./s,
  );
  const yes = await terminal(["apply", ...words], { after: /\[y\/N\] /, keys: "y\r" });
  assert.equal(yes.code, 1, "nothing runs that could get the rest ready, so nothing is pruned");
  assert.match(yes.screen, /Nothing was pruned; until the rest is ready these stay: b, c, d, e/);
  assert.equal((await run("get", "deployments", "-o", "name")).stdout.split("\n").length, all.length + 1);
});

test("a kept plan that is more than usual needs the same yes, by the limits that it was made with", async (t) => {
  const { run, terminal, folder, words } = await shrunk(t);
  const plan = join(folder, "..", "plan.json");
  const isThere = async () =>
    (await run("get", "deployments", "-o", "name")).stdout.split("\n").length === all.length + 1;
  const kept = await run("diff", ...words, "--out", plan);
  assert.match(kept.stdout, /so apply asks first \(elsewhere than on a terminal it needs --yes\):\n {2}4 of the 5 /);
  const refused = await run("apply", "--plan", plan);
  assert.deepEqual([refused.code, await isThere()], [3, true], refused.stderr);
  assert.match(
    refused.stderr,
    /Error: held, because it is more than usual: 4 of the 5 .*\. Nothing was written\nHint: --yes /,
  );
  const no = await terminal(["apply", "--plan", plan], { after: /\[y\/N\] /, keys: "n\r" });
  assert.match(no.screen, /This is more than usual:\r\n {2}4 of the 5 .*Nothing was changed\./s);
  const yes = await run("apply", "--plan", plan, "--yes");
  assert.equal(yes.code, 1, "nothing runs that could get the rest ready, so nothing is pruned");
  assert.match(yes.stderr, /^Note: more than usual, and not asked about: 4 of the 5 /m);
  assert.match(yes.stderr, /Nothing was pruned; until the rest is ready these stay: b, c, d, e/);

  assert.equal((await run("diff", ...words, "--out", plan, "--max-delete", "80%", "--max-affected", "4")).code, 1);
  const wider = await run("apply", "--plan", plan);
  assert.match(wider.stderr, /Nothing was pruned; until the rest is ready these stay: b, c, d, e/);
  assert.doesNotMatch(wider.stderr, /more than usual/);
});

test("an empty folder is a mistake before it is a plan", async (t) => {
  const { run, folder, words } = await shrunk(t);
  await rm(join(folder, "a.yaml"));
  for (const verb of ["diff", "apply"])
    assert.equal((await run(verb, ...words, ...(verb === "apply" ? ["--yes"] : []))).code, 2);
  assert.equal((await run("get", "deployments", "-o", "name")).stdout.split("\n").length, all.length + 1);
});

test("limits are checked at once, and belong to --prune", async (t) => {
  const { run, folder, words } = await shrunk(t);
  const bad = await run("apply", ...words, "--max-delete", "many");
  assert.deepEqual([bad.code, /--max-delete: "many" is neither a count nor a percentage/.test(bad.stderr)], [2, true]);
  const alone = await run("apply", "-f", folder, "--source", "shop", "--max-delete", "3");
  assert.deepEqual([alone.code, /--max-delete limits what --prune does/.test(alone.stderr)], [2, true], alone.stderr);
});
