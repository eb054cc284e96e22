// What the forecast says is what a run of the real decision does with workers that do well: tried on random worlds, in the middle of
// whatever they were at, with one or two Deployments changed at once beside one that is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Forecasts, forecast } from "../../../src/apply/forecast.ts";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import { builtAt } from "../../support/builders.ts";
import { exact, isAtRest, names, outcomeOf, readyOf, roomsOf } from "../../support/outcomes.ts";
import { rounds, seed } from "../../support/rounds.ts";
import { type Action, nodeNames, openWorld, type Shape, type World } from "../../support/simulator.ts";

const changed = ["web", "api"] as const;
const countOrPercent = fc.constantFrom(0, 1, 2, "25%", "100%");
const shape: fc.Arbitrary<Shape> = fc.record({
  strategy: fc.record({ maxSurge: countOrPercent, maxUnavailable: countOrPercent }),
  placement: fc.constantFrom({}, { spread: "none" as const }, { maxPerNode: 1 }, { nodeSelector: { disk: "ssd" } }),
  hostPort: fc.constantFrom(true, false, false, false, false, false, false),
  memory: fc.constantFrom("64Mi", "64Mi", "64Mi", "64Mi", "3Gi"),
});
const applyOf = (name: string) =>
  fc.record({
    do: fc.constant("apply" as const),
    name: fc.constant(name),
    version: fc.nat(1),
    replicas: fc.nat(5),
    shape,
  });
const apply = fc.oneof(...changed.map(applyOf));
/** The last node is never drained: what is not changed stays there, and so stays as it is. */
const bystanderNode = "n3";
const onNode = (...words: ("cordon" | "drain" | "label")[]) =>
  fc
    .record({ do: fc.constantFrom(...words), node: fc.constantFrom(...nodeNames), on: fc.boolean() })
    .filter((one) => one.do !== "drain" || one.node !== bystanderNode);
const moves = (...fates: ("forward" | "crash")[]): fc.Arbitrary<Action>[] => [
  fc.constant({ do: "pass" }),
  fc.constant({ do: "workers" }),
  fc.record({ do: fc.constant("worker" as const), pick: fc.nat(20), fate: fc.constantFrom(...fates) }),
];
const actions = (...fates: ("forward" | "crash")[]): fc.Arbitrary<Action[]> => {
  const usual = moves(...fates).map((arbitrary) => ({ weight: 10, arbitrary }));
  const action = fc.oneof(
    ...usual,
    { weight: 4, arbitrary: apply },
    { weight: 2, arbitrary: onNode("cordon", "drain", "label") },
  );
  return fc.array(action, { maxLength: 60, size: "max" });
};
const changeOf = (name: string): fc.Arbitrary<Action> =>
  fc.oneof(
    { weight: 3, arbitrary: applyOf(name) },
    { weight: 1, arbitrary: fc.constant({ do: "delete", name } as const) },
    { weight: 1, arbitrary: fc.constant({ do: "touch", name } as const) },
  );
const changes = fc.tuple(...changed.map(changeOf));

test("where workers finish all they have to do between two passes, the forecast is what happens, to the node and the byte", () => {
  fc.assert(
    fc.property(actions("forward"), changes, (storm, last) => {
      const { world, before, told } = changedWorld(storm, last);
      const ran = watched(world, (seen) => runInStep(world, seen));
      const after = world.state();
      for (const name of changed) {
        const found = told.deployments.get(name);
        if (!found) continue;
        assert.deepEqual(exact(found), outcomeOf(name, before, after), name);
        const { now, least, after: end } = found.ready;
        assert.deepEqual({ now, least, end }, ran.get(name), name);
        assert.equal(found.downtime !== undefined, now > 0 && least === 0);
      }
      const rooms = roomsOf(before);
      for (const [name, room] of roomsOf(after)) {
        const found = told.nodes.find((one) => one.name === name);
        if (found) assert.deepEqual([found.before, found.after], [rooms.get(name), room]);
        else assert.deepEqual(rooms.get(name), room);
      }
    }),
    { numRuns: rounds * 10, seed },
  );
});

