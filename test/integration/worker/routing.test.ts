// The loop that keeps routes, on a real store and a host that is a list: what it says, what it leaves alone, and what it does not do twice.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { nodeKey, placementsKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, remove, type Snapshot, type Store } from "../../../src/store/store.ts";
import type { HostNetwork, Route, RouteStep } from "../../../src/worker/routes.ts";
import { startRouting } from "../../../src/worker/routing.ts";
import { node } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const cluster = { id: "0a1b2c3d", networkRange: "10.42.0.0/16" };
const networkOf = (number: number) => ({
  name: "orchestra-0a1b2c3d",
  range: `10.42.${number}.0/24`,
  gateway: `10.42.${number}.1`,
});

interface Host extends HostNetwork {
  routes: Route[];
  looks: number;
  /** What the next steps fail with. */
  failure: string | undefined;
}

function openHost(): Host {
  return {
    routes: [],
    looks: 0,
    failure: undefined,
    taken: async () => [],
    async look() {
      this.looks += 1;
      return { routes: this.routes, bridge: "br-1", rules: {} };
    },
    async perform(step: RouteStep) {
      if (this.failure !== undefined) throw new Error(this.failure);
      if (step.do === "set-route") this.routes = [...this.routes, step.route];
      if (step.do === "remove-route") this.routes = this.routes.filter(({ range }) => range !== step.route.range);
    },
  };
}

async function open(t: TestContext, trusts = (snapshot: Snapshot) => snapshot.fresh) {
  const store = await openStore(`file:${join(await tempFolder(t), "store.db")}`, { create: true });
  t.after(() => store.close());
  await come(store, 1);
  const host = openHost();
  const said: (string | undefined)[] = [];
  let forgotten = 0;
  let unseen = 0;
  let passes = 0;
  const routing = startRouting({
    store,
    host,
    node: "node-1",
    cluster,
    network: () => {
      passes += 1;
      return networkOf(1);
    },
    trusts,
    onProblem: (problem) => void said.push(problem),
    onForgotten: () => {
      forgotten += 1;
    },
    onUnseen: () => {
      unseen += 1;
    },
    clock: systemClock,
    log: silentLog,
  });
  t.after(() => routing.close());
  return { store, host, said, routing, forgotten: () => forgotten, unseen: () => unseen, passes: () => passes };
}

function come(store: Store, number: number) {
  const document = { ...node(), address: `192.168.7.${number}`, network: networkOf(number) };
  return store.commit({ changes: [put(nodeKey(`node-${number}`), document, "absent")] });
}

async function go(store: Store, number: number) {
  const key = nodeKey(`node-${number}`);
  const found = await store.read(key);
  await store.commit({ changes: [remove(key, found?.version ?? 0)] });
}

test("a route comes with a node and goes with it; a node that is alone looks once", async (t) => {
  const { store, host, routing, passes } = await open(t);
  await eventually("a look", () => host.looks === 1);
  routing.wake();
  await eventually("another pass", () => passes() === 2);
  assert.equal(host.looks, 1);
  await come(store, 2);
  await eventually("a route", () => host.routes.length === 1);
  assert.deepEqual(host.routes, [{ range: "10.42.2.0/24", via: "192.168.7.2", from: "10.42.1.1" }]);
  await go(store, 2);
  await eventually("no route", () => host.routes.length === 0);
});

test("placements that change are no reason to look", async (t) => {
  const { store, host, passes } = await open(t);
  await come(store, 2);
  await eventually("a route", () => host.routes.length === 1);
  const [before, looks] = [passes(), host.looks];
  await store.commit({ changes: [put(placementsKey("node-1"), { count: 1, placements: [] }, "absent")] });
  await eventually("a pass", () => passes() > before);
  const { network: _none, ...starting } = node();
  await store.commit({ changes: [put(nodeKey("node-4"), starting, "absent")] });
  await eventually("another", () => passes() > before + 1);
  assert.equal(host.looks, looks);
});

test("without rights the reason is said once, and that it has gone when they are there", async (t) => {
  const { store, host, said, routing } = await open(t);
  host.failure = "RTNETLINK answers: Operation not permitted";
  await come(store, 2);
  await come(store, 3);
  await eventually("it is said", () => said.length > 0);
  const looks = host.looks;
  routing.wake();
  await eventually("another look", () => host.looks > looks);
  assert.deepEqual(said, ["routes need root: containers here do not reach those of other nodes"]);
  host.failure = undefined;
  routing.wake();
  await eventually("it is over", () => said.length === 2);
  assert.equal(said[1], undefined);
  assert.equal(host.routes.length, 2);
});

test("on the word of a store that is not trusted no route goes, and one that is lost comes back", async (t) => {
  let isTrusted = true;
  const { store, host, routing, forgotten, unseen } = await open(t, () => isTrusted);
  await come(store, 2);
  await come(store, 3);
  await eventually("routes", () => host.routes.length === 2);
  isTrusted = false;
  await go(store, 2);
  await go(store, 1);
  host.routes = host.routes.filter(({ range }) => range !== "10.42.3.0/24");
  routing.wake();
  await eventually("the lost one is back", () => host.routes.length === 2);
  assert.deepEqual([forgotten(), unseen()], [0, 1]);
  isTrusted = true;
  routing.wake();
  await eventually("what the store has of this node is settled anew", () => forgotten() === 1);
});

test("a node that is forgotten and here is told so once", async (t) => {
  const { store, host, forgotten } = await open(t);
  await eventually("a look", () => host.looks > 0);
  await go(store, 1);
  await eventually("it is told", () => forgotten() === 1);
  await come(store, 1);
  await come(store, 2);
  await eventually("a route", () => host.routes.length === 1);
  assert.equal(forgotten(), 1);
});
