// The store under running roles is lost, or replaced: nothing is stopped, everybody who can be asked says why, and an operator's word is followed
// by what runs, without a restart.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { holderSelectors, holdersOf } from "../../../src/cli/holders.ts";
import { acceptRollback } from "../../../src/cli/store/accept-rollback.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { clusterKey, deploymentKey, presenceKey, statusesKey } from "../../../src/model/keys.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { connectZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { act, deployment } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { applyWish, type MemoryCluster, type MemoryHost, memoryCluster } from "../../support/memory-cluster.ts";
import { keepCopy, putBack } from "../../support/store-history.ts";
import { tcpProxy } from "../../support/tcp-proxy.ts";
import { type RunningZooKeeper, startZooKeeper } from "../../support/zookeeper-server.ts";

/** A server has to start again, and sessions have to end first. */
const limitMs = 60_000;

interface Trial {
  readonly zookeeper: RunningZooKeeper;
  readonly cluster: MemoryCluster;
  readonly host: MemoryHost;
  /** What worker and master have warned of. */
  readonly reasons: string[];
}

/** Four pods of web run; the copy `older` is of when there were two. */
async function grown(t: TestContext): Promise<Trial> {
  const zookeeper = await startZooKeeper();
  t.after(() => zookeeper.close());
  const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/orchestra`);
  const reasons: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (message, fields) => void reasons.push(`${message}: ${String(fields?.["reason"])}`),
  };
  const host = await cluster.host("n1", { log });
  await cluster.master({ log });
  await scale(cluster, 2);
  await keepCopy(zookeeper, "older");
  await scale(cluster, 4);
  return { zookeeper, cluster, host, reasons };
}

async function scale(cluster: MemoryCluster, replicas: number): Promise<void> {
  const wish = { replicas, version: "1" };
  await eventually("it is applied", () => applyWish(cluster.store, "web", wish, "ann").catch(() => false), limitMs);
  await cluster.settled(new Map([["web", wish]]));
}

const signal = new AbortController().signal;

/** The very containers, so that one that was made anew is told apart. */
async function containers({ runtime }: MemoryHost): Promise<string[]> {
  return (await runtime.list(signal)).map(({ id, state }) => `${id} ${state}`).sort();
}

/** What crashes is restarted: the same containers run as before. */
async function crashOne(host: MemoryHost): Promise<void> {
  const before = await containers(host);
  const [pod = ""] = await host.running();
  host.runtime.end(pod, 1);
  await eventually("what ended runs again", async () => (await host.running()).includes(pod), limitMs);
  assert.deepEqual(await containers(host), before);
}

async function acceptHere({ cluster: { store, cluster, folder } }: Trial): Promise<number> {
  const snapshot = await store.list(holderSelectors);
  return acceptRollback(store, snapshot, await holdersOf(snapshot, folder, cluster.id), cluster);
}

const holdIn = (store: Store) =>
  store.read(statusesKey("n1")).then(
    (found) => found?.value.hold,
    () => undefined,
  );

/** A worker may write why it holds before its new session is present, and is shown as absent until then. */
async function shows(cluster: MemoryCluster, words: readonly string[], what: RegExp): Promise<void> {
  await eventually(
    `${words.join(" ")} shows it`,
    async () => what.test((await cluster.run([...words])).stdout),
    limitMs,
  );
}

test("an older copy of the data is held off by running roles, and followed by them when that is accepted", async (t) => {
  const trial = await grown(t);
  const { zookeeper, cluster, host, reasons } = trial;
  const before = await containers(host);
  await putBack(zookeeper, "older");
  const hold = await eventually("the worker says why", () => holdIn(cluster.store), limitMs);
  assert.match(hold.reason, /^the store is older than it was .*orchestra store accept-rollback$/);
  await eventually("the master says so too", () => reasons.some((reason) => /^master holds: .*older/.test(reason)));
  await shows(cluster, ["get", "nodes"], /n1 .*present, holds/);
  await shows(cluster, ["status"], /node\/n1: its worker holds: the store is older than it was/);
  await crashOne(host);
  assert.deepEqual(await containers(host), before);

  const accepted = await cluster.run(["store", "accept-rollback", "--yes"]);
  assert.match(accepted.stdout, /^Accepted, as incarnation 2/m, accepted.stderr);
  await eventually("the copy is followed", async () => (await host.running()).length === 2, limitMs);
  assert.equal(await holdIn(cluster.store), undefined);
  await scale(cluster, 3);
});

test("the right data put back is followed again without a word", async (t) => {
  const { zookeeper, cluster, host } = await grown(t);
  await keepCopy(zookeeper, "newest");
  await putBack(zookeeper, "older");
  await eventually("the worker holds", () => holdIn(cluster.store), limitMs);
  const before = await containers(host);
  await putBack(zookeeper, "newest");
  await scale(cluster, 5);
  assert.deepEqual(
    (await containers(host)).filter((one) => before.includes(one)),
    before,
  );
});

/** How all of it can be lost: with the disks of the servers, or by a hand that removes it under connections that stay. */
const losses: Readonly<Record<string, (zookeeper: RunningZooKeeper) => Promise<void>>> = {
  "the servers come back without data": (zookeeper) => putBack(zookeeper),
  "the store is removed under its connections": async ({ servers }) => {
    const client = connectZooKeeper({ servers });
    try {
      // What runs goes on writing until it notices.
      const remove = () =>
        removeAll(client, "/orchestra").then(
          () => true,
          () => false,
        );
      await eventually("nothing is left of it", remove);
    } finally {
      await client.close();
    }
  },
};

async function removeAll(client: ReturnType<typeof connectZooKeeper>, path: string): Promise<void> {
  const { children } = await client.getChildren(path);
  for (const child of children) await removeAll(client, `${path}/${child}`);
  await client.delete(path, -1);
}

for (const [how, lose] of Object.entries(losses)) {
  test(`${how}: what runs is kept, until that is accepted`, async (t) => {
    const trial = await grown(t);
    const { zookeeper, cluster, host } = trial;
    const before = await containers(host);
    await lose(zookeeper);
    const hold = await eventually("the worker says why", () => holdIn(cluster.store), limitMs);
    assert.match(hold.reason, /^the store is empty \(it had come to \d+\).*orchestra store accept-rollback$/);
    await crashOne(host);
    assert.deepEqual(await containers(host), before);
    await shows(cluster, ["get", "nodes"], /n1 .*present, holds/);
    await shows(cluster, ["status"], /node\/n1: its worker holds: the store is empty/);
    const path = await cluster.manifest("web", { replicas: 1, version: "1" });
    for (const words of [
      ["apply", "-f", path],
      ["store", "accept-rollback", "--yes"],
    ]) {
      const { code, stderr } = await cluster.run(words);
      assert.notEqual(code, 0);
      assert.match(stderr, /the store .*is empty, and/);
    }

    assert.equal(await acceptHere(trial), 2);
    await eventually("the empty store is followed", async () => (await host.running()).length === 0, limitMs);
    assert.equal((await cluster.store.read(clusterKey))?.value.id, cluster.cluster.id);
    await scale(cluster, 3);
  });
}

test("another cluster's data in the place is neither followed nor written into, and the right data put back is", async (t) => {
  const { zookeeper, cluster, host } = await grown(t);
  await keepCopy(zookeeper, "newest");
  const other = await startZooKeeper();
  t.after(() => other.close());
  const theirs = await openStore(`zk://${other.connect}/orchestra`, { create: true });
  const { id } = await ensureCluster(theirs, { now: act.at });
  await theirs.close();
  await keepCopy(other, "data-of-theirs");
  const before = await containers(host);
  await putBack(zookeeper, "data-of-theirs", other);
  const why = () =>
    host.store.read(clusterKey).then(
      () => "",
      (error: Error) => error.message,
    );
  const told = new RegExp(`holds another cluster now \\(${id} instead of ${cluster.cluster.id}\\)$`);
  await eventually("it is said why", async () => told.test(await why()), limitMs);
  await crashOne(host);
  const looking = await openStore(`zk://${zookeeper.connect}/orchestra`, { create: false });
  try {
    const all = await looking.list(["presence", "statuses", "nodes", "placements"]);
    assert.deepEqual(
      [all.list("presence"), all.list("statuses"), all.list("nodes"), all.list("placements")],
      [[], [], [], []],
    );
  } finally {
    await looking.close();
  }
  await assert.rejects(host.store.join(presenceKey("n1"), { key: "k", pid: 1, since: act.at }), {
    code: "unavailable",
  });
  await assert.rejects(host.store.elect("master", signal), { code: "unavailable" });
  assert.deepEqual(await containers(host), before);

  await putBack(zookeeper, "newest");
  await scale(cluster, 5);
  assert.deepEqual(
    (await containers(host)).filter((one) => before.includes(one)),
    before,
  );
});

