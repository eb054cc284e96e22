// What is said to make a pod fit does.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCpu, parseMemory } from "../../../src/model/quantity.ts";
import { explain } from "../../../src/scheduler/explain.ts";
import {
  noDemand,
  type Occupant,
  occupy,
  openRoom,
  type PodGroup,
  type RoomNode,
} from "../../../src/scheduler/room.ts";
import { node } from "../../support/builders.ts";
import { rounds, seed } from "../../support/rounds.ts";

const mebibyte = 1024 ** 2;
const roomNode = (fields: Parameters<typeof node>[0] = {}, others: Partial<RoomNode> = {}): RoomNode => ({
  document: node(fields),
  present: true,
  cordoned: false,
  engine: true,
  ...others,
});
const group = (fields: Partial<PodGroup> = {}): PodGroup => ({
  deployment: "web",
  revision: "r",
  demand: noDemand,
  rules: {},
  pods: ["p"],
  ...fields,
});
const wants = (resources: Partial<PodGroup["demand"]["resources"]>, rules: PodGroup["rules"] = {}): PodGroup =>
  group({ demand: { resources: { ...noDemand.resources, ...resources }, hostPorts: [] }, rules });
const onPort: Pick<PodGroup, "demand"> = { demand: { ...noDemand, hostPorts: [{ port: "TCP/80", ip: "0.0.0.0" }] } };
const small = { cpuMilli: 1_000, memoryBytes: 300 * mebibyte + 5, pids: 50 };

const cases: { name: string; nodes: RoomNode[]; there?: Partial<Occupant>; group: PodGroup; want: string }[] = [
  {
    name: "cpu, on the node that lacks least",
    nodes: [roomNode({ capacity: small }), roomNode({ capacity: { ...small, cpuMilli: 1_300 } })],
    group: wants({ cpuMilli: 1_500 }),
    want: "one more fits on n2 with 200m more cpu",
  },
  {
    name: "memory, rounded up, and pids",
    nodes: [roomNode({ capacity: small })],
    group: wants({ memoryBytes: 400 * mebibyte, pids: 60 }),
    want: "one more fits on n1 with 100Mi more memory and 10 more pids",
  },
  {
    name: "resources on a node with the label rather than the label on another",
    nodes: [roomNode(), roomNode({ labels: { disk: "ssd" }, capacity: small })],
    group: wants({ cpuMilli: 1_500 }, { nodeSelector: { disk: "ssd" } }),
    want: "one more fits on n2 with 500m more cpu",
  },
  {
    name: "a label",
    nodes: [roomNode({ labels: { zone: "a" } })],
    group: group({ rules: { nodeSelector: { disk: "ssd", zone: "a" } } }),
    want: "one more fits on n1 with the label disk=ssd",
  },
  {
    name: "the cordon rather than a worker that is away",
    nodes: [roomNode({}, { present: false }), roomNode({}, { cordoned: true })],
    group: group(),
    want: "one more fits on n2 with its cordon lifted",
  },
  {
    name: "a host port that another Deployment holds",
    nodes: [roomNode()],
    there: { deployment: "db", ...onPort },
    group: group(onPort),
    want: "one more fits on n1 with host port TCP/80 given up by db",
  },
  {
    name: "another node, where a pod of its own holds the port",
    nodes: [roomNode({ labels: { disk: "ssd" } })],
    there: onPort,
    group: group({ ...onPort, rules: { nodeSelector: { disk: "ssd" } } }),
    want: "one more fits on another node with the label disk=ssd",
  },
  {
    name: "maxPerNode",
    nodes: [roomNode()],
    there: {},
    group: group({ rules: { maxPerNode: 1 } }),
    want: "one more fits on n1 with maxPerNode 2",
  },
];
for (const { name, nodes, there, group: asked, want } of cases) {
  test(`what makes a pod fit: ${name}`, () => {
    const room = openRoom(new Map(nodes.map((one, index) => [`n${index + 1}`, one])));
    const { deployment, revision, demand } = group();
    if (there) occupy(room, { pod: "old", node: "n1", deployment, revision, demand, stopping: false, ...there });
    assert.equal(explain(room, asked).remedy, want);
  });
}

test("where a pod fits, or no node is there, nothing has to change", () => {
  assert.equal(explain(openRoom(new Map([["n1", roomNode()]])), group()).remedy, undefined);
  assert.equal(explain(openRoom(new Map()), group()).remedy, undefined);
});

