// apply --prune, with the real program on an embedded store under a master and a worker whose engine is in memory.
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nameOf } from "../../../src/model/keys.ts";
import type { Outcome } from "../../support/cluster.ts";
import { type MemoryCluster, type MemoryHost, memoryCluster } from "../../support/memory-cluster.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const text = (name: string, version: string, more = "") =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec:\n  replicas: 1\n  image: "orchestra-demo:1"\n` +
  `  env: { VERSION: "${version}" }\n  stop: { graceSeconds: 0, drainSeconds: 0 }\n${more}`;

interface Shop {
  readonly cluster: MemoryCluster;
  write(name: string, manifest: string): Promise<void>;
  drop(name: string): Promise<void>;
  /** `orchestra VERB -f FOLDER --prune --source shop …` */
  prune(verb: "apply" | "diff", ...words: readonly string[]): Promise<Outcome>;
  /** Deployments that are not being deleted. */
  names(): Promise<string[]>;
}

async function shop(t: TestContext): Promise<Shop> {
  const cluster = await memoryCluster(t, `file:${join(await tempFolder(t), "store.db")}`);
  const folder = join(cluster.folder, "manifests");
  await mkdir(folder);
  return {
    cluster,
    write: (name, manifest) => writeFile(join(folder, `${name}.yaml`), manifest),
    drop: (name) => rm(join(folder, `${name}.yaml`)),
    prune: (verb, ...words) => cluster.run([verb, "-f", folder, "--prune", "--source", "shop", ...words]),
    async names() {
      const all = (await cluster.store.list(["deployments"])).list("deployments");
      return all.flatMap(({ key, value }) => (value.deleted ? [] : [nameOf(key)]));
    },
  };
}

async function started(t: TestContext): Promise<Shop & { host: MemoryHost }> {
  const opened = await shop(t);
  const host = await opened.cluster.host("n1");
  await opened.cluster.master();
  return { ...opened, host };
}

test("what the files lack is deleted when all else is ready, and then nothing is left to do", async (t) => {
  const { cluster, host, write, drop, prune, names } = await started(t);
  for (const name of ["api", "db", "old", "web"]) {
    await write(name, text(name, name, name === "db" ? "  protect: true\n" : ""));
  }
  assert.equal((await prune("apply")).code, 0);
  await cluster.run(["deploy", "other", "--image", "orchestra-demo:1"]);
  await Promise.all([drop("old"), drop("db"), drop("web")]);
  await write("site", text("site", "web"));

  const diff = await prune("diff");
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /^\+ site \(renamed from web\)$/m);
  assert.match(diff.stdout, /^- old \(not in these files\)\n {2}1 pod stopped: old-0 on n1$/m);
  assert.match(diff.stdout, /^- web \(renamed to site\)$/m);
  assert.match(diff.stdout, /^Plan: 1 to create, 2 to delete, 1 unchanged\.$/m);
  assert.match(diff.stdout, /^Renamed, and otherwise as it was: web → site\.$/m);
  assert.match(diff.stdout, /^Not in these files, and kept because protected: db /m);
  const { deployments } = JSON.parse((await prune("diff", "-o", "json")).stdout);
  const half = (name: string) => deployments.find((entry: { name: string }) => entry.name === name);
  assert.deepEqual([half("site").renamedFrom, half("web").renamedTo], ["web", "site"]);

  const applied = await prune("apply");
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stdout, /^The rest is ready; what the files lack is deleted: old, web\.$/m);
  assert.match(applied.stdout, /^Done: 1 created, 2 deleted, 1 unchanged\.$/m);
  assert.deepEqual(await names(), ["api", "db", "other", "site"]);
  assert.equal((await host.running()).length, 4);
  const alive = host.ran().some(({ pods }) => pods.length === 6);
  assert.ok(alive, "site ran before old and web were stopped");

  const again = await prune("apply");
  assert.deepEqual([again.code, /^Up to date\.$/m.test(again.stdout)], [0, true], again.stdout);
  assert.equal((await prune("diff")).code, 0);
});

