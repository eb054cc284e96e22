// Each filter: what it refuses, and what it says about it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { explain, explanationText, refusalTexts } from "../../../src/scheduler/explain.ts";
import { noDemand, occupy, openRoom, type PodGroup, type RoomNode } from "../../../src/scheduler/room.ts";
import { schedule } from "../../../src/scheduler/scheduler.ts";
import { node } from "../../support/builders.ts";

const mebibyte = 1024 ** 2;
const roomNode = (fields: Parameters<typeof node>[0] = {}, others: Partial<RoomNode> = {}): RoomNode => ({
  document: node(fields),
  present: true,
  cordoned: false,
  engine: true,
  ...others,
});
const asks = (fields: Partial<PodGroup> = {}): PodGroup => ({
  deployment: "web",
  revision: "r",
  demand: noDemand,
  rules: {},
  pods: ["p"],
  ...fields,
});
const wants = (resources: Partial<PodGroup["demand"]["resources"]>, port?: string): PodGroup =>
  asks({
    demand: {
      resources: { ...noDemand.resources, ...resources },
      hostPorts: port === undefined ? [] : [{ port, ip: "0.0.0.0" }],
    },
  });
const small = { capacity: { cpuMilli: 1_000, memoryBytes: 300 * mebibyte + 5, pids: 50 } };

const cases: { name: string; node: RoomNode; group: PodGroup; there?: PodGroup; want: string; line: string }[] = [
  {
    name: "present",
    node: roomNode({}, { present: false }),
    group: asks(),
    want: "1 absent",
    line: "its worker is not there",
  },
  {
    name: "engine",
    node: roomNode({}, { engine: false }),
    group: asks(),
    want: "1 with a silent engine",
    line: "its engine is silent",
  },
  { name: "cordon", node: roomNode({}, { cordoned: true }), group: asks(), want: "1 cordoned", line: "cordoned" },
  {
    name: "platform",
    node: roomNode({ platform: { os: "windows", arch: "amd64" } }),
    group: asks(),
    want: "1 that cannot run linux containers",
    line: "runs windows containers, not linux",
  },
  {
    name: "nodeSelector",
    node: roomNode({ labels: { disk: "hdd" } }),
    group: asks({ rules: { nodeSelector: { disk: "ssd", zone: "a" } } }),
    want: "1 without the labels of nodeSelector",
    line: "label disk=ssd wanted, it has disk=hdd; label zone=a wanted, it has no zone",
  },
  {
    name: "hostPort",
    node: roomNode(),
    there: { ...wants({}, "TCP/80"), deployment: "db" },
    group: wants({}, "TCP/80"),
    want: "1 whose host port is taken",
    line: "host port TCP/80 is held by db",
  },
  {
    name: "maxPerNode",
    node: roomNode(),
    there: asks(),
    group: asks({ rules: { maxPerNode: 1 } }),
    want: "1 with maxPerNode pods already; 1 other has found room",
    line: "maxPerNode 1, 1 there",
  },
  {
    name: "cpu",
    node: roomNode(small),
    group: wants({ cpuMilli: 1_500 }),
    want: "1 without enough free cpu",
    line: "cpu 1500m wanted, 1 free",
  },
  {
    name: "memory",
    node: roomNode(small),
    group: wants({ memoryBytes: 512 * mebibyte }),
    want: "1 without enough free memory",
    line: "memory 512Mi wanted, 300Mi free",
  },
  {
    name: "pids",
    node: roomNode(small),
    group: wants({ pids: 51 }),
    want: "1 without enough free pids",
    line: "pids 51 wanted, 50 free",
  },
  {
    name: "addresses",
    node: roomNode({ network: { name: "o", range: "10.42.0.0/30", gateway: "10.42.0.1" } }),
    there: wants({}),
    group: asks({ deployment: "db" }),
    want: "1 without a free address",
    line: "all 1 addresses of its network are taken",
  },
];

for (const { name, node: one, group, there, want, line } of cases) {
  test(`${name} refuses, and says what is missing`, () => {
    const room = openRoom(new Map([["w1", one]]));
    if (there) occupy(room, { ...there, pod: "p", node: "w1", stopping: false });
    const explanation = explain(room, group);
    assert.equal(explanationText(explanation), `fits on none of 1 node: ${want}`);
    assert.deepEqual(refusalTexts(explanation), [`w1: ${line}`]);
    assert.deepEqual(schedule(room, group).unplaced, ["p"]);
  });
}

test("the commonest reason comes first, and each node is counted once", () => {
  const nodes = { w1: roomNode(small), w2: roomNode(small), w3: roomNode(small, { cordoned: true }) };
  const explanation = explain(openRoom(new Map(Object.entries(nodes))), wants({ memoryBytes: 512 * mebibyte }));
  assert.equal(explanationText(explanation), "fits on none of 3 nodes: 2 without enough free memory, 1 cordoned");
  assert.equal(refusalTexts(explanation)[2], "w3: cordoned; memory 512Mi wanted, 300Mi free");
});

test("without any node it is said how to start one", () => {
  assert.equal(
    explanationText(explain(openRoom(new Map()), asks())),
    "no node has registered yet: start one with `orchestra up`",
  );
});

test("a stopping pod keeps its room and its port, but is no longer counted for maxPerNode", () => {
  const room = openRoom(new Map([["w1", roomNode()]]));
  occupy(room, { ...wants({}, "TCP/80"), pod: "p", node: "w1", stopping: true });
  assert.deepEqual(schedule(room, wants({}, "TCP/80")).unplaced, ["p"]);
  assert.deepEqual(schedule(room, asks({ rules: { maxPerNode: 1 }, pods: ["q"] })).unplaced, []);
});

test("ports on different addresses of a host do not meet", () => {
  const on = (ip: string, pod: string) =>
    asks({ demand: { ...noDemand, hostPorts: [{ port: "TCP/80", ip }] }, pods: [pod] });
  const room = openRoom(new Map([["w1", roomNode()]]));
  const unplaced = [on("10.0.0.1", "a"), on("10.0.0.2", "b"), on("10.0.0.1", "c"), on("0.0.0.0", "d")].flatMap(
    (group) => schedule(room, group).unplaced,
  );
  assert.deepEqual(unplaced, ["c", "d"]);
});

test("pods spread first, then fill the emptiest node, then go by name", () => {
  const nodes = { w1: roomNode(), w2: roomNode(), w3: roomNode(small) };
  const room = openRoom(new Map(Object.entries(nodes)));
  const group = { ...wants({ memoryBytes: 100 * mebibyte }), pods: ["a", "b", "c", "d"] };
  assert.deepEqual([...schedule(room, group).placed.values()], ["w1", "w2", "w3", "w1"]);
  const close = { ...group, deployment: "db", rules: { spread: "none" as const }, pods: ["e", "f", "g"] };
  assert.deepEqual([...schedule(room, close).placed.values()], ["w2", "w1", "w2"]);
});
