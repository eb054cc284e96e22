import assert from "node:assert/strict";
import { test } from "node:test";
import { type Goal, goalOf, judge, type Progress } from "../../../src/apply/wait.ts";
import { act, type ClusterFixture, deployment, revisionOf, stateOf } from "../../support/builders.ts";
import { goal } from "../../support/goals.ts";

const earlier = revisionOf({ image: "demo:0" });
const here = new Set(["node-1"]);
function judged(fixture: ClusterFixture, changes: Partial<Goal> = {}, present = here): Progress {
  const [progress] = judge(stateOf(fixture), present, [{ ...goal, ...changes }]);
  assert.ok(progress);
  return progress;
}

type Fixture = NonNullable<ClusterFixture["deployments"]>[string];
const web = (fixture: Fixture): ClusterFixture => ({
  deployments: { web: { ...fixture, document: { replicas: 2, ...fixture.document } } },
});
const failed = { phase: "failed", reason: { code: "IMAGE_NOT_FOUND", message: "no such image" } } as const;

const twoNodes = { nodes: { "node-1": {}, n2: {} } };

const cases: {
  name: string;
  fixture: ClusterFixture;
  goal?: Partial<Goal>;
  present?: Set<string>;
  want: Partial<Progress>;
}[] = [
  {
    name: "all ready and nothing else there: done",
    fixture: web({ pods: 2 }),
    want: { state: "done", ready: 2, leaving: 0 },
  },
  {
    name: "a missing image is hopeless for whoever waits, though the worker goes on looking for it",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1, status: { phase: "starting", reason: failed.reason } }] }),
    want: { state: "failed", why: { ...failed.reason, pod: "web-1" } },
  },
  {
    name: "a crash is not: the next start may work",
    fixture: web({
      pods: [
        { slot: 0 },
        { slot: 1, status: { phase: "starting", reason: { code: "CRASHED", message: "exit code 1" } } },
      ],
    }),
    want: { state: "working" },
  },
  {
    name: "nobody waits for what is to stop on a lost node",
    fixture: {
      ...web({ pods: [{}, { slot: 1 }, { slot: 1, serial: 9, node: "n2", stop: "lost" }] }),
      ...twoNodes,
      lost: ["n2"],
    },
    want: { state: "done", ready: 2, leaving: 0, stopping: 0, outOfReach: new Map([["n2", 1]]) },
  },
  {
    name: "nor for what is to stop on an absent one under a hold",
    fixture: {
      ...web({ pods: [{}, { slot: 1 }, { slot: 2, node: "n2", stop: "scale-down" }] }),
      ...twoNodes,
      absent: ["n2"],
      hold: true,
    },
    want: { state: "done", outOfReach: new Map([["n2", 1]]) },
  },
  {
    name: "without a hold an absent node will be present or lost: goes on",
    fixture: {
      ...web({ pods: [{}, { slot: 1 }, { slot: 2, node: "n2", stop: "scale-down" }] }),
      ...twoNodes,
      absent: ["n2"],
    },
    want: { state: "working", leaving: 1, outOfReach: new Map() },
  },
  {
    name: "a lost pod without a ready successor is waited for",
    fixture: { ...web({ pods: [{}, { slot: 1, node: "n2" }] }), ...twoNodes, lost: ["n2"] },
    want: { state: "working", ready: 1, phases: new Map([["lost", 1]]) },
  },
  {
    name: "a deletion is done when all that is left is on lost nodes",
    fixture: {
      ...web({ pods: [{ node: "n2", stop: "delete" }], document: { deleted: act } }),
      ...twoNodes,
      lost: ["n2"],
    },
    goal: { do: "delete", replicas: 0 },
    want: { state: "done", leaving: 0, outOfReach: new Map([["n2", 1]]) },
  },
  { name: "one missing: goes on", fixture: web({ pods: 1 }), want: { state: "working", ready: 1 } },
  {
    name: "running is not ready",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1, status: { phase: "running" } }] }),
    want: { state: "working", ready: 1, phases: new Map([["running", 1]]) },
  },
  {
    name: "a pod of another revision has to go first",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1 }, { slot: 1, serial: 9, revision: earlier }] }),
    want: { state: "working", ready: 2, leaving: 1, stopping: 0, old: 1 },
  },
  {
    name: "a stopping pod has to go first",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1 }, { slot: 2, stop: "scale-down" }] }),
    want: { state: "working", ready: 2, leaving: 1, stopping: 1, old: 0 },
  },
  {
    name: "what the master computed for an earlier generation does not count",
    fixture: web({ pods: 2, document: { generation: 2 } }),
    goal: { generation: 2 },
    want: { state: "working", ready: 2 },
  },
  {
    name: "what a worker said that is gone does not count",
    fixture: web({ pods: 2 }),
    present: new Set(),
    want: { state: "working", ready: 0 },
  },
  {
    name: "a pod that the worker gave up on: failed at once, with its reason",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1, status: failed }] }),
    want: { state: "failed", why: { code: "IMAGE_NOT_FOUND", message: "no such image", pod: "web-1" } },
  },
  {
    name: "it failed and is being replaced: failed too",
    fixture: web({
      pods: [{ slot: 0 }, { slot: 1, stop: "replaced", status: failed }, { slot: 1, serial: 9 }],
    }),
    want: { state: "failed", ready: 2 },
  },
  {
    name: "a failed pod of another revision is on its way out",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1 }, { slot: 1, serial: 9, revision: earlier, status: failed }] }),
    want: { state: "working", ready: 2 },
  },
  {
    name: "a failed pod from before this generation says nothing yet",
    fixture: web({ pods: [{ slot: 0, status: failed }], document: { generation: 2 } }),
    goal: { generation: 2 },
    want: { state: "working" },
  },
  {
    name: "what a pod overcame before it ran is not the end",
    fixture: web({ pods: [{ slot: 0 }, { slot: 1, status: { ...failed, phase: "running" } }] }),
    want: { state: "working", ready: 1 },
  },
  {
    name: "a crash is trouble, not the end",
    fixture: web({
      pods: [
        { slot: 0 },
        { slot: 1, status: { phase: "starting", reason: { code: "CRASHED", message: "exit code 1" } } },
      ],
    }),
    want: { state: "working", trouble: { code: "CRASHED", message: "exit code 1", pod: "web-1" } },
  },
  {
    name: "the rollout is past its deadline",
    fixture: web({
      pods: 1,
      rollout: { revision: revisionOf(), state: "failed", since: "", reason: "no progress for 120 s" },
    }),
    want: { state: "failed", why: { code: "DEADLINE", message: "no progress for 120 s" } },
  },
  {
    name: "an earlier rollout that failed says nothing about this one",
    fixture: web({ pods: 2, rollout: { revision: earlier, state: "failed", since: "" } }),
    want: { state: "done" },
  },
  {
    name: "someone wants another revision since",
    fixture: web({ pods: 2, document: { generation: 2, revision: earlier, updated: { by: "bob", at: "noon" } } }),
    want: { state: "superseded", why: { message: "web was changed by bob at noon" } },
  },
  {
    name: "someone changed the count since",
    fixture: web({ pods: 2, document: { generation: 2, replicas: 5 } }),
    want: { state: "superseded" },
  },
  {
    name: "someone changed what these pods do not depend on",
    fixture: web({ pods: 2, document: { generation: 2, annotations: { owner: "bob" } } }),
    want: { state: "done" },
  },
  {
    name: "someone deleted it since",
    fixture: web({
      pods: 2,
      document: { deleted: { by: "eve", at: "noon" }, generation: 2, updated: { by: "eve", at: "noon" } },
    }),
    want: { state: "superseded", why: { message: "web was deleted by eve at noon" } },
  },
  { name: "it has gone since", fixture: {}, want: { state: "superseded" } },
  {
    name: "another one has its name since",
    fixture: web({ pods: 2, document: { uid: "other" } }),
    want: { state: "superseded" },
  },
  {
    name: "none wanted and none there: done",
    fixture: web({ pods: 0, document: { replicas: 0 } }),
    goal: { replicas: 0 },
    want: { state: "done" },
  },
  {
    name: "delete: pods are leaving",
    fixture: web({ pods: 2, document: { deleted: { by: "eve", at: "noon" } } }),
    goal: { do: "delete" },
    want: { state: "working", leaving: 2 },
  },
  { name: "delete: gone", fixture: {}, goal: { do: "delete" }, want: { state: "done", leaving: 0 } },
  {
    name: "delete: gone, and another one has its name",
    fixture: web({ pods: 2, document: { uid: "other" } }),
    goal: { do: "delete" },
    want: { state: "done", leaving: 0 },
  },
  {
    name: "delete: someone applied it again",
    fixture: web({ pods: 2, document: { generation: 3, updated: { by: "bob", at: "noon" } } }),
    goal: { do: "delete" },
    want: { state: "superseded", why: { message: "web was changed by bob at noon" } },
  },
];
for (const { name, fixture, goal: changes, present, want } of cases) {
  test(name, () => {
    const progress = judged(fixture, changes, present);
    const seen = Object.fromEntries(Object.keys(want).map((key) => [key, progress[key as keyof Progress]]));
    assert.deepEqual(seen, want);
  });
}

test("the goal of an item is what it wrote, or what was there", () => {
  const before = {
    value: deployment({ replicas: { file: 3, override: { count: 9, by: "ann", at: "" } } }),
    version: 1,
  };
  assert.deepEqual(goalOf({ name: "web", action: "unchanged", changes: [], before }), {
    ...goal,
    replicas: 9,
    changed: false,
  });
  const after = { ...before.value, generation: 2, deleted: { by: "ann", at: "" } };
  const deleting = goalOf({ name: "web", action: "delete", changes: [], before, after });
  assert.deepEqual(deleting, { ...goal, do: "delete", generation: 2, replicas: 0 });
});
