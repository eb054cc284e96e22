// What has drifted, of fixtures that somebody has had a hand in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { driftOf, type EngineLook } from "../../../src/apply/drift.ts";
import { planApply } from "../../../src/apply/plan.ts";
import type { ChangedSetting, ContainerState } from "../../../src/worker/runtime.ts";
import { act, type ClusterFixture, podId, stateOf } from "../../support/builders.ts";
import { known, manifest } from "../../support/forecasts.ts";
import { author } from "../../support/plans.ts";

const container = (slot: number, fields: Partial<ContainerState> = {}): ContainerState => ({
  id: `${slot}`.repeat(64),
  pod: podId("web", slot),
  deployment: "web",
  slot,
  revision: "r",
  state: "running",
  ip: `10.42.0.${slot + 2}`,
  ...fields,
});
/** As an engine tells one that is on no network of ours. */
const apart = (slot: number, fields: Partial<ContainerState> = {}): ContainerState => {
  const { ip: _, ...rest } = container(slot, fields);
  return rest;
};
const two: ClusterFixture = { deployments: { web: { pods: 2 } } };
const both = [container(0), container(1)];
const web = manifest("web", { replicas: 2 });
const bob = { by: "bob", at: "2026-02-02T02:02:02.000Z" };

function found(
  fixture: ClusterFixture,
  {
    files = [web],
    containers = both as readonly ContainerState[] | null,
    present = ["node-1"],
    changed = [] as readonly ChangedSetting[],
  } = {},
) {
  const state = stateOf(fixture);
  const settings = new Map([["0".repeat(64), changed]]);
  const engines: EngineLook[] = containers ? [{ node: "node-1", containers, changed: settings }] : [];
  return driftOf({ plan: planApply(known(state), files, author()), state, present: new Set(present), engines });
}

const told = (drifts: ReturnType<typeof found>) => drifts.map(({ kind, name }) => `${kind} ${name}`);

test("where all agree nothing has drifted", () => {
  assert.deepEqual(found(two), []);
  assert.deepEqual(
    driftOf({ ...{ plan: { items: [], notInFiles: [] }, state: stateOf(two) }, present: new Set(), engines: [] }),
    [],
  );
});

test("limits and a restart policy that somebody has updated are one difference, with what makes them as they were", () => {
  const memory = ["--memory", "64", "--memory-swap", "64"];
  const changed: readonly ChangedSetting[] = [
    { what: "memory limit", is: "32", should: "64", restore: memory },
    { what: "swap beside it", is: "32", should: "none", restore: memory },
    { what: "restart policy", is: "always", should: "no", restore: ["--restart", "no"] },
  ];
  const [drift, ...others] = found(two, { changed });
  assert.deepEqual([drift?.kind, drift?.name, drift?.container, others], ["updated", "web-0", "0".repeat(12), []]);
  assert.equal(
    drift?.message,
    "its memory limit is 32, not 64, its swap beside it is 32, not none, its restart policy is always, not no",
  );
  assert.equal(drift?.correction, "docker update --memory 64 --memory-swap 64 --restart no 000000000000");
  const [anew] = found(two, { changed: [...changed, { what: "share of cpu", is: "2", should: "none" }] });
  assert.equal(anew?.correction, "docker rm -f 000000000000; the worker of node-1 makes it anew");
});

test("containers removed, stopped, paused, disconnected and renamed by hand, and one that nothing names", () => {
  const containers = [container(1, { state: "exited", exitCode: 137 }), container(7, { id: "7".repeat(64) })];
  const drifts = found(two, { containers });
  assert.deepEqual(told(drifts), ["removed web-0", "stopped web-1", "stray web-7"]);
  assert.match(drifts[1]?.message ?? "", /exit code 137/);
  assert.equal(drifts[1]?.container, "1".repeat(12));
  assert.deepEqual(
    drifts.map(({ correction }) => correction),
    ["makes it again", "starts it again", "removes it"].map((does) => `the worker of node-1 ${does}`),
  );
  const renamed = { from: "orchestra-web-1-x", to: "mine" };
  const changed = found(two, { containers: [apart(0, { paused: true }), container(1, { renamed })] });
  assert.deepEqual(told(changed), ["paused web-0", "disconnected web-0", "renamed web-1"]);
  assert.equal(changed[2]?.correction, `docker rename ${"1".repeat(12)} orchestra-web-1-x`);
  const paused = found(two, { containers: [container(0, { paused: true }), container(1)] });
  assert.deepEqual(told(paused), ["paused web-0"]);
  assert.equal(paused[0]?.correction, `docker unpause ${"0".repeat(12)}`);
});

