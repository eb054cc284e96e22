import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openRoom, type PodGroup, type RoomNode } from "../../../src/scheduler/room.ts";
import { schedule } from "../../../src/scheduler/scheduler.ts";
import { node } from "../../support/builders.ts";
import { naiveNodes, naiveSchedule } from "../../support/naive-scheduler.ts";
import { rounds, seed } from "../../support/rounds.ts";

const mebibyte = 1024 ** 2;
const roomNode: fc.Arbitrary<RoomNode> = fc
  .record({
    cpuMilli: fc.constantFrom(500, 1000, 4000),
    memoryBytes: fc.constantFrom(256 * mebibyte, 512 * mebibyte, 4096 * mebibyte),
    pids: fc.constantFrom(0, 0, 100),
    disk: fc.constantFrom("ssd", "hdd"),
    os: fc.constantFrom("linux", "linux", "linux", "windows"),
    range: fc.constantFrom(undefined, "10.42.0.0/24", "10.42.0.0/29"),
    present: fc.constantFrom(true, true, true, false),
    cordoned: fc.constantFrom(false, false, false, true),
    engine: fc.constantFrom(true, true, true, false),
  })
  .map(({ disk, os, range, present, cordoned, engine, ...capacity }) => {
    const { network: _network, ...document } = node({ capacity, labels: { disk }, platform: { os, arch: "amd64" } });
    const network = range === undefined ? {} : { network: { name: "o", range, gateway: "10.42.0.1" } };
    return { document: { ...document, ...network }, present, cordoned, engine };
  });
const hostPort = fc.record({
  port: fc.constantFrom("TCP/80", "TCP/81"),
  ip: fc.constantFrom("0.0.0.0", "10.0.0.1", "10.0.0.2"),
});
const group = fc.record({
  deployment: fc.constantFrom("a", "b", "c"),
  revision: fc.constantFrom("r1", "r2"),
  resources: fc.record({
    cpuMilli: fc.constantFrom(0, 100, 333),
    memoryBytes: fc.constantFrom(0, 64 * mebibyte, 100_000_007),
    pids: fc.constantFrom(0, 10),
  }),
  hostPorts: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(hostPort, { maxLength: 2 }) },
  ),
  rules: fc.record(
    {
      nodeSelector: fc.constant({ disk: "ssd" }),
      spread: fc.constant("none" as const),
      maxPerNode: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: [] },
  ),
  count: fc.nat(12),
});

test("placing a group at once gives the choices that each pod would make by looking at all nodes", () => {
  fc.assert(
    fc.property(fc.array(roomNode, { maxLength: 8 }), fc.array(group, { maxLength: 8 }), (list, groups) => {
      const nodes = new Map(list.map((one, index) => [`n${index}`, one]));
      const room = openRoom(nodes);
      const naive = naiveNodes(nodes);
      for (const [index, { resources, hostPorts, count, ...others }] of groups.entries()) {
        const pods = Array.from({ length: count }, (_, pod) => `${index}/${pod}`);
        const asked: PodGroup = { ...others, demand: { resources, hostPorts }, pods };
        const wanted = naiveSchedule(naive, asked);
        const { placed, unplaced } = schedule(room, asked);
        assert.deepEqual(
          pods.map((pod) => placed.get(pod)),
          wanted,
        );
        assert.deepEqual(
          unplaced,
          pods.filter((_, pod) => wanted[pod] === undefined),
        );
      }
    }),
    { numRuns: rounds * 20, seed },
  );
});
