// The scheduler alone: 1,000 nodes, 10,000 pods of 200 Deployments with selectors, ports and spread; beside it the naive pass
// over all nodes for each pod, which must make the same choices. Prints JSON lines; medians of a few runs.

import { openRoom, type PodGroup, type Room, type RoomNode } from "../src/scheduler/room.ts";
import { schedule } from "../src/scheduler/scheduler.ts";
import { node } from "../test/support/builders.ts";
import { naiveNodes, naiveSchedule } from "../test/support/naive-scheduler.ts";
import { median, report, rounds } from "./bench-measure.ts";

const nodeCount = 1_000;
const deploymentCount = 200;
const podsEach = 50;
const mebibyte = 1024 ** 2;

const nodes: ReadonlyMap<string, RoomNode> = new Map(
  Array.from({ length: nodeCount }, (_, index) => {
    const capacity = {
      cpuMilli: 4_000 + 1_000 * (index % 5),
      memoryBytes: (8 + (index % 3) * 8) * 1024 * mebibyte,
      pids: 0,
    };
    const labels = { disk: index % 2 === 0 ? "ssd" : "hdd", zone: `z${index % 4}` };
    return [
      `node-${String(index).padStart(4, "0")}`,
      { document: node({ capacity, labels }), present: true, engine: true, cordoned: index % 97 === 0 },
    ];
  }),
);

const groups: readonly PodGroup[] = Array.from({ length: deploymentCount }, (_, index) => ({
  deployment: `app-${index}`,
  revision: "0123456789ab",
  demand: {
    resources: { cpuMilli: 50 + 25 * (index % 7), memoryBytes: (64 + 32 * (index % 5)) * mebibyte, pids: 0 },
    hostPorts: index % 4 === 0 ? [{ port: `TCP/${8000 + (index % 16)}`, ip: "0.0.0.0" }] : [],
  },
  rules: {
    ...(index % 3 === 0 ? { nodeSelector: { disk: "ssd" } } : {}),
    ...(index % 5 === 0 ? { spread: "none" as const } : {}),
    ...(index % 6 === 0 ? { maxPerNode: 2 } : {}),
  },
  pods: Array.from({ length: podsEach }, (_, pod) => `app-${index}-${pod}`),
}));

/** Places everything; the time of each tenth, building the room not among them, and every choice. */
function measure(open: () => (group: PodGroup) => (string | undefined)[]) {
  const start = performance.now();
  const place = open();
  const openedMs = performance.now() - start;
  const choices: (string | undefined)[] = [];
  const tenthsMs: number[] = [];
  const step = deploymentCount / 10;
  for (let first = 0; first < deploymentCount; first += step) {
    const began = performance.now();
    for (const group of groups.slice(first, first + step)) choices.push(...place(group));
    tenthsMs.push(performance.now() - began);
  }
  return { openedMs, tenthsMs, totalMs: openedMs + tenthsMs.reduce((sum, ms) => sum + ms, 0), choices };
}

const real = () => {
  const room: Room = openRoom(nodes);
  return (group: PodGroup) => {
    const { placed } = schedule(room, group);
    return group.pods.map((pod) => placed.get(pod));
  };
};
const naive = () => {
  const all = naiveNodes(nodes);
  return (group: PodGroup) => naiveSchedule(all, group);
};

const baseline = measure(naive);
const measured = Array.from({ length: rounds(25) }, () => measure(real));
if (!measured.every(({ choices }) => choices.every((choice, index) => choice === baseline.choices[index]))) {
  throw new Error("the scheduler chose other nodes than the naive pass");
}
const thousands = (deploymentCount * podsEach) / 1_000;
const samples = measured.map(({ totalMs }) => totalMs / thousands);
report({
  what: "scheduler: 1,000 placements (bound: 50,000 a second), same choices as a naive pass",
  unit: "ms",
  ours: median(samples),
  baselines: { naive: baseline.totalMs / thousands },
  bound: 20,
  samples,
});
const tenth = (index: number) => measured.map(({ tenthsMs }) => tenthsMs[index] ?? Number.NaN);
report({
  what: "scheduler: last tenth of the placements against the first",
  unit: "ms",
  ours: median(tenth(9)),
  baselines: { first: median(tenth(0)) },
  target: { baseline: "first", atMost: 1.25 },
  samples: tenth(9),
});
