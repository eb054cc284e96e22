import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDeployment } from "../../../src/cli/show/describe.ts";
import { descriptionText } from "../../../src/cli/show/describe-text.ts";
import { likelyCause } from "../../../src/cli/show/failures.ts";
import type { Observation } from "../../../src/cli/show/observe.ts";
import { why, whyText } from "../../../src/cli/show/why.ts";
import { joinPods } from "../../../src/model/joined-pod.ts";
import type { Failure, Reason } from "../../../src/model/pod.ts";
import { builtAt, type ClusterFixture, type PodFixture, podId, revisionOf, stateOf } from "../../support/builders.ts";

function observed(fixture: ClusterFixture): Observation {
  return {
    state: stateOf(fixture),
    present: new Set(["node-1", "n1", "n2"]),
    nowMs: Date.parse(builtAt) + 60_000,
    syncs: [],
    leaderlessSyncs: new Set<string>(),
  };
}

function because(fixture: ClusterFixture, failures: readonly Failure[] = []): string[] {
  const observation = observed(fixture);
  const [pod] = joinPods(observation.state);
  assert.ok(pod);
  return why(observation, pod, failures).because.map(({ topic, message, details }) =>
    [topic, message, ...details].join("|"),
  );
}

const memory = { resources: { memory: "128Mi" } };
const outOfMemory: Reason = { code: "OUT_OF_MEMORY", message: "it needed more memory than its limit" };
const failure = (fields: Partial<Failure> = {}): Failure => ({
  deployment: "web",
  slot: 0,
  pod: podId("web", 0),
  revision: revisionOf(memory),
  at: builtAt,
  exitCode: 137,
  reason: outOfMemory,
  lines: ["allocating", "killed"],
  ...fields,
});

test("a pending pod: the missing amount of each node", () => {
  const web = { pods: [{ node: null }], template: { resources: { memory: "64Gi" } } };
  const [pending] = because({ deployments: { web }, nodes: { n1: {}, n2: {} } });
  assert.match(pending ?? "", /^pending\|fits on none of 2 nodes.*\|n1: memory 64Gi wanted, 8Gi free\|n2: memory/);
});

test("a pod without a node that fits now waits for the master only", () => {
  assert.match(because({ deployments: { web: { pods: [{ node: null }] } } })[0] ?? "", /there is room for it/);
});

test("a pod without a node that a change has made needless waits for no room", () => {
  const web = { pods: [{ node: null, revision: "old" }], template: memory, document: { replicas: 0 } };
  assert.match(because({ deployments: { web } })[0] ?? "", /^pending\|it is no longer wanted/);
});

test("a pod that the master does nothing about: its own reason", () => {
  const web = { pods: [{ node: null }], document: { replicas: 1.5 } };
  assert.match(because({ deployments: { web } })[0] ?? "", /^pending\|replicas is 1.5: it must be a count/);
});

test("a placed pod: what the choice went by, and which nodes could not take it", () => {
  const web = { pods: [{ node: "n1" }], document: { placement: { nodeSelector: { disk: "ssd" }, maxPerNode: 2 } } };
  const [placed] = because({ deployments: { web }, nodes: { n1: { labels: { disk: "ssd" } }, n2: {} } });
  assert.match(placed ?? "", /^placed\|on n1: 1 of 2 nodes can take it; only nodes with disk=ssd, at most 2 on a node/);
  assert.match(placed ?? "", /\|n2: /);
});

test("a pod that restarted: how often, when, the cause and the last lines", () => {
  const web = { template: memory, pods: [{ status: { restarts: 3, exitCode: 137, reason: outOfMemory } }] };
  const reasons = because({ deployments: { web } }, [failure()]);
  assert.equal(
    reasons.find((text) => text.startsWith("restarted")),
    "restarted|3 times; last 60s ago: it needed more memory than its limit; " +
      "exit 137, out of memory at its limit of 128Mi: raise resources.memory|allocating|killed",
  );
});

