// Documents that somebody breaks by hand: each is named and left out, the rest goes on, and nothing is stopped or moved on its account.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isOrchestraError } from "../../src/model/errors.ts";
import { collectionOf, placementsKey, podsKey, statusesKey } from "../../src/model/keys.ts";
import { pathOfKey } from "../../src/store/zookeeper-paths.ts";
import { eventually } from "../support/eventually.ts";
import { applyWish, type MemoryCluster, type MemoryHost, memoryCluster } from "../support/memory-cluster.ts";
import { testClient } from "../support/zookeeper-clients.ts";
import { zooKeeperOfFile } from "../support/zookeeper-of-file.ts";

const zooKeeper = zooKeeperOfFile();

interface Damaged {
  readonly cluster: MemoryCluster;
  readonly hosts: readonly MemoryHost[];
  /** Puts these bytes in the document's place, and gives what was there. */
  write(key: string, text: string | Uint8Array): Promise<Uint8Array>;
  /** Every pod that runs, with its node. */
  running(): Promise<string[]>;
}

/** Two pods of `web` on each of two nodes, all ready. */
async function openDamaged(t: TestContext, chroot: string): Promise<Damaged> {
  const cluster = await memoryCluster(t, `zk://${zooKeeper().connect}${chroot}`);
  const hosts = [await cluster.host("n1"), await cluster.host("n2")];
  await cluster.master();
  const wish = { replicas: 4, version: "1" };
  await applyWish(cluster.store, "web", wish, "ann");
  await cluster.settled(new Map([["web", wish]]));
  const { client } = await testClient(t, zooKeeper().servers, { chroot });
  return {
    cluster,
    hosts,
    async write(key, text) {
      const { data } = await client.getData(pathOfKey(key));
      await client.setData(pathOfKey(key), Buffer.from(text), -1);
      return data;
    },
    async running() {
      const all = await Promise.all(hosts.map(async (host) => [host.name, await host.running()] as const));
      return all.flatMap(([name, pods]) => pods.map((pod) => `${pod}@${name}`));
    },
  };
}

/** No JSON, and JSON that is no such document. */
const texts = [
  "\u0000\u0001 not json",
  "",
  "null",
  "42",
  "[]",
  "{}",
  '{"pods":7,"placements":{},"statuses":"x","replicas":[]}',
];

const names = ["deployments", "revisions", "pods", "placements", "statuses", "nodes", "ranges"] as const;

for (const [index, collection] of names.entries()) {
  test(`a damaged document of ${collection} is named, the rest goes on, and nothing is stopped for it`, async (t) => {
    const { cluster, write, running } = await openDamaged(t, `/damaged${index}`);
    const { store } = cluster;
    const list = async () => (await store.list([collection])).list(collection);
    const key = (await list())[0]?.key ?? "";
    const before = await running();
    assert.equal(before.length, 4);
    for (const [turn, text] of texts.entries()) {
      const old = await write(key, text);
      const snapshot = await eventually("it is known to be damaged", async () => {
        const now = await store.list([collection]);
        return now.damaged.has(key) && now;
      });
      assert.ok(!snapshot.list(collection).some((document) => document.key === key));
      await assert.rejects(store.read(key as never), (error) => isOrchestraError(error, "invalid"));
      if (turn === 0) {
        const { stdout } = await cluster.run(["status"]);
        assert.match(stdout, new RegExp(`${key}: this document is damaged and left out`));
      }
      // Somebody else's change goes through to its end meanwhile.
      const wish = { replicas: 1, version: `${turn}` };
      const other = `other${turn}`;
      await applyWish(store, other, wish, "bob");
      await cluster.settled(new Map([[other, wish]]));
      const now = await running();
      assert.deepEqual(
        before.filter((pod) => !now.includes(pod)),
        [],
        `${JSON.stringify(text)} stopped pods`,
      );
      await write(key, old);
      await eventually("it is sound again", async () => !(await store.list([collection])).damaged.has(key));
    }
    const last = { replicas: 5, version: "2" };
    await applyWish(store, "web", last, "ann");
    await cluster.settled(new Map([["web", last]]));
  });
}

test("what only one process writes is written again by it", async (t) => {
  const { cluster, hosts, write, running } = await openDamaged(t, "/again");
  const before = await running();
  const isSound = async (key: string) => !(await cluster.store.list([key as never])).damaged.has(key);
  await write("verdicts", "no json");
  await eventually("the master's verdicts", () => isSound("verdicts"));
  for (const key of [statusesKey("n1"), "nodes/n1"]) await write(key, "no json");
  await hosts[0]?.restart();
  await eventually("the worker's statuses", () => isSound(statusesKey("n1")));
  await eventually("and its node", () => isSound("nodes/n1"));
  assert.deepEqual(await running(), before);
});

test("a worker whose placements are damaged holds, and so it does after a restart", async (t) => {
  const { cluster, hosts, write, running } = await openDamaged(t, "/hold");
  const before = await running();
  const old = await write(placementsKey("n1"), "no json");
  const reason = async () => (await cluster.store.read(statusesKey("n1")))?.value.hold?.reason;
  await eventually("it says why", async () => /placements\/n1 is damaged/.test((await reason()) ?? ""));
  await hosts[0]?.restart();
  await eventually("it says why again", async () => /placements\/n1 is damaged/.test((await reason()) ?? ""));
  assert.deepEqual(await running(), before);
  await write(placementsKey("n1"), old);
  await eventually("it goes on", async () => (await reason()) === undefined);
});

test("an apply does not touch a damaged Deployment, and writes a damaged revision again", async (t) => {
  const { cluster, write } = await openDamaged(t, "/apply");
  const { store } = cluster;
  const uid = (await store.read(podsKey("web")))?.value.uid;
  const old = await write("deployments/web", "{}");
  const wish = { replicas: 2, version: "2" };
  await assert.rejects(applyWish(store, "web", wish, "ann"), /deployments\/web is damaged .*uid is no text/);
  await write("deployments/web", old);
  const key = (await store.list(["revisions"])).list("revisions")[0]?.key ?? "";
  assert.equal(collectionOf(key), "revisions");
  await write(key, "{}");
  await applyWish(store, "web", { replicas: 4, version: "1" }, "ann");
  assert.ok(await store.read(key as never));
  assert.equal((await store.read(podsKey("web")))?.value.uid, uid);
});
