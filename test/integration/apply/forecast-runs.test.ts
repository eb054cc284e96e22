// What the plan says is what a run of the real loops does: a master and workers on random nodes, with random sets of manifests one after another.
// The consequences are those that diff shows; the run is a real one, commit by commit, and every state on the way is looked at.
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Master } from "../../../src/master/master.ts";
import { nodeControlKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { anyNodes, nextShop, oneOf, type Shop } from "../../support/any-shop.ts";
import { act } from "../../support/builders.ts";
import { type MemoryHost, memoryCluster } from "../../support/memory-cluster.ts";
import { author } from "../../support/plans.ts";
import { randomOf, roundsOf, seed } from "../../support/rounds.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { calm, compareRun, inStep, runApply } from "../../support/told-and-done.ts";

const clusters = roundsOf({ test: 4, soak: 200 });
const applies = 4;

const ways = [
  { name: "a master that looks when its workers are done with all of it", keepsStep: true },
  { name: "a master that looks whenever something changes", keepsStep: false },
];
for (const { name, keepsStep } of ways) {
  test(`${name}: what ${clusters} clusters do is what their plans have said (seed ${seed})`, async (t) => {
    for (let round = 0; round < clusters; round += 1) {
      const random = randomOf(`told and done ${keepsStep} ${round}`);
      await t.test(`cluster ${round}`, (own) => oneCluster(own, random, keepsStep));
    }
  });
}

async function oneCluster(t: TestContext, random: () => number, keepsStep: boolean): Promise<void> {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const cluster = await memoryCluster(t, url);
  const { store } = cluster;
  // Where workers keep no step, who gets the place that another leaves depends on who leaves first.
  const choices = { random, room: !keepsStep };
  const through = keepsStep ? inStep : (one: Store) => one;
  const lead = () => cluster.master({ connect: async () => through(await openStore(url, { create: true, own: {} })) });
  const hosts: MemoryHost[] = [];
  for (const { name, ...facts } of anyNodes(choices)) hosts.push(await cluster.host(name, facts));
  let master = await lead();
  let shop: Shop = new Map();
  const who = author();
  for (let round = 0; round < applies; round += 1) {
    if (round > 0) await disturb(store, hosts, random);
    await calm(store);
    shop = nextShop(shop, choices);
    const runsNothing = random() < 0.2;
    if (runsNothing) await stopAll(master, hosts);
    const written = async () => {
      if (runsNothing) master = await startAll(hosts, lead);
    };
    compareRun(await runApply(store, { shop, who, written }), { keepsStep, shop });
  }
}

/** Nodes are cordoned and given back, leave and come back; one at least is there. */
async function disturb(store: Store, hosts: readonly MemoryHost[], random: () => number): Promise<void> {
  const stays = oneOf(random, ...hosts);
  for (const host of hosts) {
    const word = oneOf(random, "cordon", "uncordon", "leave", "none", "none", "none");
    const returns = random() < 0.7;
    if (word === "leave" && host !== stays) await host.leave();
    else if (returns || host === stays) await host.comeBack();
    if (word !== "cordon" && word !== "uncordon") continue;
    const key = nodeControlKey(host.name);
    const said = await store.read(key);
    const value = word === "cordon" ? { cordoned: act } : {};
    await store.commit({ changes: [put(key, value, said?.version ?? "absent")] });
  }
}

async function stopAll(master: Master, hosts: readonly MemoryHost[]): Promise<void> {
  await master.close();
  for (const host of hosts) await host.leave();
}

/** All of them are there before anything is placed, as the plan takes it. */
async function startAll(hosts: readonly MemoryHost[], lead: () => Promise<Master>): Promise<Master> {
  for (const host of hosts) await host.comeBack();
  return lead();
}
