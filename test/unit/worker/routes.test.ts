// Which routes and rules a host needs for the containers of other nodes, and what is done about what it has.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeDocument } from "../../../src/model/node.ts";
import {
  type HostState,
  noRoutes,
  type Peer,
  peersOf,
  problemOf,
  type RouteStep,
  routeMetric,
  routesOf,
} from "../../../src/worker/routes.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";

const cluster = { id: "0a1b2c3d", networkRange: "10.42.0.0/16" };
const own = { name: "orchestra-0a1b2c3d", range: "10.42.1.0/24", gateway: "10.42.1.1" };
const peer = (number: number): Peer => ({
  name: `node-${number}`,
  address: `192.168.7.${number}`,
  range: `10.42.${number}.0/24`,
});
const route = (number: number, via = `192.168.7.${number}`) => ({
  range: `10.42.${number}.0/24`,
  via,
  from: "10.42.1.1",
});
const mark = "-m comment --comment orchestra-0a1b2c3d";
const accept = `-s 10.42.0.0/16 -d 10.42.1.0/24 ${mark} -j ACCEPT`;
const nat = `-s 10.42.1.0/24 -d 10.42.0.0/16 ! -o br-1 ${mark} -j ACCEPT`;
const masquerade = "-s 10.42.1.0/24 ! -o br-1 -j MASQUERADE";
const foreign = "-s 10.42.0.0/16 -m comment --comment orchestra-0a1b2c3dd -j ACCEPT";
const bare: HostState = { routes: [], bridge: "br-1", rules: { accept: ["-j RETURN"], nat: [masquerade] } };
const done: HostState = {
  routes: [route(2)],
  bridge: "br-1",
  rules: { accept: [accept, "-j RETURN"], nat: [nat, masquerade] },
};
const steps = (peers: readonly Peer[], found: HostState, mayRemove = true) =>
  routesOf({ cluster, own, peers, found, mayRemove }).map(words);

function words(step: RouteStep): string {
  if (step.do === "set-route" || step.do === "remove-route") return `${step.do} ${step.route.range} ${step.route.via}`;
  return `${step.do} ${step.chain} ${step.rule}`;
}

const cases: readonly {
  readonly name: string;
  readonly peers: readonly Peer[];
  readonly found: HostState;
  readonly mayRemove?: false;
  readonly want: readonly string[];
}[] = [
  { name: "a node that is alone needs nothing", peers: [], found: bare, want: [] },
  {
    name: "another node gets a route, and its traffic is let in and leaves as it is",
    peers: [peer(2)],
    found: bare,
    want: ["set-route 10.42.2.0/24 192.168.7.2", `insert-rule accept ${accept}`, `insert-rule nat ${nat}`],
  },
  { name: "what is there is not set again", peers: [peer(2)], found: done, want: [] },
  {
    name: "what somebody deleted is set again, without the store's word too",
    peers: [peer(2)],
    found: { ...done, routes: [] },
    mayRemove: false,
    want: ["set-route 10.42.2.0/24 192.168.7.2"],
  },
  {
    name: "a node that has moved is found where it is now",
    peers: [{ ...peer(2), address: "192.168.7.9" }],
    found: done,
    want: ["set-route 10.42.2.0/24 192.168.7.9"],
  },
  {
    name: "with a node its route goes, and with the last one the rules",
    peers: [],
    found: done,
    want: [`delete-rule accept ${accept}`, `delete-rule nat ${nat}`, "remove-route 10.42.2.0/24 192.168.7.2"],
  },
  {
    name: "nothing goes or is led elsewhere on the word of a store that is not trusted",
    peers: [{ ...peer(2), address: "192.168.7.9" }],
    found: { ...done, routes: [route(2), route(3)] },
    mayRemove: false,
    want: [],
  },
  { name: "without the store rules stay too", peers: [], found: done, mayRemove: false, want: [] },
  {
    name: "a rule that Docker has put its own in front of takes the first place again",
    peers: [peer(2)],
    found: { ...done, rules: { ...done.rules, nat: [masquerade, nat] } },
    want: [`delete-rule nat ${nat}`, `insert-rule nat ${nat}`],
  },
  {
    name: "rules for a network that was made anew replace the old ones",
    peers: [peer(2)],
    found: { ...done, bridge: "br-2", rules: { ...done.rules, accept: [accept, "-j RETURN"] } },
    want: [`delete-rule nat ${nat}`, `insert-rule nat ${nat.replace("br-1", "br-2")}`],
  },
  {
    name: "where Docker has no chain to let traffic in, it drops none",
    peers: [peer(2)],
    found: { ...done, rules: { nat: [nat] } },
    want: [],
  },
  {
    name: "where the bridge is on another machine, nothing is set",
    peers: [peer(2)],
    found: { routes: [], rules: bare.rules },
    want: [],
  },
];
for (const { name, peers, found, mayRemove = true, want } of cases) {
  test(name, () => assert.deepEqual(steps(peers, found, mayRemove), want));
}