test("a version of an older state is none of another history that has got as far: a change that names it is refused", async (t) => {
  const zookeeper = await startZooKeeper();
  t.after(() => zookeeper.close());
  const [server] = zookeeper.servers;
  const link = await tcpProxy(server ?? assert.fail("no server"));
  t.after(() => link.close());
  const mine = await openStore(`zk://${link.host}:${link.port}/orchestra`, { create: true, own: {} });
  t.after(() => mine.close());
  const web = deploymentKey("web");
  const write = (store: Store, generation: number, version: number | "absent") =>
    store.commit({ changes: [put(web, deployment({ generation }), version)] });
  const versionOf = async (store: Store) => (await store.read(web))?.version ?? assert.fail("no document");
  await write(mine, 1, "absent");
  await keepCopy(zookeeper, "older");
  const first = await eventually("it answers", () => versionOf(mine).catch(() => undefined), limitMs);
  const reached = await write(mine, 2, first);
  const known = await versionOf(mine);

  // Others go on from the older state while this client is away: the document has been written as often as in the state that was lost.
  await link.down();
  await putBack(zookeeper, "older");
  const other = await openStore(`zk://${zookeeper.connect}/orchestra`, { create: false });
  t.after(() => other.close());
  let position = 0;
  for (let count = 0; position <= reached; count += 1)
    position = await other.commit({ changes: [put(deploymentKey(`x${count}`), deployment(), "absent")] });
  await write(other, 3, await versionOf(other));
  await link.up();
  await eventually("it is connected again", () => mine.read(deploymentKey("x0")).catch(() => undefined), limitMs);
  await assert.rejects(write(mine, 4, known), { code: "conflict" });
  assert.equal((await mine.read(web))?.value.generation, 3);
});
