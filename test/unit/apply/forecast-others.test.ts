// What the Deployments that a plan leaves alone are at, as far as it matters to the plan: they take and leave room, too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { forecast } from "../../../src/apply/forecast.ts";
import { planApply } from "../../../src/apply/plan.ts";
import { builtAt, type ClusterFixture, stateOf } from "../../support/builders.ts";
import { applied, known, manifest } from "../../support/forecasts.ts";
import { author } from "../../support/plans.ts";

const on = (name: string, node: string) => ({ name, node });

test("a Deployment that the plan leaves alone and that waits for room takes what the plan makes free, as the master gives it out", () => {
  const large = (version: number) => ({ image: `demo:${version}`, resources: { cpu: "3" } });
  const fixture: ClusterFixture = {
    deployments: {
      old: { pods: 1, template: large(1) },
      waits: { document: { replicas: 1 }, template: large(2), pods: [{ node: null }] },
    },
  };
  const state = stateOf(fixture);
  const manifests = [manifest("old", { replicas: 0, template: large(1) }), manifest("web", { template: large(3) })];
  const found = forecast(state, planApply(known(state), manifests, author()), { wall: builtAt, running: true });
  assert.deepEqual(found.deployments.get("web")?.created, []);
  assert.match(found.deployments.get("web")?.unplaced[0]?.reason ?? "", /^fits on none of 1 node: 1 .*cpu/);
  assert.deepEqual(found.nodes, [], "as much is taken as was");
  assert.deepEqual([...found.deployments.keys()], ["old", "web"], "nothing of it is told: it does not change");
});

test("the pods that another Deployment is just stopping make room, and those that it is just replacing take it", () => {
  const large = { image: "demo:1", resources: { cpu: "3" } };
  const cpu = (amount: string) => ({ image: "demo:2", resources: { cpu: amount } });
  const leaving: ClusterFixture = {
    deployments: { api: { document: { replicas: 0 }, template: large, pods: [{ stop: "scale-down" }] } },
  };
  const web = manifest("web", { replicas: 1, template: cpu("2") });
  assert.deepEqual(applied(leaving, true, web).get("web")?.created, [on("web-0", "node-1")]);
  const coming: ClusterFixture = {
    deployments: { api: { document: { replicas: 1 }, template: large, pods: [] } },
  };
  assert.equal(applied(coming, true, web).get("web")?.unplaced.length, 1);
});

test("what is to be pruned runs until the rest is ready: it takes room as long, and a pod that it never had is told neither as ready nor as stopped", () => {
  const unseen = (uid: string) => ({ document: { uid, replicas: 1 }, pods: [] });
  const deployments = { old: unseen("00000000000000b1"), web: unseen("00000000000000b2") };
  const state = stateOf({ nodes: { n1: {}, n2: {} }, deployments });
  const plan = planApply(known(state), [manifest("web", { replicas: 1 })], author(), { prune: true });
  const found = forecast(state, plan, { wall: builtAt, running: true });
  const old = found.deployments.get("old");
  assert.deepEqual(
    [old?.stopped, old?.ready, old?.downtime],
    [[], { now: 0, least: 0, after: 0, wanted: 0 }, undefined],
  );
  const free = (pods: number) => ({ cpuMilli: 4_000, memoryBytes: 8 * 1024 ** 3, pods });
  assert.deepEqual(found.nodes, [{ name: "n2", before: free(0), after: free(1) }]);
});