const anyNode: fc.Arbitrary<RoomNode> = fc
  .record({
    cpuMilli: fc.constantFrom(500, 1000),
    memoryBytes: fc.constantFrom(100 * mebibyte, 300 * mebibyte + 5),
    pids: fc.constantFrom(0, 100),
    disk: fc.constantFrom("ssd", "hdd"),
    range: fc.constantFrom("10.42.0.0/24", "10.42.0.0/30"),
    present: fc.constantFrom(true, true, false),
    cordoned: fc.constantFrom(false, false, true),
    engine: fc.constantFrom(true, true, false),
  })
  .map(({ disk, range, present, cordoned, engine, ...capacity }) =>
    roomNode(
      { capacity, labels: { disk }, network: { name: "o", range, gateway: "10.42.0.1" } },
      { present, cordoned, engine },
    ),
  );
const anyGroup = fc
  .record({
    deployment: fc.constantFrom("a", "b"),
    cpuMilli: fc.constantFrom(0, 333, 700),
    memoryBytes: fc.constantFrom(0, 100_000_007),
    pids: fc.constantFrom(0, 60),
    ported: fc.boolean(),
    rules: fc.record({ nodeSelector: fc.constant({ disk: "ssd" }), maxPerNode: fc.constant(1) }, { requiredKeys: [] }),
  })
  .map(({ deployment, ported, rules, ...resources }) =>
    group({ deployment, rules, demand: { resources, hostPorts: ported ? onPort.demand.hostPorts : [] } }),
  );

test("with the change that is named the pod fits on that node", () => {
  fc.assert(
    fc.property(
      fc.array(anyNode, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(anyGroup, fc.nat(2)), { maxLength: 4 }),
      anyGroup,
      (list, others, asked) => {
        const nodes = new Map(list.map((one, index) => [`n${index}`, one]));
        const occupants = others.map(([{ deployment, revision, demand }, on], index) => {
          const at = `n${on % list.length}`;
          return { pod: `p${index}`, node: at, deployment, revision, demand, stopping: false };
        });
        const room = openRoom(nodes);
        for (const occupant of occupants) occupy(room, occupant);
        const { remedy } = explain(room, asked);
        const [, name = "", changes] = /^one more fits on (n\d) with (.*)$/.exec(remedy ?? "") ?? [];
        const one = nodes.get(name);
        if (!one || changes === undefined) return;
        const mended = mend(changes, { node: one, group: asked, occupants });
        const after = openRoom(new Map(nodes).set(name, mended.node));
        for (const occupant of mended.occupants) occupy(after, occupant);
        const refusal = explain(after, mended.group).refusals.find(({ node: refusing }) => refusing === name);
        assert.equal(refusal, undefined, remedy);
      },
    ),
    { numRuns: rounds * 20, seed },
  );
});

interface Scene {
  readonly node: RoomNode;
  readonly group: PodGroup;
  readonly occupants: readonly Occupant[];
}

/** Does what the sentence says. */
function mend(changes: string, { node: one, group: asked, occupants }: Scene): Scene {
  const { document } = one;
  const { capacity } = document;
  const said = (pattern: RegExp) => pattern.exec(changes)?.[1];
  const [cpu, memory, pids] = [said(/(\S+) more cpu/), said(/(\S+) more memory/), said(/(\d+) more pids/)];
  const [label, most, holder] = [said(/label disk=(\w+)/), said(/maxPerNode (\d+)/), said(/given up by (\w+)/)];
  return {
    node: {
      document: {
        ...document,
        labels: label === undefined ? document.labels : { disk: label },
        capacity: {
          cpuMilli: capacity.cpuMilli + (cpu === undefined ? 0 : (parseCpu(cpu) ?? Number.NaN)),
          memoryBytes: capacity.memoryBytes + (memory === undefined ? 0 : (parseMemory(memory) ?? Number.NaN)),
          pids: capacity.pids + Number(pids ?? 0),
        },
        ...(changes.includes("a free address")
          ? { network: { name: "o", range: "10.42.0.0/24", gateway: "10.42.0.1" } }
          : {}),
      },
      present: one.present || changes.includes("worker there"),
      cordoned: one.cordoned && !changes.includes("cordon lifted"),
      engine: one.engine || changes.includes("engine answering"),
    },
    group: most === undefined ? asked : { ...asked, rules: { ...asked.rules, maxPerNode: Number(most) } },
    occupants: occupants.map((occupant) =>
      occupant.deployment === holder ? { ...occupant, demand: { ...occupant.demand, hostPorts: [] } } : occupant,
    ),
  };
}
