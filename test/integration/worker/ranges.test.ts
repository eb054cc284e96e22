// Many nodes that take their ranges at the same moment, crash in the middle, are forgotten and come back: no two ever have the same.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { nodeKey, rangeKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, remove, type Store } from "../../../src/store/store.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import { type RangeRequest, settleNetwork } from "../../../src/worker/ranges.ts";
import { node as nodeDocument } from "../../support/builders.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { startZooKeeper } from "../../support/zookeeper-server.ts";

const { signal } = new AbortController();
const id = "0a1b2c3d";

type Test = Parameters<typeof tempFolder>[0];

interface Machine {
  readonly node: string;
  readonly runtime: RangeRequest["runtime"];
  readonly store: Store;
}

function settle({ node, runtime, store }: Machine, networkRange: string, held?: string, doubt?: string) {
  const cluster = { id, networkRange };
  const whyNotTrusted = () => doubt;
  return settleNetwork({ store, runtime, node, cluster, hostRoutes: [], held, whyNotTrusted }, signal);
}

const fileIn = async (test: Test) => `file:${join(await tempFolder(test), "store.db")}`;

async function serverFor(test: Test): Promise<string> {
  const server = await startZooKeeper();
  test.after(() => server.close());
  return `zk://${server.connect}/orchestra`;
}

async function machines(test: Test, count: number, place = fileIn): Promise<Machine[]> {
  const url = await place(test);
  // As many connections as processes would have; more of them would only take longer to open.
  const stores = await Promise.all(Array.from({ length: Math.min(count, 8) }, () => openStore(url, { create: true })));
  test.after(async () => void (await Promise.all(stores.map((store) => store.close()))));
  return Array.from({ length: count }, (_, at) => {
    const store = stores[at % stores.length];
    assert.ok(store);
    return { node: `node-${at}`, runtime: openMemory(new Map(), systemClock), store };
  });
}

async function claims(store: Store): Promise<Map<string, string>> {
  const found = (await store.list(["ranges"])).list("ranges");
  return new Map(found.map(({ key, value }) => [key, value.node]));
}

/** Ends the process at a random moment: before, or after the work was done. */
function crashing<A extends readonly unknown[], R>(random: () => number, act: (...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    if (random() < 0.15) throw new OrchestraError("unavailable", "crashed before");
    const result = await act(...args);
    if (random() < 0.15) throw new OrchestraError("unavailable", "crashed after");
    return result;
  };
}

for (const [where, place] of [
  ["a file", fileIn],
  ["ZooKeeper", serverFor],
] as const) {
  test(`nodes that start at the same moment each get a range of their own, and the last of them none: ${where}`, async (t) => {
    const all = await machines(t, 66, place);
    const settled = await Promise.allSettled(all.map((machine) => settle(machine, "10.42.0.0/18")));
    const ranges = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value.network.range] : []));
    assert.equal(new Set(ranges).size, 64);
    assert.equal(ranges.length, 64);
    for (const one of settled)
      if (one.status === "rejected") assert.match(String(one.reason), /every \/24 .* is taken/);
    const [first] = all;
    assert.equal((await claims(first?.store as Store)).size, 64);
  });
}

test(`whatever crashes, is repeated or is forgotten, no two nodes have the same range (${rounds} rounds, seed ${seed})`, async (t) => {
  for (let round = 0; round < rounds; round += 1) {
    const random = randomOf(`ranges ${round}`);
    const all = await machines(t, 12);
    const network = "10.42.0.0/20";
    const live = async (machine: Machine) => {
      const { runtime, store } = machine;
      const unsteady = {
        ...machine,
        runtime: {
          networks: runtime.networks.bind(runtime),
          createNetwork: crashing(random, runtime.createNetwork.bind(runtime)),
          removeNetwork: runtime.removeNetwork.bind(runtime),
        },
        store: { ...store, commit: crashing(random, store.commit.bind(store)), list: store.list.bind(store) },
      };
      for (let start = 0; start < 4; start += 1) await settle(unsteady, network).catch(isUnavailable);
    };
    const forget = async (machine: Machine) => {
      const found = (await machine.store.list(["ranges"])).list("ranges");
      const own = found.filter(({ value }) => value.node === machine.node);
      await machine.store.commit({ changes: own.map(({ key, version }) => remove(key, version)) }).catch(() => {});
    };
    await Promise.all(all.map((machine) => Promise.all([live(machine), random() < 0.3 ? forget(machine) : undefined])));
    // Each comes to rest: looks again until nothing of it is in another's way.
    const settled = await Promise.all(all.map((machine) => settle(machine, network)));
    const held = await claims(all[0]?.store as Store);
    const own = all.map(({ node }, at) => [rangeKey(settled[at]?.network.range ?? ""), node] as const);
    assert.deepEqual([...held].sort(), own.map(([key, node]) => [key, node]).sort(), `seed ${seed}, round ${round}`);
    for (const [at, { runtime }] of all.entries()) {
      const { ours } = await runtime.networks(`orchestra-${id}`, signal);
      assert.equal(ours?.range, settled[at]?.network.range);
    }
  }
});

function isUnavailable(error: unknown): void {
  if (!(error instanceof OrchestraError && error.code === "unavailable")) throw error;
}

