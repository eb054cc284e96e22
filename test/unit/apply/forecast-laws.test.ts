// What the forecast says is what a run of the real decision does with workers that do well: tried on random worlds, in the middle of
// whatever they were at, with random manifests that are applied and what they lack pruned. The real loops: test/integration/apply/forecast-runs.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changesAnything, type Plan } from "../../../src/apply/plan.ts";
import { pruneOf, withoutPrune } from "../../../src/apply/prune.ts";
import { goalOf, judge } from "../../../src/apply/wait.ts";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import { isLive } from "../../../src/model/phase.ts";
import { changedWorld, changes, moves, tooMuchMemory } from "../../support/forecast-worlds.ts";
import { exact, isAtRest, names, outcomeOf, readyOf, roomsOf } from "../../support/outcomes.ts";
import { rounds, seed } from "../../support/rounds.ts";
import type { World } from "../../support/simulator.ts";

test("where workers finish all they have to do between two passes, the forecast is what happens, to the node and the byte", () => {
  fc.assert(
    fc.property(changes("forward"), (changing) => {
      const { world, before, plan, told } = changedWorld(changing);
      const ran = watched(world, plan, (seen) => runInStep(world, seen));
      const isPruned = isReady(world.state(), plan);
      const deletions = pruneOf(plan);
      if (isPruned && changesAnything(deletions)) {
        world.act({ do: "commit", plan: deletions });
        runInStep(world, () => {});
      }
      const after = world.state();
      const done = isPruned ? plan : withoutPrune(plan);
      for (const { name, pruned } of done.items) {
        const found = told.deployments.get(name);
        if (!found) continue;
        assert.deepEqual(outcomeOf(name, before, after), exact(found), name);
        const { now, least, after: end, wanted } = found.ready;
        const seen = ran.get(name) ?? assert.fail(name);
        // More than are wanted may serve, where one of them cannot be told to stop: nobody needs to be told of that.
        assert.equal(seen.now, now, name);
        if (!pruned) assert.deepEqual({ ...seen, end: Math.min(seen.end, wanted) }, { now, least, end }, name);
        assert.equal(found.downtime !== undefined, now > 0 && least === 0);
      }
      // Of what others are at nothing is told where the plan itself does nothing.
      if (!changesAnything(plan) || (!isPruned && changesAnything(deletions))) return;
      const rooms = roomsOf(before);
      for (const [name, room] of roomsOf(after)) {
        const found = told.nodes.find((one) => one.name === name);
        if (found) assert.deepEqual([found.before, found.after], [rooms.get(name), room]);
        else assert.deepEqual(rooms.get(name), room);
      }
    }),
    { numRuns: rounds * 30, seed },
  );
});

test("whatever the order in which workers get on: the same pods, never fewer ready than was said, and downtime only where it was said", () => {
  const order = fc.array(fc.oneof(...moves("forward")), { maxLength: 60, size: "max" });
  fc.assert(
    fc.property(changes("forward", "crash"), order, (changing, steps) => {
      const { world, before, plan, told } = changedWorld(changing);
      const rest = withoutPrune(plan);
      let isShort = isAnyPending(before);
      const ran = watched(world, rest, (seen) => {
        // Who gets a place that somebody else leaves depends on who leaves first, and so on the workers.
        const looked = () => {
          seen();
          isShort ||= isAnyPending(world.state());
        };
        // The commit wakes the master: what workers do before that is no consequence of the change.
        for (const step of [{ do: "pass" } as const, ...steps]) {
          world.act(step);
          looked();
        }
        runToRest(world, looked);
      });
      const after = world.state();
      for (const { name } of rest.items) {
        const found = told.deployments.get(name);
        if (!found) continue;
        const [said, done] = [names(exact(found)), names(outcomeOf(name, before, after))];
        assert.deepEqual(done.stopped, said.stopped, name);
        if (isShort) continue;
        assert.deepEqual(done, said, name);
        // In the middle of a rollout a strategy may allow more at once than workers who keep step come to.
        if (!isAtRest(name, before)) continue;
        const seen = ran.get(name) ?? assert.fail(name);
        assert.ok(seen.least >= found.ready.least, `${name}: ${seen.least} ready, ${found.ready.least} were said`);
        const hasDowntime = seen.now > 0 && seen.least === 0;
        assert.equal(hasDowntime, found.downtime !== undefined, name);
      }
    }),
    { numRuns: rounds * 30, seed },
  );
});

/** A pod is without a place, and may get one that somebody else leaves: no node is so large that it could ever have the others. */
function isAnyPending({ pods, placements, templates }: ClusterState): boolean {
  const placed = new Set([...placements.values()].flatMap((one) => one.placements.map(({ pod }) => pod)));
  const mayFit = (name: string, revision: string) =>
    templates.get(`${name}/${revision}`)?.resources?.memory !== tooMuchMemory;
  return [...pods].some(([name, document]) =>
    document.pods.some(({ id, revision }) => !placed.has(id) && mayFit(name, revision)),
  );
}

/** What the manifests say is as it should be. */
function isReady(state: ClusterState, plan: Plan): boolean {
  const present = new Set([...state.nodes.keys()].filter((name) => isLive(state.verdicts.get(name))));
  const goals = withoutPrune(plan).items.flatMap((item) => goalOf(item) ?? []);
  return judge(state, present, goals).every((progress) => progress.state === "done");
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

/** A pod that has ended is trusted again after ten seconds; a rollout that stands still is given up after ten minutes. */
const patienceMs = 60_000;

/** Passes and workers, and time where nothing else moves: but no rollout is given up. */
function runToRest(world: World, seen: () => void): void {
  for (let passes = 0; passes < 400; passes += 1) {
    const { statuses } = world.state();
    world.act({ do: "workers" });
    seen();
    const { decision } = world.act({ do: "pass" }) ?? assert.fail("a pass decides");
    seen();
    if (decision.changes.length > 0 || world.state().statuses !== statuses) continue;
    const { againInMs: ms = Infinity } = decision;
    if (ms > patienceMs) return;
    world.act({ do: "wait", ms });
  }
  throw new Error("the world never comes to rest");
}

interface Ran {
  readonly now: number;
  readonly least: number;
  readonly end: number;
}

/** How many pods of each Deployment were ready at first, at the worst moment that was seen, and in the end. */
function watched(world: World, { items }: Plan, run: (seen: () => void) => void): ReadonlyMap<string, Ran> {
  const ran = new Map<string, Ran>();
  const seen = () => {
    for (const { name } of items) {
      const ready = readyOf(name, world.state());
      const { now = ready, least = ready } = ran.get(name) ?? {};
      ran.set(name, { now, least: Math.min(least, ready), end: ready });
    }
  };
  seen();
  run(seen);
  return ran;
}
