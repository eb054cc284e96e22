// Where a plan is kept: behind a link, and under names that a shell would take apart. What is printed can be pasted.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDesk } from "../../support/desk.ts";

const text = (image: string) =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { image: "${image}" }\n`;

test("a link to a plan stays, and the plan that it leads to is the new one", async (t) => {
  const { run, folder } = await openDesk(t);
  const [web, plan, link] = [join(folder, "web.yaml"), join(folder, "plan.json"), join(folder, "latest.json")];
  await writeFile(web, text("demo:1"));
  await symlink("plan.json", link);
  const nowhere = await run("diff", "-f", web, "--out", link);
  assert.deepEqual([nowhere.code, existsSync(plan)], [2, false]);
  assert.match(
    nowhere.stderr,
    /latest\.json is a link that leads to no file; it was left as it is\nHint: remove the link first/,
  );
  await run("diff", "-f", web, "--out", plan);
  const before = JSON.parse(readFileSync(plan, "utf8")).token;
  await writeFile(web, text("demo:2"));
  const { code, stderr } = await run("diff", "-f", web, "--out", link);
  assert.equal(code, 1, stderr);
  assert.equal(await readlink(link), "plan.json");
  assert.notEqual(JSON.parse(readFileSync(plan, "utf8")).token, before);
  assert.equal((await run("apply", "--plan", link)).code, 0);
});

test("what is printed to be run next can be pasted into a shell, whatever the files are called", async (t) => {
  const { run, shell, folder } = await openDesk(t);
  const odd = join(folder, "it's $HOME;\nby night");
  await mkdir(odd);
  const [web, plan, state] = [join(odd, "web.yaml"), join(odd, "plan.json"), join(odd, "state.json")];
  await writeFile(web, text("demo:1"));
  /** Runs what stands there after `orchestra`, as a person would who copies it. */
  const pasted = (told: string, command: RegExp) => {
    const [, words] = command.exec(told) ?? [];
    assert.ok(words, told);
    return shell(`"$0" "$1" ${words}`);
  };
  const diff = await run("diff", "-f", web, "--out", plan);
  assert.equal(diff.stderr.split("\n").length, 2, diff.stderr);
  const applied = await pasted(diff.stderr, /: orchestra (apply --plan .*) does this or nothing\.$/m);
  assert.deepEqual([applied.code, /Written: 1 created/.test(applied.stdout)], [0, true], applied.stderr);

  const kept = await run("snapshot", "-o", state);
  await writeFile(join(folder, "web.yaml"), text("demo:1"));
  const planned = await pasted(
    kept.stderr.replace("…", join(folder, "web.yaml")),
    /: orchestra (diff .*) plans on it\.$/m,
  );
  assert.deepEqual([planned.code, planned.stdout], [0, "No differences.\n"], planned.stderr);

  const forgotten = await run("diff", web);
  const meant = await pasted(forgotten.stderr, /did you mean "orchestra (diff -f .*)"\?$/m);
  assert.deepEqual([meant.code, meant.stdout], [0, "No differences.\n"]);

  const bare = await run("exec", "web", "sh", "-c", "echo a b");
  assert.match(bare.stderr, /Hint: write orchestra exec web -- sh -c 'echo a b'\.$/m);
});
