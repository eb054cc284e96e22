// What doctor says of the ways to other nodes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRoutes } from "../../../src/cli/doctor/check-network.ts";
import type { NodeDocument } from "../../../src/model/node.ts";
import type { HostState } from "../../../src/worker/routes.ts";

const cluster = { id: "0a1b2c3d", networkRange: "10.42.0.0/16" };
const node = (number: number, problem?: string) => {
  const network = { name: "n", range: `10.42.${number}.0/24`, gateway: `10.42.${number}.1` };
  const address = `192.168.7.${number}`;
  return { address, network: problem === undefined ? network : { ...network, problem } } as NodeDocument;
};
const two = new Map([
  ["a", node(1)],
  ["b", node(2)],
]);
const mark = "-m comment --comment orchestra-0a1b2c3d";
const good: HostState = {
  routes: [{ range: "10.42.2.0/24", via: "192.168.7.2", from: "10.42.1.1" }],
  bridge: "br-1",
  rules: {
    accept: [`-s 10.42.0.0/16 -d 10.42.1.0/24 ${mark} -j ACCEPT`],
    nat: [`-s 10.42.1.0/24 -d 10.42.0.0/16 ! -o br-1 ${mark} -j ACCEPT`],
  },
};
const { bridge: _none, ...elsewhere } = good;

const cases = [
  { name: "a node that is alone has no ways to check", nodes: new Map([["a", node(1)]]), found: good, want: [] },
  { name: "all is there", nodes: two, found: good, want: ["ok: a way to the containers of 1 other node"] },
  {
    name: "a route is missing",
    nodes: two,
    found: { ...good, routes: [] },
    want: ["warn: there is no route to b (10.42.2.0/24)"],
  },
  {
    name: "a rule is missing",
    nodes: two,
    found: { ...good, rules: { ...good.rules, accept: ["-j RETURN"] } },
    want: ["warn: the firewall does not let other nodes' traffic to containers, or hides where it is from"],
  },
  {
    name: "the bridge is elsewhere",
    nodes: two,
    found: elsewhere,
    want: ["warn: the bridge of this node's network is not on this machine, or the network is gone"],
  },
  {
    name: "what the worker says comes first",
    nodes: new Map([...two, ["a", node(1, "routes need root")]]),
    found: { ...good, routes: [] },
    want: ["warn: routes need root"],
  },
];
for (const { name, nodes, found, want } of cases) {
  test(name, () => {
    const checks = checkRoutes({ cluster, node: "a", nodes, found });
    assert.deepEqual(
      checks.map(({ state, message }) => `${state}: ${message}`),
      want,
    );
  });
}
