// An older copy of the store is put in its place under a running `up`: on a file and on ZooKeeper nothing is stopped, names answer on, everybody says
// why, and the operator's word is followed without a restart of anything.
import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { watchAnswers } from "../support/answers.ts";
import { docker, type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";
import { keepCopy, putBack } from "../support/store-history.ts";
import { startZooKeeper } from "../support/zookeeper-server.ts";

/** Sessions end, servers start again, and the machine is under load. */
const limitMs = 60_000;

interface Place {
  /** Keeps what the store holds now; the result puts it back. */
  keep(): Promise<() => Promise<void>>;
}

const places: Readonly<Record<string, (t: TestContext, cluster: TestCluster) => Promise<Place>>> = {
  async "a file"(_, { folder, storePath }) {
    const copy = join(folder, "copy.db");
    return {
      async keep() {
        const database = new DatabaseSync(storePath);
        database.exec(`VACUUM INTO '${copy}'`);
        database.close();
        // The log of the file before is left where it is, as an operator might leave it.
        return () => rename(copy, storePath);
      },
    };
  },
  async ZooKeeper(t, cluster) {
    const zookeeper = await startZooKeeper();
    t.after(() => zookeeper.close());
    cluster.useStore(`zk://${zookeeper.connect}/orchestra`);
    return {
      async keep() {
        await keepCopy(zookeeper, "older");
        return () => putBack(zookeeper, "older");
      },
    };
  },
};

/** What would change if anything had been made anew or started again. */
async function containersOf(cluster: TestCluster): Promise<string[]> {
  const format = "{{.Id}} {{.Name}} {{.State.StartedAt}}";
  const found = await docker(cluster.environment, "inspect", "--format", format, ...(await cluster.containers()));
  return found.split("\n").sort();
}

async function scaled(cluster: TestCluster, count: number): Promise<void> {
  await eventually("it is scaled", async () => (await cluster.run("scale", "web", String(count))).code === 0, limitMs);
  await cluster.ready("web", count);
  const look = async () => (await cluster.resolve("web.cluster.local")).length === count;
  await eventually(`${count} addresses`, look, limitMs);
}

/** Each role says it, to those who ask. */
async function untilAllHold(cluster: TestCluster): Promise<void> {
  const holds = ["node/\\S+: its worker", "master:", "dns:"].map(
    (about) => new RegExp(`${about} ?holds: the store is older than it was .*orchestra store accept-rollback`),
  );
  const look = async () => {
    const { stdout } = await cluster.run("status");
    return holds.every((hold) => hold.test(stdout));
  };
  await eventually("all hold", look, limitMs);
  const shows = async () => /present, holds/.test((await cluster.run("get", "nodes")).stdout);
  await eventually("it shows", shows, limitMs);
}

for (const [name, open] of Object.entries(places)) {
  test(`${name}: an older copy under a running up is held off, and followed without a restart when that is accepted`, async (t) => {
    const cluster = await testCluster(t);
    const { keep } = await open(t, cluster);
    const up = await cluster.up();
    await cluster.ok("apply", "-f", await cluster.write("web.yaml", demoManifest("web", { replicas: 2 })));
    await scaled(cluster, 2);
    const goBack = await keep();
    await scaled(cluster, 4);
    const answers = watchAnswers(t, cluster, "web.cluster.local");
    const before = await containersOf(cluster);
    await goBack();
    await untilAllHold(cluster);
    assert.deepEqual(await containersOf(cluster), before);
    const seen = await answers();
    assert.deepEqual([seen.length, seen[0]?.split(",").length], [1, 4], seen.join("\n"));
    // The master says it once it leads, and behind new servers the former session has to end first.
    for (const role of ["the worker holds", "master holds", "dns holds"])
      await eventually(`the log tells that ${role}`, () => up.log().includes(role), limitMs);

    const [crashed = ""] = before.filter((line) => /web-3/.test(line)).map((line) => line.split(" ")[0]);
    await docker(cluster.environment, "kill", crashed);
    const isBack = async () =>
      (await docker(cluster.environment, "inspect", "--format", "{{.State.Running}}", crashed)) === "true";
    await eventually("what crashed runs again", isBack, limitMs);

    const accepted = await cluster.ok("store", "accept-rollback", "--yes");
    assert.match(accepted, /^ {2}stops 2 pods: web-2, web-3$/m);
    await eventually("two are left", async () => (await cluster.containers()).length === 2, limitMs);
    assert.deepEqual(
      (await containersOf(cluster)).filter((line) => !before.includes(line)),
      [],
    );
    assert.match(await cluster.ok("store", "accept-rollback"), /^Nothing to accept/);
    await scaled(cluster, 3);
    assert.equal(cluster.record().pid, up.pid);
  });
}