test("a failure of another incarnation is not this pod's restart", () => {
  const reasons = because({ deployments: { web: {} } }, [failure({ pod: podId("web", 9) })]);
  assert.deepEqual(
    reasons.map((text) => text.split("|")[0]),
    ["placed"],
  );
});

const waits: readonly { name: string; pod: object; want: RegExp }[] = [
  { name: "placed", pod: { status: null }, want: /^not ready\|the worker of its node has not begun/ },
  { name: "pulling", pod: { status: { phase: "pulling" } }, want: /^not ready\|its image is being pulled/ },
  {
    name: "half pulled",
    pod: { status: { phase: "pulling", pulled: 50 } },
    want: /image is being pulled, 50% of it is/,
  },
  {
    name: "not ready by its probe",
    pod: { status: { phase: "running", reason: { code: "NOT_READY", message: "http /: answered 503" } } },
    want: /^not ready\|http \/: answered 503/,
  },
  {
    name: "in its back-off",
    pod: { status: { phase: "starting", restarts: 2, reason: { code: "CRASHED", message: "ended with exit code 1" } } },
    want: /^not ready\|it is started again after its back-off/,
  },
  {
    name: "failed for good",
    pod: { status: { phase: "failed", reason: { code: "IMAGE_NOT_FOUND", message: "no image x" } } },
    want: /^failed\|no image x/,
  },
  {
    name: "failed and replaced soon",
    pod: { notBefore: new Date(Date.parse(builtAt) + 95_000).toISOString(), status: { phase: "failed" } },
    want: /^failed\|the worker has given up on it; another pod is tried in its place in 35s/,
  },
  { name: "stopping", pod: { stop: "scale-down", status: { phase: "stopping" } }, want: /^stopping\|scaled down/ },
];
for (const { name, pod, want } of waits) {
  test(`a pod that is ${name} says so`, () => {
    const reasons = because({ deployments: { web: { pods: [pod] } } });
    assert.ok(
      reasons.some((text) => want.test(text)),
      reasons.join("\n"),
    );
  });
}

test("for people: one line for each reason, details below it", () => {
  const observation = observed({
    deployments: { web: { pods: [{ node: null }], template: { resources: { cpu: "9" } } } },
  });
  const [pod] = joinPods(observation.state);
  assert.ok(pod);
  assert.match(
    whyText(why(observation, pod, [])),
    /^pod\/web-0 \(\w{12}\) is pending\.\nPending: fits.*\n {2}node-1: cpu 9/,
  );
});

const causes: readonly [Reason["code"] | undefined, number | undefined, string | undefined][] = [
  ["OUT_OF_MEMORY", 137, "exit 137, out of memory at its limit of 128Mi: raise resources.memory"],
  ["CRASHED", 127, "exit 127: its command is not in the image: look at command, args and PATH"],
  ["CRASHED", 0, "exit 0: it ended by itself or was stopped by hand, and a Deployment's program has to go on running"],
  ["CRASHED", 3, undefined],
  ["CRASHED", 129, "exit 129: signal 1 ended it"],
  ["CRASHED", undefined, undefined],
  ["LIVENESS_FAILED", 137, undefined],
  ["IMAGE_NOT_FOUND", undefined, undefined],
];
for (const [code, exitCode, want] of causes) {
  test(`${code} with exit code ${exitCode} is probably: ${want}`, () => {
    const reason = code && { code, message: "" };
    assert.equal(likelyCause(reason, exitCode, { image: "demo:1", ...memory }), want);
  });
}

