// Plans as contracts: `diff --out` keeps one, `apply --plan` does exactly that or refuses, says what has moved, and writes nothing.
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, truncateSync } from "node:fs";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { clusterKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { type Desk, openDesk } from "../../support/desk.ts";

interface PlanDesk extends Desk {
  readonly plan: string;
  write(name: string, text: string): Promise<string>;
  withStore<T>(use: (store: Store) => Promise<T>): Promise<T>;
  /** How often the store has been written. */
  position(): Promise<number>;
  /** Expects the plan to be refused with this reason, and nothing to be written. */
  refused(reason: RegExp, ...words: readonly string[]): Promise<void>;
}

async function desk(t: TestContext): Promise<PlanDesk> {
  const opened = await openDesk(t, { SUDO_USER: "ann" });
  const { folder, storePath, run } = opened;
  const plan = join(folder, "plan.json");
  await mkdir(join(folder, "m"));
  const withStore: PlanDesk["withStore"] = async (use) => {
    const store = await openStore(`file:${storePath}`, { create: false });
    return use(store).finally(() => store.close());
  };
  const position = () => withStore(async (store) => (await store.list(["deployments"])).position);
  return {
    ...opened,
    plan,
    withStore,
    position,
    async write(name, text) {
      await writeFile(join(folder, "m", name), text);
      return join(folder, "m", name);
    },
    async refused(reason, ...words) {
      const before = await position();
      const { code, stderr } = await run("apply", "--plan", plan, ...words);
      assert.equal(code, 3, stderr);
      assert.match(stderr, reason);
      assert.equal(await position(), before);
    },
  };
}

const text = (name: string, image = "demo:1", more = "") => `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: ${name} }
spec: { image: ${image}${more} }
`;

test("a kept plan says what will be done and no secrets; it is done once, and found done the second time", async (t) => {
  const { run, write, plan, folder, position } = await desk(t);
  await write("web.yaml", text("web", "demo:1", ", replicas: 2, env: { PASSWORD: geheim }"));
  await write("api.yaml", text("api"));
  const diff = await run("diff", "-f", join(folder, "m"), "--out", plan);
  assert.equal(diff.code, 1);
  const document = JSON.parse(readFileSync(plan, "utf8"));
  assert.match(diff.stderr, new RegExp(`Kept in .*plan\\.json with the token ${document.token}: .*apply --plan`));
  assert.equal(statSync(plan).mode & 0o777, 0o600);
  assert.doesNotMatch(JSON.stringify(document), /geheim/);
  assert.deepEqual(
    document.plan.deployments.map(({ name, action }: { name: string; action: string }) => [name, action]),
    [
      ["api", "create"],
      ["web", "create"],
    ],
  );

  const done = await run("apply", "--plan", plan);
  assert.deepEqual([done.code, done.stderr], [0, ""]);
  assert.match(done.stdout, /Written: 2 created\./);
  const before = await position();
  const again = await run("apply", "--plan", plan);
  assert.deepEqual([again.code, again.stdout], [0, "Up to date.\n"]);
  assert.equal(await position(), before);

  // The same path takes the next plan; what is asked for in clear is in clear.
  await write("web.yaml", text("web", "demo:1", ", replicas: 2, env: { PASSWORD: andere }"));
  assert.equal((await run("diff", "-f", join(folder, "m"), "--out", plan, "--show-values")).code, 1);
  assert.match(await readFile(plan, "utf8"), /geheim.*andere/s);
  assert.match((await run("apply", "--plan", plan)).stdout, /Written: 1 updated, 1 unchanged\./);
});

test("a plan is refused when a file changed, appeared, went or broke; another checkout of the same will do", async (t) => {
  const { run, write, plan, folder, refused } = await desk(t);
  const web = await write("web.yaml", text("web"));
  await run("apply", "-f", web);
  await write("web.yaml", text("web", "demo:2"));
  assert.equal((await run("diff", "-f", join(folder, "m"), "--out", plan)).code, 1);

  await write("web.yaml", text("web", "demo:3"));
  await refused(/no longer holds: the file .*web\.yaml was changed since; nothing was written/);
  await write("web.yaml", "kind: [");
  await refused(/the file .*web\.yaml was changed since/);
  await write("web.yaml", text("web", "demo:2"));
  const more = await write("more.yaml", text("more"));
  await refused(/the file .*more\.yaml appeared since/);
  await rename(more, join(folder, "m", "web.yaml.bak"));
  await rename(web, join(folder, "away.yaml"));
  await refused(/the file .*web\.yaml went away since/);
  await refused(
    /Hint: none of its files is here: run it in the folder that the plan was made in, or name them with -f\.$/m,
  );
  const { code, stdout } = await run("apply", "--plan", plan, "-o", "json");
  assert.equal(code, 3);
  assert.deepEqual(JSON.parse(stdout).error.details.moved[0].what, "file");
  assert.equal((await run("apply", "--plan", plan, "-f", join(folder, "away.yaml"))).code, 0);
});

test("a plan is refused when a Deployment moved: it says who changed, made or removed it", async (t) => {
  const { run, shell, write, plan, folder, refused } = await desk(t);
  const as = (who: string, line: string) => shell(`SUDO_USER=${who} "$0" "$1" ${line}`);
  const keep = () => run("diff", "-f", join(folder, "m"), "--out", plan);
  const web = await write("web.yaml", text("web"));
  await run("apply", "-f", web);
  await write("web.yaml", text("web", "demo:2"));
  await write("api.yaml", text("api"));
  await keep();
  await as("bob", "scale web 4");
  await refused(/web was changed by bob at 20.* \(now generation 2, the plan rests on 1\)/);
  await keep();
  const theirs = await write("../theirs.yaml", text("api", "demo:9"));
  await as("eve", `apply -f ${theirs}`);
  await refused(/api was created by eve at 20/);
  await keep();
  await as("bob", "delete web --yes --no-wait");
  await refused(/web was deleted by bob at 20/);
  // What the plan did not name is nobody's business.
  await keep();
  await as("eve", "deploy other --image demo:1");
  assert.equal((await run("apply", "--plan", plan)).code, 0);
});

test("a plan is refused on another cluster, in another incarnation, and when somebody has edited it", async (t) => {
  const { run, write, plan, folder, refused, withStore } = await desk(t);
  const web = await write("web.yaml", text("web"));
  await run("apply", "-f", web);
  await write("web.yaml", text("web", "demo:2"));
  await run("diff", "-f", join(folder, "m"), "--out", plan);
  const elsewhere = `file:${join(folder, "other.db")}`;
  assert.equal((await run("apply", "-f", web, "--store", elsewhere)).code, 0);
  await refused(/this is another cluster \([0-9a-f]{8}\), and the plan was made for [0-9a-f]{8}/, "--store", elsewhere);
  const kept = await readFile(plan, "utf8");
  for (const [from, to] of [
    [/"revision": "[0-9a-f]{12}"/, '"revision": "0123456789ab"'],
    [/"sha256": "[0-9a-f]{64}"/, `"sha256": "${"0".repeat(64)}"`],
    [/demo:2/, "demo:1"],
  ] as const) {
    assert.match(kept, from);
    await writeFile(plan, kept.replace(from, to));
    await refused(/the plan .*plan\.json does not say what it said when it was made.*somebody has edited it/s);
  }
  // Laid out in another way it says the same.
  await writeFile(plan, JSON.stringify(JSON.parse(kept)));
  await withStore(async (store) => {
    const cluster = await store.read(clusterKey);
    assert.ok(cluster);
    const raised = { ...cluster.value, incarnation: 2 };
    await store.commit({ changes: [put(clusterKey, raised, cluster.version)] });
  });
  await refused(/the whole store was replaced since.*incarnation 2, and the plan rests on 1/);
});

test("a plan of standard input has to be given the same input again", async (t) => {
  const { run, shell, write, plan } = await desk(t);
  const web = await write("web.yaml", text("web"));
  assert.equal((await shell(`cat ${web} | "$0" "$1" diff -f - --out ${plan}`)).code, 1);
  const alone = await run("apply", "--plan", plan);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /made of standard input, which has to be given again\nHint: .*-f -/);
  assert.equal((await shell(`echo "#" | cat ${web} - | "$0" "$1" apply --plan ${plan} -f -`)).code, 3);
  assert.equal((await shell(`cat ${web} | "$0" "$1" apply --plan ${plan} -f -`)).code, 0);
});

