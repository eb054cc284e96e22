// The laws that hold in every world, tried on random ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limitsOf } from "../../../src/controller/rollout.ts";
import { nextState } from "../../../src/master/changes.ts";
import { decide } from "../../../src/master/decide.ts";
import type { Decision } from "../../../src/master/decision.ts";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import { isGivenUp } from "../../../src/model/phase.ts";
import { demandOf } from "../../../src/scheduler/room.ts";
import { rounds, seed } from "../../support/rounds.ts";
import {
  type Action,
  allPlacements,
  nodeNames,
  nodesOf,
  openWorld,
  type Shape,
  statusOf,
  type World,
} from "../../support/simulator.ts";

const countOrPercent = fc.constantFrom(0, 1, 2, "25%", "50%", "100%");
const shape: fc.Arbitrary<Shape> = fc.record({
  strategy: fc.record({ maxSurge: countOrPercent, maxUnavailable: countOrPercent }),
  placement: fc.constantFrom(
    {},
    { spread: "none" as const },
    { maxPerNode: 1 },
    { maxPerNode: 2 },
    { nodeSelector: { disk: "ssd" } },
  ),
  hostPort: fc.constantFrom(true, false, false, false),
  memory: fc.constantFrom("64Mi", "64Mi", "1Gi", "3Gi"),
});
const name = fc.constantFrom("web", "db");
const on = fc.boolean();
const node = fc.constantFrom(...nodeNames);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 20, arbitrary: fc.constant({ do: "pass" } as const) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("apply" as const), name, version: fc.nat(3), replicas: fc.nat(5), shape }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(...(["cordon", "drain", "absent", "lost", "lost", "engine", "engine", "label"] as const)),
      node,
      on,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hold" as const), on }) },
  { weight: 16, arbitrary: fc.constant({ do: "workers" } as const) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("worker" as const),
      pick: fc.nat(20),
      fate: fc.constantFrom("forward" as const, "forward" as const, "crash" as const, "give-up" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 15_000, 200_000) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "new-leader" } as const) },
);
const actions = fc.array(action, { maxLength: 120, size: "max" });
const parameters = { numRuns: rounds * 10, seed };

/** Runs the actions and hands every pass to `check`. */
function run(
  list: readonly Action[],
  check: (before: ClusterState, decision: Decision, after: ClusterState) => void,
): World {
  const world = openWorld();
  for (const one of list) {
    const passed = world.act(one);
    if (passed) check(passed.before, passed.decision, world.state());
  }
  return world;
}

/** Pods that should run, but for those on lost nodes and under lost engines: successors are made for them. */
function livePods(state: ClusterState, of: string) {
  const nodes = nodesOf(state);
  const isLost = (id: string) => isGivenUp(state.verdicts.get(nodes.get(id) ?? ""));
  return (state.pods.get(of)?.pods ?? []).filter(({ id, stop }) => !stop && !isLost(id));
}

/** Slots of `of` below `replicas` that have a pod which answers. */
function readySlots(state: ClusterState, of: string, replicas: number): number {
  const nodes = nodesOf(state);
  const ready = livePods(state, of).filter(({ id, slot }) => {
    const at = nodes.get(id);
    if (at === undefined || slot >= replicas || state.verdicts.get(at)?.state !== "present") return false;
    return statusOf(state, at, id)?.phase === "ready";
  });
  return new Set(ready.map(({ slot }) => slot)).size;
}

test("never more pods should run than replicas and surge allow, and never two successors in a slot", () => {
  fc.assert(
    fc.property(actions, (list) => {
      run(list, (_before, _decision, after) => {
        for (const [of, document] of after.deployments) {
          if (document.deleted || after.pods.get(of)?.uid !== document.uid) continue;
          const { replicas, surge } = limitsOf(document);
          const live = livePods(after, of);
          assert.ok(live.length <= replicas + surge, `${of}: ${live.length} > ${replicas} + ${surge}`);
          for (const { slot } of live) assert.ok(live.filter((pod) => pod.slot === slot).length <= 2, `${of}-${slot}`);
        }
      });
    }),
    parameters,
  );
});