test("without a worker it is up that corrects", () => {
  const [drift] = found(two, { containers: [container(0)], present: [] });
  assert.equal(drift?.correction, "no worker runs on node-1: orchestra up makes it again");
});

test("where the engine cannot be asked the status tells", () => {
  const reason = { code: "CRASHED", message: "it ended with exit code 143" } as const;
  const status = { phase: "starting", restarts: 2, exitCode: 143, reason } as const;
  const drifts = found(
    { deployments: { web: { pods: [{ status }, {}], document: { replicas: 2 } } } },
    { containers: null },
  );
  assert.deepEqual(told(drifts), ["stopped web-0"]);
  assert.match(drifts[0]?.message ?? "", /exit code 143/);
});

const quiet: { name: string; fixture: ClusterFixture; containers?: ContainerState[] }[] = [
  {
    name: "a pod that stops",
    fixture: { deployments: { web: { document: { replicas: 1 }, pods: [{}, { stop: "scale-down" }] } } },
  },
  {
    name: "a pod whose image is pulled",
    fixture: { deployments: { web: { pods: [{ status: { phase: "pulling" } }] } } },
  },
  {
    name: "a pod that its worker has given up",
    fixture: { deployments: { web: { pods: [{ status: { phase: "failed" } }] } } },
  },
  { name: "a pod that nobody has begun with", fixture: { deployments: { web: { pods: [{ status: null }] } } } },
  {
    name: "containers on a node without a document of placements",
    fixture: { deployments: { web: { document: { replicas: 0 }, pods: [] } } },
    containers: both,
  },
];
for (const { name, fixture, containers = [container(0)] } of quiet) {
  const replicas = (fixture.deployments?.["web"]?.document?.replicas ?? 1) as number;
  test(`no drift: ${name}`, () =>
    assert.deepEqual(found(fixture, { files: [manifest("web", { replicas })], containers }), []));
}

test("what was scaled, changed, deleted or never applied, with who did it", () => {
  const fixture: ClusterFixture = {
    deployments: {
      api: { document: { deleted: bob }, pods: [] },
      ours: { document: { source: "shop" }, pods: [] },
      site: { document: { updated: bob, replicas: 0 }, pods: [] },
      web: { document: { replicas: { file: 2, override: { count: 5, ...bob } } }, pods: 2 },
    },
  };
  const files = [
    web,
    manifest("site", { replicas: 0, image: "demo:2" }),
    manifest("api", { replicas: 0 }),
    manifest("new", {}),
    manifest("ours", {}),
  ];
  const drifts = found(fixture, { files });
  assert.deepEqual(told(drifts), ["scaled web", "changed site", "deleted api", "absent new", "blocked ours"]);
  const [scaled, changed, deleted, absent, blocked] = drifts;
  assert.equal(scaled?.message, "was scaled to 5 (the files said 2)");
  assert.equal(scaled.correction, "orchestra scale web --reset");
  assert.deepEqual(changed?.fields, ["spec.image"]);
  assert.deepEqual([scaled.by, changed.by, deleted?.by, absent?.by], [bob, bob, bob, undefined]);
  assert.match(blocked?.message ?? "", /shop/);
});

test("what the file at last said is nobody's doing", () => {
  const override = { count: 2, kept: true, ...act } as const;
  const drifts = found(
    { deployments: { web: { document: { replicas: { override } }, pods: 2 } } },
    { files: [manifest("web", {})] },
  );
  assert.deepEqual(drifts, []);
});