test("a plan says whose the manifests are, and whether they take over", async (t) => {
  const { run, write, plan, withStore } = await desk(t);
  const web = await write("web.yaml", text("web"));
  await run("apply", "-f", web, "--source", "shop");
  assert.equal((await run("diff", "-f", web, "--out", plan)).code, 2);
  assert.equal((await run("diff", "-f", web, "--source", "other", "--adopt", "--out", plan)).code, 1);
  const twice = await run("apply", "--plan", plan, "--source", "shop");
  assert.equal(twice.code, 2, twice.stderr);
  assert.match((await run("apply", "--plan", plan)).stdout, /Written: 1 updated/);
  const [found] = await withStore(async (store) => (await store.list(["deployments"])).list("deployments"));
  assert.equal(found?.value.source, "other");
  assert.match((await run("apply", "--plan", plan)).stdout, /^Up to date/);
});

test("of two that apply the same plan at once one writes, and both are told the truth", async (t) => {
  const { run, write, plan, folder, withStore } = await desk(t);
  await run("apply", "-f", await write("web.yaml", text("web")));
  await write("web.yaml", text("web", "demo:2"));
  await run("diff", "-f", join(folder, "m"), "--out", plan);
  const both = await Promise.all([run("apply", "--plan", plan), run("apply", "--plan", plan)]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
    both.map(({ stderr }) => stderr).join(),
  );
  const [web] = await withStore(async (store) => (await store.list(["deployments"])).list("deployments"));
  assert.equal(web?.value.generation, 2);
});

