// What takes time: back-off after failures, and the deadline of a rollout. Both by the leader's own clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../../src/controller/backoff.ts";
import {
  builtAt,
  type ClusterFixture,
  type DeploymentFixture,
  type PodFixture,
  pod,
  revisionOf,
  stateOf,
} from "../../support/builders.ts";
import { decided } from "../../support/decided.ts";

const failed: PodFixture = {
  status: { phase: "failed", reason: { code: "IMAGE_NOT_FOUND", message: "no such image" } },
};
const web = (pods: readonly PodFixture[], rollout?: "progressing" | "failed", deadline = 60): ClusterFixture => ({
  deployments: {
    web: {
      document: { replicas: 1, strategy: { progressDeadlineSeconds: deadline } },
      pods,
      ...(rollout ? { rollout: { revision: revisionOf(), state: rollout, since: "2026-01-01T00:00:00.000Z" } } : {}),
    },
  },
});
const recordsOf = (result: ReturnType<typeof decided>) => result.state.pods.get("web")?.pods ?? [];
const rolloutOf = (result: ReturnType<typeof decided>) => result.state.pods.get("web")?.rollout;

test("back-off doubles from 10 s to 5 min", () => {
  assert.deepEqual([1, 2, 3, 6, 7, 40].map(backoffMs), [10_000, 20_000, 40_000, 300_000, 300_000, 300_000]);
});

test("when the worker gives up on a pod, its slot's failures are counted, and a successor comes after the back-off", () => {
  const first = decided(web([failed]));
  assert.deepEqual(
    recordsOf(first).map(({ failures, notBefore }) => ({ failures, notBefore })),
    [{ failures: 1, notBefore: "2026-01-02T03:04:15.000Z" }],
  );
  assert.equal(first.decision.againInMs, 10_000);
  const { firstSeen } = first.decision;
  assert.deepEqual(decided(first.state, { now: 9_999, firstSeen }).pods, ["0@node-1"]);
  const second = decided(first.state, { now: 10_000, firstSeen });
  assert.deepEqual(second.pods, ["0@node-1 replaced", "0@node-1"]);
  assert.deepEqual(
    recordsOf(second).map(({ failures }) => failures),
    [1, 1],
  );
});

test("a new leader waits for the whole back-off again", () => {
  const first = decided(web([failed]));
  assert.deepEqual(decided(first.state, { now: 1_000_000 }).pods, ["0@node-1"]);
});

test("a ready pod ends the row of failures", () => {
  const state = decided(web([{}])).state;
  const document = state.pods.get("web");
  assert.ok(document);
  const counted = document.pods.map((record) => ({ ...record, failures: 3 }));
  const pods = new Map([["web", { ...document, pods: counted }]]);
  assert.deepEqual(
    recordsOf(decided({ ...state, pods })).map(({ failures }) => failures),
    [undefined],
  );
});

test("what a worker said that is not there now is left alone", () => {
  assert.deepEqual(recordsOf(decided({ ...web([failed]), absent: ["node-1"] })), [pod("web")]);
});

test("a successor that has crashed is trusted again, and followed by the next, when it has been ready for 10 s", () => {
  const old = revisionOf({ image: "old" });
  const rolling = (restarts: number, phase: "ready" | "running"): ClusterFixture => ({
    deployments: {
      web: { document: { replicas: 2 }, pods: [{ status: { restarts, phase } }, { slot: 1, revision: old }] },
    },
  });
  const held = ["0@node-1", `1@node-1 ${old}`];
  const first = decided(rolling(1, "ready"));
  assert.deepEqual(first.pods, held);
  assert.equal(first.decision.againInMs, 10_000);
  const { firstSeen } = first.decision;
  assert.deepEqual(decided(rolling(1, "ready"), { now: 9_999, firstSeen }).pods, held);
  assert.deepEqual(decided(rolling(2, "ready"), { now: 10_000, firstSeen }).pods, held);
  const down = decided(rolling(1, "running"), { now: 5_000, firstSeen });
  assert.deepEqual(decided(rolling(1, "ready"), { now: 10_000, firstSeen: down.decision.firstSeen }).pods, held);
  assert.deepEqual(decided(rolling(1, "ready"), { now: 10_000, firstSeen }).pods, [...held, "1@node-1"]);
  assert.deepEqual(decided(rolling(0, "ready")).pods, [...held, "1@node-1"]);
});

test("trusting a successor again takes half of a short deadline, so that the wait itself does not fail the rollout", () => {
  const old = revisionOf({ image: "old" });
  const rolling: ClusterFixture = {
    deployments: {
      web: {
        document: { replicas: 2, strategy: { progressDeadlineSeconds: 4 } },
        pods: [{ status: { restarts: 1 } }, { slot: 1, revision: old }],
      },
    },
  };
  const first = decided(rolling);
  assert.equal(first.decision.againInMs, 2_000);
  const { firstSeen } = first.decision;
  assert.deepEqual(decided(first.state, { now: 2_000, firstSeen }).pods, [...first.pods, "1@node-1"]);
});