test("whatever the order in which workers get on: the same pods, never fewer ready than was said, and downtime only where it was said", () => {
  const order = fc.array(fc.oneof(...moves("forward")), { maxLength: 60, size: "max" });
  fc.assert(
    fc.property(actions("forward", "crash"), fc.boolean(), changes, order, (storm, settles, last, steps) => {
      const { world, before, told } = changedWorld(storm, last, settles);
      const ran = watched(world, (seen) => {
        // The commit wakes the master: what workers do before that is no consequence of the change.
        for (const step of [{ do: "pass" } as const, ...steps]) {
          world.act(step);
          seen();
        }
        world.settle(seen);
      });
      // Which pod stays without a place where there are too few depends on who leaves first, and so on the workers.
      if ([...told.deployments.values()].some(({ unplaced }) => unplaced.length > 0)) return;
      for (const name of changed) {
        const found = told.deployments.get(name);
        if (!found) continue;
        assert.deepEqual(names(exact(found)), names(outcomeOf(name, before, world.state())), name);
        // In the middle of a rollout a strategy may allow more at once than workers who keep step come to.
        if (!isAtRest(name, before)) continue;
        const seen = ran.get(name);
        assert.ok(
          seen && seen.least >= found.ready.least,
          `${name}: ${seen?.least} ready, ${found.ready.least} were said`,
        );
        const hasDowntime = seen.now > 0 && seen.least === 0;
        assert.equal(hasDowntime, found.downtime !== undefined, name);
      }
    }),
    { numRuns: rounds * 10, seed },
  );
});

/** A world after the storm and the changes, and what is told of them. */
function changedWorld(storm: readonly Action[], last: readonly Action[], settles = false) {
  const world = openWorld();
  const bystander: Shape = { strategy: {}, placement: {}, hostPort: false, memory: "1Gi" };
  world.act({ do: "apply", name: "db", version: 1, replicas: 4, shape: bystander });
  for (const node of nodeNames) world.act({ do: "cordon", node, on: node !== bystanderNode });
  world.settle();
  for (const node of nodeNames) world.act({ do: "cordon", node, on: false });
  for (const one of storm) world.act(one);
  if (settles) world.settle();
  const before = world.state();
  for (const one of last) world.act(one);
  return { world, before, told: forecastOf(before, world.state()) };
}

/** Of the changes that lie between the two. */
function forecastOf(before: ClusterState, after: ClusterState): Forecasts {
  const items = changed.flatMap((name) => {
    const document = after.deployments.get(name);
    if (!document || document === before.deployments.get(name)) return [];
    const template = after.templates.get(`${name}/${document.revision}`);
    const revision = template ? { revision: { template, version: "absent" } as const } : {};
    return [{ name, action: "update", changes: [], after: document, ...revision } as const];
  });
  return forecast(before, { items, notInFiles: [] }, { wall: builtAt, running: true });
}

/** Passes with workers that finish everything in between; and time, where nothing else moves. */
function runInStep(world: World, seen: () => void): void {
  for (let passes = 0; passes < 400; passes += 1) {
    const decided = world.act({ do: "pass" });
    seen();
    let statuses: ClusterState["statuses"] | undefined;
    while (statuses !== world.state().statuses) {
      statuses = world.state().statuses;
      world.act({ do: "workers" });
    }
    seen();
    if (decided && decided.decision.changes.length === 0) return;
  }
  throw new Error("the world never comes to rest");
}

interface Ran {
  readonly now: number;
  readonly least: number;
  readonly end: number;
}

/** How many pods of each Deployment were ready at first, at the worst moment that was seen, and in the end. */
function watched(world: World, run: (seen: () => void) => void): ReadonlyMap<string, Ran> {
  const ran = new Map<string, Ran>();
  const seen = () => {
    for (const name of changed) {
      const ready = readyOf(name, world.state());
      const { now = ready, least = ready } = ran.get(name) ?? {};
      ran.set(name, { now, least: Math.min(least, ready), end: ready });
    }
  };
  seen();
  run(seen);
  return ran;
}