test("what is no whole plan of ours is one clear error, and is never written over", async (t) => {
  const { run, write, plan, folder } = await desk(t);
  const web = await write("web.yaml", text("web"));
  await run("diff", "-f", web, "--out", plan);
  const kept = await readFile(plan, "utf8");
  const bad: readonly (readonly [text: string, message: RegExp])[] = [
    ["", /is no JSON document, or not a whole one/],
    [kept.slice(0, -20), /is no JSON document, or not a whole one/],
    ["[]", /is no JSON document, or not a whole one/],
    [text("web"), /is no JSON document/],
    ["{}", /is no plan of orchestra/],
    [kept.replace('"SavedPlan"', '"Snapshot"'), /is no plan of orchestra/],
    [kept.replace('"format": 1', '"format": 2'), /was written by a newer orchestra \(format 2; this one knows 1\)/],
  ];
  for (const [content, message] of bad) {
    await writeFile(plan, content);
    const { code, stderr } = await run("apply", "--plan", plan);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.equal(stderr.split("\n").length, 3, "an error and a hint");
  }
  const deep = `{"kind":"SavedPlan","format":1,"sha256":"","x":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
  await writeFile(plan, deep);
  assert.match((await run("apply", "--plan", plan)).stderr, /does not say what it said/);
  truncateSync(plan, 2 ** 30);
  assert.match((await run("apply", "--plan", plan)).stderr, /is too large: a plan may have 128 MiB/);
  assert.match((await run("apply", "--plan", join(folder, "none.json"))).stderr, /there is no file .*none\.json/);
  assert.match((await run("apply", "--plan", folder)).stderr, /is a folder, and no plan/);

  // Neither a manifest nor what a link leads to is lost to a slip of the finger.
  await rm(plan);
  await symlink(web, plan);
  for (const path of [web, plan, folder]) {
    const { code, stderr } = await run("diff", "-f", web, "--out", path);
    assert.equal(code, 2);
    assert.match(stderr, path === plan ? leadsText : /is there already and is no plan; it was left as it is/);
  }
  assert.equal(await readFile(web, "utf8"), text("web"));
  const nowhere: readonly (readonly [path: string, message: RegExp])[] = [
    ["", /the name of the plan's file is empty/],
    [join(folder, "typo", "plan.json"), /cannot be written: there is no folder .*typo/],
    ["/proc/typo/plan.json", /cannot be written: there is no folder \/proc\/typo/],
  ];
  for (const [path, message] of nowhere) {
    const { code, stderr } = await run("diff", "-f", web, "--out", path);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  assert.match((await run("apply", "--plan", "")).stderr, /the name of the plan's file is empty/);
  const dashes = await Promise.all([run("diff", "-f", web, "--out", "-"), run("apply", "--plan", "-")]);
  assert.deepEqual(
    dashes.map(({ code, stdout, stderr }) => [code, stdout, stderr]),
    [
      [2, "", dashText("--out", "name a file, as --out plan.json; what diff prints is for people")],
      [2, "", dashText("--plan", "name the file that diff --out has written, as --plan plan.json")],
    ],
  );
});

const leadsText = /plan\.json leads to .*web\.yaml, which is no plan; it was left as it is/;

const dashText = (flag: string, hint: string) =>
  `Error: ${flag} needs a file, and - is none; ./- is one of that name\nHint: ${hint}.\n`;

test("a plan is not kept among the manifests, where it would be read as one", async (t) => {
  const { run, write } = await desk(t);
  const web = await write("web.yaml", text("web"));
  const below = join(dirname(web), "plan.json");
  const { code, stderr } = await run("diff", "-f", dirname(web), "--out", below);
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /plan\.json lies in .*, and would be read as a manifest from then on\nHint: keep the plan elsewhere/,
  );
  assert.equal(existsSync(below), false);
});