test("the master never takes more ready slots away than the rollout may", () => {
  fc.assert(
    fc.property(actions, (list) => {
      run(list, (before, decision, after) => {
        for (const [of, document] of before.deployments) {
          if (document.deleted) continue;
          const { replicas, unavailable } = limitsOf(document);
          const madeWay = decision.stopFirst.some(({ deployment }) => deployment === of);
          const least = replicas - Math.max(unavailable, madeWay ? 1 : 0);
          const [was, is] = [readySlots(before, of, replicas), readySlots(after, of, replicas)];
          assert.ok(is >= Math.min(was, least), `${of}: ${was} → ${is} of ${replicas}, at least ${least}`);
        }
      });
    }),
    parameters,
  );
});

test("a pod is placed only where there is room for it, and is never moved or used again", () => {
  fc.assert(
    fc.property(actions, (list) => {
      const owners = new Map<string, string>();
      run(list, (before, decision, after) => {
        const known = nodesOf(before);
        for (const { node: at, pod } of allPlacements(after)) {
          assert.equal(known.get(pod.pod) ?? at, at, "a placed pod stays where it is");
          if (!known.has(pod.pod)) assertRoom(after, at, pod.deployment);
        }
        for (const { deployment, pods } of decision.changes) {
          for (const { id, serial } of pods?.pods ?? []) {
            const owner = `${deployment} ${pods?.uid} ${serial}`;
            assert.equal(owners.get(id) ?? owner, owner, "an id is never used again");
            owners.set(id, owner);
          }
        }
      });
    }),
    parameters,
  );
});

/** Checks a node on which a pod of `of` has just been placed. */
function assertRoom(state: ClusterState, at: string, of: string): void {
  assert.equal(state.verdicts.get(at)?.state, "present", at);
  assert.equal(state.controls.get(at)?.cordoned, undefined, at);
  assert.equal(state.statuses.get(at)?.engine, undefined, at);
  const rules = state.deployments.get(of)?.placement ?? {};
  for (const [key, value] of Object.entries(rules.nodeSelector ?? {}))
    assert.equal(state.nodes.get(at)?.labels[key], value);
  const there = state.placements.get(at)?.placements ?? [];
  const demands = there.map(({ deployment, revision }) => {
    const found = state.templates.get(`${deployment}/${revision}`);
    assert.ok(found, "a placed pod has its template");
    return demandOf(found);
  });
  const memory = demands.reduce((sum, { resources }) => sum + resources.memoryBytes, 0);
  assert.ok(memory <= (state.nodes.get(at)?.capacity.memoryBytes ?? 0), `${at}: memory`);
  const ports = demands.flatMap(({ hostPorts }) => hostPorts.map(({ port }) => port));
  assert.equal(new Set(ports).size, ports.length, `${at}: ports`);
  const running = there.filter(({ deployment, stop }) => deployment === of && !stop).length;
  assert.ok(running <= (rules.maxPerNode ?? running), `${at}: maxPerNode`);
}

test("a pod only ever goes forward: told to stop, then stopped, then gone", () => {
  fc.assert(
    fc.property(actions, (list) => {
      run(list, (before, decision, after) => {
        for (const [of, { pods }] of before.pods) {
          for (const old of pods) {
            const next = after.pods.get(of)?.pods.find(({ id }) => id === old.id);
            const at = allPlacements(before).find(({ pod }) => pod.pod === old.id);
            const status = at && statusOf(before, at.node, old.id);
            if (at && decision.forgotten.includes(at.node)) {
              assert.equal(next, undefined, "what was on a forgotten node goes with it");
              continue;
            }
            if (!next && at) assert.equal(status?.phase, "stopped", "only what has stopped goes");
            if (!next) continue;
            assert.deepEqual([next.slot, next.serial, next.revision], [old.slot, old.serial, old.revision]);
            if (old.stop) assert.deepEqual(next.stop, old.stop);
            if (old.wasReady) assert.ok(next.wasReady);
          }
        }
      });
    }),
    parameters,
  );
});

