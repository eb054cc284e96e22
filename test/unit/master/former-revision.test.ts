// A failed rollout stays as it is: what served on a lost node is made again with its former template, and finds room for that one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { demandOf } from "../../../src/scheduler/room.ts";
import { type Action, openWorld, type Shape } from "../../support/simulator.ts";

const limits = { maxSurge: 0, maxUnavailable: 0 };
const withPort: Shape = { strategy: limits, placement: {}, hostPort: true, memory: "64Mi" };
const without: Shape = { ...withPort, strategy: { ...limits, maxSurge: "100%" }, hostPort: false };
const actions: readonly Action[] = [
  { do: "apply", name: "db", version: 0, replicas: 2, shape: withPort },
  { do: "apply", name: "web", version: 0, replicas: 1, shape: withPort },
  { do: "pass" },
  { do: "worker", pick: 16, fate: "forward" },
  { do: "workers" },
  { do: "workers" },
  { do: "workers" },
  { do: "apply", name: "db", version: 0, replicas: 2, shape: without },
  { do: "engine", node: "n2", on: true },
  { do: "pass" },
  { do: "wait", ms: 200_000 },
  { do: "pass" },
];

test("what is made again with a host port that its successors have no more is not put beside another one with it", () => {
  const world = openWorld();
  for (const action of actions) world.act(action);
  const { pods, placements, templates } = world.state();
  const waiting = (pods.get("db")?.pods ?? []).filter(
    ({ id }) => ![...placements.values()].some((document) => document.placements.some(({ pod }) => pod === id)),
  );
  assert.equal(waiting.length, 1, "the one that is made again waits");
  for (const [node, document] of placements) {
    const ports = document.placements.flatMap(({ deployment, revision }) => {
      const template = templates.get(`${deployment}/${revision}`) ?? assert.fail("no template");
      return demandOf(template).hostPorts.map(({ port }) => port);
    });
    assert.equal(new Set(ports).size, ports.length, node);
  }
});