test("everything of ours goes, and nothing else", () => {
  const found = { ...done, rules: { accept: [foreign, accept, "-j RETURN"], nat: [nat, foreign, masquerade] } };
  assert.deepEqual(noRoutes(cluster.id, found).map(words), [
    `delete-rule accept ${accept}`,
    `delete-rule nat ${nat}`,
    "remove-route 10.42.2.0/24 192.168.7.2",
  ]);
});

test("peers are the nodes on other hosts: not this one, nor one that shares its address or range, nor one without a network", () => {
  const node = (address: string, range?: string) =>
    ({ address, ...(range ? { network: { name: "n", range, gateway: "g" } } : {}) }) as NodeDocument;
  const nodes = new Map([
    ["a", node("192.168.7.1", own.range)],
    ["b", node("192.168.7.2", "10.42.2.0/24")],
    ["same-host", node("192.168.7.1", "10.42.3.0/24")],
    ["same-engine", node("192.168.7.4", own.range)],
    ["no-network", node("192.168.7.5")],
    ["nowhere", node("127.0.0.1", "10.42.6.0/24")],
    ["b-again", node("192.168.7.2", "10.42.2.0/24")],
  ]);
  assert.deepEqual(peersOf(nodes, "a", own), [{ name: "b", address: "192.168.7.2", range: "10.42.2.0/24" }]);
});

test("clusters on one host have different metrics, and none has the kernel's own", () => {
  assert.ok(
    ["00000000", "ffffffff", "0fffffff", "0a1b2c3d"].every((id) => routeMetric(id) > 0 && routeMetric(id) < 2 ** 31),
  );
  assert.notEqual(routeMetric("0a1b2c3d"), routeMetric("0a1b2c3e"));
});

const problems = [
  { text: "RTNETLINK answers: Operation not permitted", says: /routes need root/ },
  { text: "spawn ip ENOENT", says: /the program ip \(iproute2\) is missing/ },
  { text: "Error: Nexthop has invalid gateway.", says: /node-2 \(192\.168\.7\.2\) is on no network of this host/ },
  { text: "something else", says: /set route: something else/ },
];
for (const { text, says } of problems) {
  test(`"${text}" is told as what it means`, () =>
    assert.match(problemOf({ do: "set-route", route: route(2), node: "node-2" }, text), says));
}

test(`whatever a host has, after the steps none are left to do (${rounds} rounds, seed ${seed})`, () => {
  const random = randomOf("routes");
  const some = <T>(all: readonly T[]) => all.filter(() => random() < 0.5);
  for (let round = 0; round < rounds * 20; round += 1) {
    const peers = some([2, 3, 4, 5].map(peer));
    const found: HostState = {
      routes: some([route(2), route(3, "192.168.7.77"), route(6), route(7)]),
      ...(random() < 0.9 ? { bridge: random() < 0.5 ? "br-1" : "br-2" } : {}),
      rules: { accept: some([foreign, accept, "-j RETURN"]), nat: some([foreign, masquerade, nat, nat]) },
    };
    const after = routesOf({ cluster, own, peers, found, mayRemove: true }).reduce(carryOut, found);
    assert.deepEqual(
      routesOf({ cluster, own, peers, found: after, mayRemove: true }),
      [],
      `seed ${seed}, round ${round}`,
    );
    const others = (state: HostState) =>
      Object.values(state.rules).flatMap((rules) => rules?.filter((rule) => !rule.includes(`${mark} `)));
    assert.deepEqual(others(after), others(found));
    if (found.bridge)
      assert.deepEqual(after.routes.map(({ range }) => range).sort(), peers.map(({ range }) => range).sort());
  }
});

/** What the kernel would have after a step. */
function carryOut(state: HostState, step: RouteStep): HostState {
  if (step.do === "set-route" || step.do === "remove-route") {
    const others = state.routes.filter(({ range }) => range !== step.route.range);
    return { ...state, routes: step.do === "set-route" ? [...others, step.route] : others };
  }
  const chain = state.rules[step.chain] ?? [];
  const at = chain.indexOf(step.rule);
  const rules = step.do === "insert-rule" ? [step.rule, ...chain] : chain.filter((_, index) => index !== at);
  return { ...state, rules: { ...state.rules, [step.chain]: rules } };
}
