// From one machine to many: a cluster moves from store to store under its running containers, and names are answered all the while.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { watchAnswers } from "../support/answers.ts";
import { docker, execute, type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";
import { startZooKeeper } from "../support/zookeeper-server.ts";

const program = fileURLToPath(new URL("../../bin/dev.js", import.meta.url));

/** Where the cluster moves to. */
const places: readonly { readonly name: string; open(t: TestContext, cluster: TestCluster): Promise<string> }[] = [
  { name: "another file", open: async (_, { folder }) => `file:${join(folder, "other", "store.db")}` },
  {
    name: "ZooKeeper",
    async open(t) {
      const servers = await startZooKeeper();
      t.after(() => servers.close());
      return `zk://${servers.connect}/orchestra`;
    },
  },
];

/** What would change if anything had been made anew or started again. */
async function containersOf(cluster: TestCluster): Promise<string> {
  const format = "{{.Id}} {{.Name}} {{.State.StartedAt}} {{.State.Pid}} {{.RestartCount}}";
  return docker(cluster.environment, "inspect", "--format", format, ...(await cluster.containers()));
}

async function serving(t: TestContext) {
  const cluster = await testCluster(t);
  const up = await cluster.up();
  await cluster.ok("apply", "-f", await cluster.write("web.yaml", demoManifest("web", { replicas: 3 })));
  await cluster.ok("cordon", cluster.record().node);
  const pods = await cluster.ready("web", 3);
  const addresses = pods.map(({ ip }) => ip).sort();
  const look = async () => (await cluster.resolve("web.cluster.local")).join() === addresses.join();
  await eventually("names are answered", look);
  return { cluster, up, pods, addresses: addresses.join() };
}

/** Ends `up`, as a supervisor would, and puts what its store holds into another one. */
async function move(
  cluster: TestCluster,
  up: { end(signal: "SIGTERM"): Promise<void> },
  to: string,
  ...flags: string[]
) {
  await up.end("SIGTERM");
  const file = join(cluster.folder, `export-${flags.length}.jsonl`);
  await cluster.ok("store", "export", "--out", file);
  const said = await cluster.ok("store", "import", file, "--store", to, ...flags, "--yes");
  assert.match(said, /1 Deployment, 3 pods, 1 node.*Imported\./s);
  cluster.useStore(to);
  return cluster.up();
}

for (const { name, open } of places) {
  test(`to ${name} and back: no container is touched, and names are answered throughout`, async (t) => {
    const { cluster, up, pods, addresses } = await serving(t);
    const first = `file:${cluster.storePath}`;
    const second = await open(t, cluster);
    const before = await containersOf(cluster);
    const answers = watchAnswers(t, cluster, "web.cluster.local");
    const there = await move(cluster, up, second);
    // A change that goes through to the end shows that worker and master follow the new store, and have looked at everything.
    await cluster.ok("uncordon", cluster.record().node);
    await cluster.ok("apply", "-f", await cluster.write("api.yaml", demoManifest("api", { replicas: 1 })));
    const facts = (rows: typeof pods) =>
      rows.map(({ id, container, restarts, ip }) => ({ id, container, restarts, ip }));
    assert.deepEqual(facts(await cluster.ready("web", 3)), facts(pods));
    await cluster.ok("delete", "api", "--yes");
    assert.equal(await containersOf(cluster), before);

    const back = await move(cluster, there, first, "--replace");
    await cluster.ok("apply", "-f", await cluster.write("api.yaml", demoManifest("api", { replicas: 1 })));
    assert.deepEqual(facts(await cluster.ready("web", 3)), facts(pods));
    await cluster.ok("delete", "api", "--yes");
    assert.equal(await containersOf(cluster), before);
    assert.deepEqual(await answers(), [addresses]);
    await back.end("SIGTERM");
  });
}

test("an up on the store that a cluster has left holds, and one beside another is refused", async (t) => {
  const { cluster, up } = await serving(t);
  const first = `file:${cluster.storePath}`;
  const before = await containersOf(cluster);
  const there = await move(cluster, up, `file:${join(cluster.folder, "other.db")}`);
  const beside = await cluster.run("up", "--store", first);
  assert.equal(beside.code, 3);
  assert.match(beside.stderr, /another process is the \w+ of this cluster on this machine/);
  await there.end("SIGTERM");
  cluster.useStore(first);
  await cluster.ok("scale", "web", "--replicas", "1", "--no-wait");
  const late = await cluster.up();
  const says = (role: string) => new RegExp(`incarnation 1 instead of 2.*${role} holds`).test(late.log());
  await eventually("worker, master and dns say why", () => ["worker", "master", "dns"].every(says));
  assert.equal(await containersOf(cluster), before);
  await late.end("SIGTERM");
});

test("a backup that was made under a running up returns, when a rollback is meant, and touches no other container", async (t) => {
  const { cluster, up } = await serving(t);
  const before = await containersOf(cluster);
  const file = join(cluster.folder, "early.jsonl");
  const { stderr } = await cluster.run("store", "export", "--out", file);
  assert.match(stderr, /Note: orchestra runs on this store/);
  await cluster.ok("uncordon", cluster.record().node);
  await cluster.ok("apply", "-f", await cluster.write("api.yaml", demoManifest("api", { replicas: 1 })));
  const running = await cluster.run(
    "store",
    "import",
    file,
    "--store",
    `file:${join(cluster.folder, "other.db")}`,
    "--yes",
  );
  assert.match(running.stderr, /orchestra runs on this machine for the cluster/);
  await up.end("SIGTERM");
  const own = `file:${cluster.storePath}`;
  const words = ["store", "import", file, "--store", own, "--replace", "--yes"];
  const refused = await cluster.run(...words);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /this machine has seen a later state.*\nHint: .*--accept-rollback/);
  await cluster.ok(...words, "--accept-rollback");
  const back = await cluster.up();
  await eventually("what was started since is stopped", async () => (await cluster.containers()).length === 3, 30_000);
  assert.equal(await containersOf(cluster), before);
  assert.equal((await cluster.ready("web", 3)).length, 3);
  await back.end("SIGTERM");
});

test("an import of less than a machine has seen, done on another machine, is held off until it is accepted", async (t) => {
  const { cluster, up } = await serving(t);
  const file = join(cluster.folder, "early.jsonl");
  await cluster.ok("store", "export", "--out", file);
  await cluster.ok("uncordon", cluster.record().node);
  await cluster.ok("apply", "-f", await cluster.write("api.yaml", demoManifest("api", { replicas: 1 })));
  await up.end("SIGTERM");
  const before = await containersOf(cluster);
  const other = `file:${join(cluster.folder, "other.db")}`;
  const elsewhere = { ...cluster.environment, ORCHESTRA_STATE_DIR: join(cluster.folder, "elsewhere") };
  const words = [program, "store", "import", file, "--store", other, "--yes"];
  assert.equal((await execute(process.execPath, words, elsewhere)).code, 0);
  cluster.useStore(other);
  const here = await cluster.up();
  const says = (role: string) => new RegExp(`imported from an export that is older.*${role} holds`).test(here.log());
  await eventually("worker, master and dns say why", () => ["worker", "master", "dns"].every(says));
  assert.equal(await containersOf(cluster), before);
  await cluster.ok("store", "accept-rollback", "--yes");
  await eventually("what was started since is stopped", async () => (await cluster.containers()).length === 3, 30_000);
  await here.end("SIGTERM");
});