test("describe masks the environment and shows the failure's lines without control characters", () => {
  const template = { ...memory, env: { PASSWORD: "geheim" } };
  const observation = observed({ deployments: { web: { template } } });
  const options = {
    failures: [failure({ revision: revisionOf(template), lines: ["\x1b[31mred"] })],
    pending: new Map(),
    showValues: false,
  };
  const description = describeDeployment(observation, "web", options);
  assert.doesNotMatch(JSON.stringify(description), /geheim/);
  const text = descriptionText(description, { nowMs: observation.nowMs, colour: false });
  assert.match(text, /PASSWORD: "\*\*\*"/);
  assert.match(text, /Last failure of web-0 .*out of memory at its limit of 128Mi.*\n {2}\| �\[31mred/s);
  const shown = describeDeployment(observation, "web", { ...options, showValues: true });
  assert.match(JSON.stringify(shown), /geheim/);
});

const away = (fixture: Partial<ClusterFixture>, pods: readonly PodFixture[] = [{ node: "gone" }]) =>
  because({ deployments: { web: { pods } }, nodes: { n1: {}, n2: {}, gone: {} }, ...fixture })[1] ?? "";
test("a pod on a node that is away: what is done about it, and why not", () => {
  assert.match(
    away({ absent: ["gone"] }),
    /^node\|gone has been absent for 60s: it stays as it is, and gets a successor/,
  );
  assert.match(
    away({ lost: ["gone"] }),
    /^node\|gone has been lost for 60s, and it may run on there; a successor is made soon/,
  );
  const both: PodFixture[] = [{ node: "gone" }, { slot: 0, serial: 4, node: "n1", status: { phase: "pulling" } }];
  assert.match(
    away({ lost: ["gone"] }, both),
    /its successor [0-9a-f]{12} is pulling on n1; whichever is ready first stays/,
  );
  assert.match(
    away({ absent: ["gone"], hold: true }),
    /the master holds: too many are absent; nothing is moved or stopped/,
  );
  const told = because({
    deployments: { web: { pods: [{ node: "gone", stop: "lost" }] } },
    nodes: { n1: {}, gone: {} },
    lost: ["gone"],
  });
  assert.match(told[1] ?? "", /it is stopped when the node is back; orchestra nodes forget gone drops it/);
  assert.match(told[2] ?? "", /^stopping\|its node was lost and another pod has taken its place/);
  assert.equal(told.length, 3);
});

test("a pod whose worker holds against the store", () => {
  const fixture = observed({ deployments: { web: { pods: [{ node: "n1" }] } }, nodes: { n1: {} } });
  const hold = { since: builtAt, reason: "the store is older", incarnation: 1, stops: nobody, starts: nobody };
  const statuses = new Map([["n1", { at: builtAt, hold, statuses: [] }]]);
  const [pod] = joinPods({ ...fixture.state, statuses });
  const told = pod && why({ ...fixture, state: { ...fixture.state, statuses } }, pod, []).because[0];
  assert.equal(told?.message, "the worker of n1 keeps what it knew and stops nothing: the store is older");
});
const nobody = { count: 0, names: [] };

test("a pod whose engine is silent: since when, why, and what is done about it", () => {
  const web = (more: readonly PodFixture[] = []) => ({ web: { pods: [{ node: "n1" }, ...more] } });
  const nodes = { n1: {}, n2: {} };
  const since = "node|the engine of n1 has been silent for 60s: Docker does not answer; ";
  const [lost] = because({ deployments: web(), nodes, engineLost: ["n1"] });
  assert.equal(
    lost,
    `${since}it may run on, and is in DNS while it is ready; a successor is made soon: so many are made at a time`,
  );
  const [held] = because({ deployments: web(), nodes, engineLost: ["n1"], hold: true });
  assert.match(held ?? "", /silent for 60s: .*; the master holds: too many are absent/);
  const successor: PodFixture = { slot: 0, serial: 7, node: "n2", status: { phase: "starting" } };
  const [beside] = because({ deployments: web([successor]), nodes, engineLost: ["n1"] });
  assert.match(beside ?? "", /its successor \w+ is starting on n2; whichever is ready first stays$/);
});
