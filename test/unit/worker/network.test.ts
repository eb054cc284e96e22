// Which part of the cluster range a node takes, and when it takes none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSubnet, routesIn, type TakenRange } from "../../../src/worker/network.ts";

const bridge = (range: string): TakenRange => ({ range, isBridge: true, name: `the Docker network ${range}` });
const route = (range: string): TakenRange => ({ range, isBridge: false, name: `the route ${range} of eth0` });

test("the gateway is the first address of a /24 within the range", () => {
  const choice = chooseSubnet({ clusterRange: "10.42.0.0/16", taken: [], seed: "seed" });
  assert.ok("range" in choice);
  assert.match(choice.range, /^10\.42\.\d+\.0\/24$/);
  assert.equal(choice.gateway, choice.range.replace("0/24", "1"));
});

test("what a bridge of this host has is not taken again, until nothing is left", () => {
  const taken: TakenRange[] = [];
  for (let at = 0; at < 4; at += 1) {
    const choice = chooseSubnet({ clusterRange: "10.42.4.0/22", taken: taken, seed: "seed" });
    assert.ok("range" in choice);
    assert.ok(!taken.some(({ range }) => range === choice.range));
    taken.push(bridge(choice.range));
  }
  assert.deepEqual(chooseSubnet({ clusterRange: "10.42.4.0/22", taken: taken, seed: "seed" }), {
    refused: "every /24 of the cluster range 10.42.4.0/22 is taken, by another node or on this host",
  });
});

test("the range of last time is taken again while it is free and the cluster's", () => {
  const choose = (last: string, taken: TakenRange[] = []) =>
    chooseSubnet({ clusterRange: "10.42.0.0/16", taken, seed: "seed", last });
  assert.deepEqual(choose("10.42.200.0/24"), { range: "10.42.200.0/24", gateway: "10.42.200.1" });
  assert.deepEqual(choose("10.42.255.0/24", [bridge("10.42.255.0/24")]), {
    range: "10.42.0.0/24",
    gateway: "10.42.0.1",
  });
  for (const last of ["10.43.0.0/24", "10.42.0.0/16", "10.42.1.0/25", "nonsense"]) {
    assert.deepEqual(choose(last), chooseSubnet({ clusterRange: "10.42.0.0/16", taken: [], seed: "seed" }), last);
  }
});

const cases = [
  { name: "a route inside it", met: route("10.42.7.0/24"), refused: /meets the route 10\.42\.7\.0\/24 of eth0/ },
  { name: "a route around it", met: route("10.0.0.0/8"), refused: /meets the route 10\.0\.0\.0\/8/ },
  { name: "the default route", met: route("0.0.0.0/0"), refused: undefined },
  { name: "a route elsewhere", met: route("192.168.0.0/16"), refused: undefined },
];
for (const { name, met, refused } of cases) {
  test(`a cluster range and ${name}: ${refused ? "refused" : "fine"}`, () => {
    const choice = chooseSubnet({ clusterRange: "10.42.0.0/16", taken: [met], seed: "seed" });
    assert.equal("refused" in choice, refused !== undefined);
    if (refused && "refused" in choice) assert.match(choice.refused, refused);
  });
}

for (const range of ["10.42.0.0/25", "10.42.0.0", "fd00::/64", "10.300.0.0/16", ""]) {
  test(`"${range}" holds no /24`, () =>
    assert.ok("refused" in chooseSubnet({ clusterRange: range, taken: [], seed: "seed" })));
}

test("the kernel's table of routes is read as it is written", () => {
  const table = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
  ].join("\n");
  assert.deepEqual(
    routesIn(table).map(({ range, isBridge }) => `${range} ${isBridge}`),
    ["0.0.0.0/0 false", "172.17.0.0/16 true", "192.0.2.0/24 false"],
  );
  assert.deepEqual(routesIn(""), []);
});