test("what is on a lost node is stopped only beside a ready successor, and under a hold nothing is made or stopped for it", () => {
  fc.assert(
    fc.property(actions, (list) => {
      run(list, (before, decision, after) => {
        const nodes = nodesOf(before);
        const isMoving = (at: string) => isGivenUp(before.verdicts.get(at)) && !decision.forgotten.includes(at);
        const isOnLost = (id: string) => isMoving(nodes.get(id) ?? "");
        for (const [of, { pods }] of before.pods) {
          const next = after.pods.get(of)?.pods ?? [];
          for (const old of pods.filter(({ id, stop }) => !stop && isOnLost(id))) {
            const now = next.find(({ id }) => id === old.id);
            const made = next.filter(({ id, slot }) => slot === old.slot && !pods.some((pod) => pod.id === id));
            if (before.hold && made.length > 0) {
              // A rollout replaces what is beside it, as it would without it.
              assert.ok(
                pods.some(({ id, slot, stop }) => slot === old.slot && !stop && !isOnLost(id)),
                "held",
              );
            }
            if (now?.stop?.reason !== "lost") continue;
            assert.equal(before.hold, undefined);
            const isReady = next.some(({ id, slot, stop }) => {
              const at = nodes.get(id) ?? "";
              const there = slot === old.slot && !stop && before.verdicts.get(at)?.state === "present";
              return there && statusOf(before, at, id)?.phase === "ready";
            });
            assert.ok(isReady, `${of}-${old.slot}`);
          }
        }
        for (const node of decision.forgotten) assert.equal(after.nodes.has(node), false);
      });
    }),
    parameters,
  );
});

test("the same documents give the same decision, in whatever order they come, and what is decided is not decided again", () => {
  fc.assert(
    fc.property(actions, (list) => {
      const world = run(list, () => {});
      const state = world.state();
      const moment = { now: 0, firstSeen: new Map(), wall: "2026-01-02T03:04:05.000Z" };
      const decision = decide(state, moment);
      const turned = {
        ...state,
        deployments: turn(state.deployments),
        nodes: turn(state.nodes),
        placements: turn(state.placements),
      };
      assert.deepEqual(decide(turned, moment).changes, decision.changes);
      const again = decide(nextState(state, decision), moment);
      assert.deepEqual(again.changes, []);
    }),
    parameters,
  );
});

function turn<T>(map: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...map].reverse());
}

test("a calm world comes to rest with every pod ready, or says why not", () => {
  fc.assert(
    fc.property(actions, (list) => {
      const world = run(list, () => {});
      world.calm();
      // Rollouts that failed in the storm stay as they are; a change begins them anew.
      for (const of of world.state().deployments.keys()) world.act({ do: "touch", name: of });
      world.calm();
      assert.deepEqual(world.preview().changes, []);
      const waiting = new Set([...world.preview().unplaced.values()].map(({ deployment }) => deployment));
      for (const [of, document] of world.state().deployments) {
        assert.equal(document.deleted, undefined, "a deleted Deployment is gone in the end");
        const { replicas } = limitsOf(document);
        const { rollout } = world.state().pods.get(of) ?? {};
        if (waiting.has(of)) assert.match(rollout?.reason ?? "", /^no progress for 120 s: \d+ of \d+ pods of revision/);
        else {
          assert.equal(rollout?.state, "complete", `${of}: ${rollout?.reason}`);
          assert.deepEqual(
            [livePods(world.state(), of).length, readySlots(world.state(), of, replicas)],
            [replicas, replicas],
          );
        }
      }
    }),
    parameters,
  );
});