test("a node whose range went to another while it was forgotten gets a new one, and its containers lose the old", async (t) => {
  const [one, two] = await machines(t, 2);
  assert.ok(one && two);
  const before = await settle(one, "10.42.8.0/23");
  const [claim] = (await one.store.list(["ranges"])).list("ranges");
  assert.ok(claim);
  await one.store.commit({ changes: [remove(claim.key, claim.version)] });
  await two.runtime.createNetwork(before.network, signal);
  const taken = await settle(two, "10.42.8.0/23");
  assert.equal(taken.network.range, before.network.range);
  const after = await settle(one, "10.42.8.0/23", before.network.range);
  assert.notEqual(after.network.range, before.network.range);
  assert.equal(after.isClaimed, true);
});

test("without the store a network stays as it is, and one that is gone is made again only on a range that is known to be ours", async (t) => {
  const [machine] = await machines(t, 1);
  assert.ok(machine);
  const { network } = await settle(machine, "10.42.0.0/16");
  const away = () => Promise.reject(new OrchestraError("unavailable", "away"));
  const blind = { ...machine, store: { ...machine.store, list: away, commit: away } };
  assert.deepEqual(await settle(blind, "10.42.0.0/16"), { network, isClaimed: false });
  assert.deepEqual(await settle(blind, "10.42.0.0/16", network.range), { network, isClaimed: true });
  await machine.runtime.removeNetwork(network.name, { force: true }, signal);
  await assert.rejects(settle(blind, "10.42.0.0/16"), { code: "unavailable", message: /has no network yet/ });
  assert.deepEqual(await settle(blind, "10.42.0.0/16", network.range), { network, isClaimed: true });
});

/** Somebody has broken the claim of this range. */
async function damage(store: Store, range: string): Promise<void> {
  const { version } = (await store.read(rangeKey(range))) ?? assert.fail(`nobody has claimed ${range}`);
  await store.commit({ changes: [put(rangeKey(range), "?" as never, version)] });
}

test("a damaged claim is written again by the node whose network has the range", async (t) => {
  const [machine] = await machines(t, 1);
  assert.ok(machine);
  const { store, runtime } = machine;
  const before = await settle(machine, "10.42.0.0/16");
  await damage(store, before.network.range);
  assert.deepEqual(await settle(machine, "10.42.0.0/16"), { ...before, isClaimed: true });
  assert.deepEqual((await store.read(rangeKey(before.network.range)))?.value, { node: machine.node });
  // Its network was removed meanwhile, but this process knows that the range is its own.
  await damage(store, before.network.range);
  await runtime.removeNetwork(before.network.name, { force: true }, signal);
  assert.deepEqual(await settle(machine, "10.42.0.0/16", before.network.range), { ...before, isClaimed: true });
  assert.deepEqual((await store.read(rangeKey(before.network.range)))?.value, { node: machine.node });
});

test("a damaged claim is nobody else's to take", async (t) => {
  const [one, two, three] = await machines(t, 3);
  assert.ok(one && two && three);
  const first = await settle(one, "10.42.8.0/23");
  await damage(one.store, first.network.range);
  const second = await settle(two, "10.42.8.0/23");
  assert.notEqual(second.network.range, first.network.range);
  await assert.rejects(settle(three, "10.42.8.0/23"), /every \/24 .* is taken/);
  // Its own document names it: also without the network it is known whose it is.
  await one.store.commit({ changes: [put(nodeKey(one.node), nodeDocument({ network: first.network }), "absent")] });
  await one.runtime.removeNetwork(first.network.name, { force: true }, signal);
  assert.deepEqual(await settle(one, "10.42.8.0/23"), first);
});

test("a damaged claim of a range that another node's document names stays that node's", async (t) => {
  const [one, two] = await machines(t, 2);
  assert.ok(one && two);
  const { network } = await settle(one, "10.42.8.0/23");
  await damage(one.store, network.range);
  const document = nodeDocument({ network });
  await one.store.commit({ changes: [put(nodeKey(two.node), document, "absent")] });
  const after = await settle(one, "10.42.8.0/23");
  assert.notEqual(after.network.range, network.range);
  assert.equal(after.isClaimed, true);
});

test("a store that is not followed takes no network away, and nothing is claimed in it", async (t) => {
  const [one] = await machines(t, 1);
  assert.ok(one);
  const { network } = await settle(one, "10.42.0.0/16");
  const older = await openStore(await fileIn(t), { create: true });
  t.after(() => older.close());
  await older.commit({ changes: [put(rangeKey(network.range), { node: "another" }, "absent")] });
  const moved = { ...one, store: older };
  const doubt = "the store is older than it was";
  assert.deepEqual(await settle(moved, "10.42.0.0/16", undefined, doubt), { network, isClaimed: false });
  assert.deepEqual(await settle(moved, "10.42.0.0/16", network.range, doubt), { network, isClaimed: true });
  // Its network is gone too: there it waits, rather than take a range on the word of that store.
  await one.runtime.removeNetwork(network.name, { force: true }, signal);
  await assert.rejects(settle(moved, "10.42.0.0/16", undefined, doubt), { code: "unavailable", message: /older than/ });
  assert.deepEqual([...(await claims(older)).values()], ["another"]);
  assert.notEqual((await settle(moved, "10.42.0.0/16")).network.range, network.range);
});
