// A rollout step by step: which pods come and go, and when nothing may move.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import {
  type ClusterFixture,
  type DeploymentFixture,
  type PodFixture,
  revisionOf,
  stateOf,
  template,
} from "../../support/builders.ts";
import { decided } from "../../support/decided.ts";

const was: PodFixture = { revision: "old", node: "n" };
const is: PodFixture = { node: "n" };
const down: Partial<PodFixture> = { status: { phase: "running" } };
const crashed: Partial<PodFixture> = { status: { phase: "running", restarts: 1 } };

const web = (
  pods: readonly (PodFixture & { readonly wasReady?: true })[],
  document: DeploymentFixture["document"] = {},
  fixture: Partial<DeploymentFixture> = {},
): ClusterFixture => ({
  deployments: {
    web: {
      document: { replicas: 2, ...document },
      pods,
      rollout: { revision: revisionOf(), state: "progressing", since: "2026-01-01T00:00:00.000Z" },
      ...fixture,
    },
  },
  nodes: { n: {} },
});

const cases: { name: string; fixture: ClusterFixture; want: string[] }[] = [
  {
    name: "a predecessor stays until its successor is ready",
    fixture: web([was, { ...is, slot: 0, serial: 5, ...down }, { ...was, slot: 1 }]),
    want: ["0@n old", "0@n", "1@n old"],
  },
  {
    name: "a ready successor ends its predecessor, and the next slot gets its own",
    fixture: web([was, { ...is, slot: 0, serial: 5 }, { ...was, slot: 1 }]),
    want: ["0@n old rollout", "0@n", "1@n old", "1@n"],
  },
  {
    name: "maxSurge 100% replaces all at once",
    fixture: web([was, was], { strategy: { maxSurge: "100%" } }),
    want: ["0@n old", "0@n", "1@n old", "1@n"],
  },
  {
    name: "without surge one pod stops first",
    fixture: web([was, was], { strategy: { maxSurge: 0, maxUnavailable: 1 } }),
    want: ["0@n old rollout", "0@n", "1@n old"],
  },
  {
    name: "without surge and without leave to be unavailable one pod may still be",
    fixture: web([was, was], { strategy: { maxSurge: 0, maxUnavailable: "10%" } }),
    want: ["0@n old rollout", "0@n", "1@n old"],
  },
  {
    name: "with leave to be unavailable as well, both kinds of step are taken",
    fixture: web([was, was, was], { replicas: 3, strategy: { maxSurge: 1, maxUnavailable: 1 } }),
    want: ["0@n old", "0@n", "1@n old rollout", "1@n", "2@n old"],
  },
  {
    name: "while one slot is down nothing else may go down",
    fixture: web(
      [
        { ...is, ...down },
        { ...was, slot: 1 },
      ],
      { strategy: { maxSurge: 0, maxUnavailable: 1 } },
    ),
    want: ["0@n", "1@n old"],
  },
  {
    name: "a pod that is not ready is replaced before one that is",
    fixture: web([was, { ...was, slot: 1, wasReady: true, ...down } as PodFixture]),
    want: ["0@n old", "1@n old", "1@n"],
  },
  {
    name: "after a crash of the new revision there is no further step",
    fixture: web([
      { ...is, ...crashed },
      { ...was, slot: 1 },
    ]),
    want: ["0@n", "1@n old"],
  },
  {
    name: "a pod that is on a node that is absent now holds nothing up",
    fixture: {
      ...web([{ node: "m" }, { ...was, slot: 1 }]),
      nodes: { n: {}, m: {} },
      absent: ["m"],
    },
    want: ["0@m", "1@n old", "1@n"],
  },
  {
    name: "a pod that was never ready is superseded at once, and its slot is filled",
    fixture: web([
      { ...was, ...crashed },
      { ...was, slot: 1 },
    ]),
    want: ["0@n old superseded", "0@n", "1@n old", "1@n"],
  },
  {
    name: "a superseded successor goes before the slot gets another one",
    fixture: web([was, { ...is, slot: 0, serial: 5, revision: "middle", ...down }], { replicas: 1 }),
    want: ["0@n old", "0@n middle superseded"],
  },
  {
    name: "while it stops the slot waits",
    fixture: web([was, { ...is, slot: 0, serial: 5, revision: "middle", stop: "superseded", ...down }], {
      replicas: 1,
    }),
    want: ["0@n old", "0@n middle superseded"],
  },
  {
    name: "when it has stopped the slot gets its successor",
    fixture: web(
      [was, { ...is, slot: 0, serial: 5, revision: "middle", stop: "superseded", status: { phase: "stopped" } }],
      {
        replicas: 1,
      },
    ),
    want: ["0@n old", "0@n"],
  },
  {
    name: "back to the revision before: its pods that still run are kept",
    fixture: web([is, { ...was, slot: 0, serial: 5, ...down }, { ...is, slot: 1, serial: 1 }]),
    want: ["0@n", "0@n old superseded", "1@n"],
  },
  {
    name: "back to the revision before: those that have left come again, one by one",
    fixture: web([
      { ...was, slot: 0, serial: 4 },
      { ...is, slot: 1 },
    ]),
    want: ["0@n old", "0@n", "1@n"],
  },
  {
    name: "of two pods of the wanted kind the one stays that its worker has not given up on",
    fixture: web(
      [
        { ...is, status: { phase: "failed" } },
        { ...is, slot: 0, serial: 5, ...down },
      ],
      { replicas: 1 },
    ),
    want: ["0@n superseded", "0@n"],
  },
  {
    name: "scaling down in the middle stops both pods of the highest slot",
    fixture: web([was, { ...was, slot: 1 }, { ...is, slot: 1, serial: 5, ...down }], { replicas: 1 }),
    want: ["0@n old", "0@n", "1@n old scale-down", "1@n scale-down"],
  },
  {
    name: "a narrower surge takes the successors that are too many back",
    fixture: web([
      was,
      { ...is, slot: 0, serial: 4, ...down },
      { ...was, slot: 1 },
      { ...is, slot: 1, serial: 5, ...down },
    ]),
    want: ["0@n old", "0@n", "1@n old", "1@n superseded"],
  },
];