test("a new leader watches a successor that has crashed for the whole time again", () => {
  const old = revisionOf({ image: "old" });
  const pods = [{ status: { restarts: 1 } }, { slot: 1, revision: old }];
  const first = decided({ deployments: { web: { document: { replicas: 2 }, pods } } });
  assert.deepEqual(decided(first.state, { now: 1_000_000 }).pods, first.pods);
});

test("a rollout that gets no further before its deadline has failed, and says why", () => {
  const starting = web(
    [{ status: { phase: "starting", reason: { code: "NOT_READY", message: "GET / says 500" } } }],
    "progressing",
  );
  const first = decided(starting);
  assert.equal(rolloutOf(first)?.state, "progressing");
  assert.equal(first.decision.againInMs, 60_000);
  const late = decided(first.state, { now: 60_000, firstSeen: first.decision.firstSeen });
  assert.equal(
    rolloutOf(late)?.reason,
    `no progress for 60 s: 0 of 1 pods of revision ${revisionOf()} are ready; web-0 says: GET / says 500`,
  );
  assert.equal(
    rolloutOf(decided(first.state, { now: 60_000 }))?.state,
    "progressing",
    "a new leader restarts the deadline",
  );
});

test("progress restarts the deadline", () => {
  const fixture = (ready: boolean): ClusterFixture => ({
    deployments: {
      web: {
        document: { replicas: 2 },
        pods: [ready ? {} : { status: { phase: "starting" } }, { status: { phase: "starting" } }],
        rollout: { revision: revisionOf(), state: "progressing", since: "2026-01-01T00:00:00.000Z" },
      },
    },
  });
  const first = decided(fixture(false));
  const second = decided(fixture(true), { now: 119_000, firstSeen: first.decision.firstSeen });
  assert.equal(
    rolloutOf(decided(second.state, { now: 121_000, firstSeen: second.decision.firstSeen }))?.state,
    "progressing",
  );
  assert.equal(
    rolloutOf(decided(second.state, { now: 240_000, firstSeen: second.decision.firstSeen }))?.state,
    "failed",
  );
});

test("a pod that is ready, not ready and ready again puts the deadline off no further", () => {
  const fixture = (ready: boolean): Record<string, DeploymentFixture> => ({
    web: {
      document: { replicas: 2 },
      pods: [ready ? {} : { status: { phase: "running" } }, { status: { phase: "running" } }],
    },
  });
  const statuses = (ready: boolean) => stateOf({ deployments: fixture(ready) }).statuses;
  const start = stateOf({
    deployments: {
      web: { ...fixture(true)?.["web"], rollout: { revision: revisionOf(), state: "progressing", since: builtAt } },
    },
  });
  let result = decided(start);
  for (const [now, ready] of [
    [50_000, false],
    [100_000, true],
    [119_000, false],
  ] as const) {
    const { firstSeen } = result.decision;
    result = decided({ ...result.state, statuses: statuses(ready) }, { now, firstSeen });
    assert.equal(rolloutOf(result)?.state, "progressing");
  }
  const { firstSeen } = result.decision;
  assert.equal(rolloutOf(decided(result.state, { now: 120_000, firstSeen }))?.state, "failed");
});

const old: PodFixture = { revision: "old" };

test("a failed rollout stays as it is: no step, no stop, no retry beside a pod that serves", () => {
  const stuck = web([old, { ...failed, slot: 0, serial: 5 }], "failed");
  const first = decided(stuck);
  assert.deepEqual(decided(first.state, { now: 1_000_000, firstSeen: first.decision.firstSeen }).pods, [
    "0@node-1 old",
    "0@node-1",
  ]);
});

test("in a failed rollout not even a predecessor of a ready pod goes, while other slots are not done", () => {
  const state = { revision: revisionOf(), state: "failed" as const, since: "2026-01-01T00:00:00.000Z" };
  const pods = [old, { slot: 0, serial: 5 }, { ...old, slot: 1 }];
  const result = decided({ deployments: { web: { document: { replicas: 2 }, pods, rollout: state } } });
  assert.deepEqual(result.pods, ["0@node-1 old", "0@node-1", "1@node-1 old"]);
});

test("a new generation starts a failed rollout anew", () => {
  const { state } = decided(web([old], "failed"));
  assert.deepEqual(decided(state).pods, ["0@node-1 old"]);
  const document = state.deployments.get("web");
  assert.ok(document);
  const again = decided({ ...state, deployments: new Map([["web", { ...document, generation: 2 }]]) });
  assert.deepEqual(again.pods, ["0@node-1 old", "0@node-1"]);
  assert.equal(rolloutOf(again)?.state, "progressing");
});

test("a failed rollout whose pods are all ready in the end is complete", () => {
  const late = decided(web([old, { slot: 0, serial: 5 }], "failed"));
  assert.equal(rolloutOf(late)?.state, "complete");
  assert.deepEqual(late.pods, ["0@node-1 old rollout", "0@node-1"]);
});

test("pods of a failed rollout that replace nobody are tried again and again", () => {
  const first = decided(web([failed], "failed"));
  const second = decided(first.state, { now: 10_000, firstSeen: first.decision.firstSeen });
  assert.deepEqual(second.pods, ["0@node-1 replaced", "0@node-1"]);
});