test("while the rest does not get ready nothing is pruned, and that is said", async (t) => {
  const { write, drop, prune, names } = await started(t);
  await write("old", text("old", "1"));
  await write("web", text("web", "1"));
  assert.equal((await prune("apply")).code, 0);
  await drop("old");
  await write("web", text("web", "2").replace("orchestra-demo:1", "no-such-image:1"));
  const failed = await prune("apply");
  assert.equal(failed.code, 4, failed.stdout);
  assert.match(failed.stderr, /^Nothing was pruned; until the rest is ready these stay: old\.$/m);
  assert.deepEqual(await names(), ["old", "web"]);
  // What is broken since before may be mended meanwhile and is waited for; what was changed now is hopeless at once.
  await write("web", text("web", "2b").replace("orchestra-demo:1", "no-such-image:2"));
  const json = await prune("apply", "-o", "json");
  const document = JSON.parse(json.stdout);
  assert.deepEqual([json.code, document.result, document.plan.summary.delete], [4, "failed", 1]);
  assert.match(document.problems.at(-1), /^Nothing was pruned; .*: old$/);

  await write("web", text("web", "3"));
  assert.equal((await prune("apply")).code, 0);
  assert.deepEqual(await names(), ["web"]);
});

test("where nothing runs nothing gets ready: the rest is written and nothing is pruned", async (t) => {
  const { write, drop, prune, names } = await shop(t);
  await write("old", text("old", "1"));
  assert.equal((await prune("apply")).code, 0);
  await drop("old");
  await write("web", text("web", "1"));
  const { code, stdout, stderr } = await prune("apply");
  assert.equal(code, 1);
  assert.match(stdout, /^Written: 1 created\./m);
  assert.match(
    stderr,
    /nothing runs on this store.*\nNothing was pruned; .*: old\.\nHint: start it with: orchestra up/,
  );
  assert.deepEqual(await names(), ["old", "web"]);
});

test("a kept plan that prunes is carried out as kept, also in two runs, and is done then", async (t) => {
  const { cluster, write, drop, prune, names } = await shop(t);
  await write("old", text("old", "1"));
  assert.equal((await prune("apply")).code, 0);
  await drop("old");
  await write("web", text("web", "1"));
  const plan = join(cluster.folder, "plan.json");
  assert.equal((await prune("diff", "--out", plan)).code, 1);
  const apply = () => cluster.run(["apply", "--plan", plan]);
  assert.equal((await apply()).code, 1, "nothing runs yet, so only the rest is written");
  assert.deepEqual(await names(), ["old", "web"]);
  await cluster.host("n1");
  await cluster.master();
  const second = await apply();
  assert.deepEqual([second.code, await names()], [0, ["web"]], second.stderr);
  const third = await apply();
  assert.deepEqual([third.code, /^Up to date\.$/m.test(third.stdout)], [0, true], third.stdout + third.stderr);
  const unwaited = await cluster.run(["apply", "--plan", plan, "--no-wait"]);
  assert.deepEqual([unwaited.code, /--no-wait/.test(unwaited.stderr)], [2, true], unwaited.stderr);
});

test("what is more than usual is let pass by --yes, and then all that was there is replaced", async (t) => {
  const { write, drop, prune, names } = await started(t);
  await write("a", text("a", "1"));
  await write("b", text("b", "2"));
  assert.equal((await prune("apply")).code, 0);
  await Promise.all([drop("a"), drop("b")]);
  await write("c", text("c", "3"));
  const held = await prune("apply", "--max-delete", "100%");
  assert.deepEqual([held.code, await names()], [3, ["a", "b"]], held.stderr);
  const passed = await prune("apply", "--yes");
  assert.deepEqual([passed.code, await names()], [0, ["c"]], passed.stderr);
  assert.match(
    passed.stderr,
    /^Note: more than usual, and not asked about: all 2 Deployments of shop would be deleted\.$/m,
  );
});

test("pruning needs a source, and waits", async (t) => {
  const { cluster, write, prune } = await shop(t);
  await write("web", text("web", "1"));
  const folder = join(cluster.folder, "manifests");
  for (const verb of ["apply", "diff"]) {
    const { code, stderr } = await cluster.run([verb, "-f", folder, "--prune"]);
    assert.deepEqual([code, /--prune needs --source/.test(stderr)], [2, true], stderr);
  }
  const { code, stderr } = await prune("apply", "--no-wait");
  assert.deepEqual([code, /--no-wait/.test(stderr)], [2, true], stderr);
});