for (const { name, fixture, want } of cases) test(name, () => assert.deepEqual(decided(fixture).pods, want));

const ports = [{ containerPort: 80, hostPort: 8080 }];

/** `web` with a host port in its old revision and its new one. */
function withPorts(
  pods: readonly PodFixture[],
  document: DeploymentFixture["document"],
  nodes: ClusterFixture["nodes"],
): ClusterState {
  const fixture = web(pods, { revision: revisionOf({ ports }), ...document }, { template: { ports } });
  const state = stateOf({ ...fixture, nodes: nodes ?? {} });
  return { ...state, templates: new Map(state.templates).set("web/old", template({ ports })) };
}

test("where only its predecessor's host port keeps a successor out, that slot goes stop-first, one at a time", () => {
  const { decision, state } = decided(withPorts([was, { ...was, slot: 1, node: "m" }], {}, { n: {}, m: {} }));
  const told = decision.stopFirst.map(({ deployment, slot, holds }) => ({ deployment, slot, holds }));
  assert.deepEqual(told, [{ deployment: "web", slot: 0, holds: "hostPort" }]);
  const texts = state.pods.get("web")?.pods.map(({ slot, stop }) => `${slot} ${stop?.reason ?? "runs"}`);
  // The second successor waits: its predecessor may go when the first slot is ready again.
  assert.deepEqual(texts, ["0 rollout", "0 runs", "1 runs", "1 runs"]);
});

test("a free node is used before a slot goes stop-first", () => {
  const { decision } = decided(withPorts([was], { replicas: 1 }, { n: {}, m: {} }));
  assert.deepEqual([decision.stopFirst, decision.unplaced.size], [[], 0]);
});

test("a predecessor that only answers for the lack of memory stays", () => {
  const tight = { capacity: { cpuMilli: 1000, memoryBytes: 100 * 1024 ** 2, pids: 0 } };
  const big = { ports, resources: { memory: "64Mi" } };
  const state = stateOf({
    ...web([was], { replicas: 1, revision: revisionOf(big) }, { template: big }),
    nodes: { n: tight },
  });
  const { decision } = decided({ ...state, templates: new Map(state.templates).set("web/old", template(big)) });
  assert.deepEqual(decision.stopFirst, []);
  assert.equal(decision.unplaced.size, 1);
});

test("maxPerNode on a full node makes way in the same manner", () => {
  const { decision, pods } = decided(web([was], { replicas: 1, placement: { maxPerNode: 1 } }));
  assert.deepEqual(
    decision.stopFirst.map(({ holds }) => holds),
    ["maxPerNode"],
  );
  assert.deepEqual(pods, ["0@n old rollout", "0@n"]);
});
