import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wanted } from "../../../src/apply/document.ts";
import { type Forecast, forecast } from "../../../src/apply/forecast.ts";
import { planApply, planDelete } from "../../../src/apply/plan.ts";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import { builtAt, type ClusterFixture, revisionOf, stateOf } from "../../support/builders.ts";
import { applied, known, manifest } from "../../support/forecasts.ts";
import { author } from "../../support/plans.ts";

type Pods = Omit<Forecast, "ready" | "downtime">;
const nothing: Pods = { created: [], replaced: [], moved: [], stopped: [], untouched: 0, unplaced: [] };

function podsOf(told: Forecast | undefined): Pods | undefined {
  if (!told) return undefined;
  const { ready: _r, downtime: _d, ...pods } = told;
  return pods;
}

const two = { nodes: { "node-1": {}, "node-2": { key: "b" } } };
const on = (name: string, node: string) => ({ name, node });

const threeNodes = { nodes: { n1: {}, n2: {}, n3: {} } };

const cases: { name: string; fixture: ClusterFixture; running?: boolean; apply: Wanted; want: Partial<Pods> }[] = [
  {
    name: "a new Deployment: its pods, spread over the nodes",
    fixture: two,
    apply: manifest("web", { replicas: 3 }),
    want: { created: [on("web-0", "node-1"), on("web-1", "node-2"), on("web-2", "node-1")] },
  },
  {
    name: "no node yet: pods, and nobody knows where",
    fixture: { nodes: {} },
    apply: manifest("web", { replicas: 2 }),
    want: { created: [{ name: "web-0" }, { name: "web-1" }] },
  },
  {
    name: "more replicas leave the others alone",
    fixture: { deployments: { web: { pods: 2 } } },
    apply: manifest("web", { replicas: 3 }),
    want: { created: [on("web-2", "node-1")], untouched: 2 },
  },
  {
    name: "fewer replicas stop the highest slots",
    fixture: { deployments: { web: { pods: 3 } } },
    apply: manifest("web", { replicas: 1 }),
    want: { stopped: [on("web-1", "node-1"), on("web-2", "node-1")], untouched: 1 },
  },
  {
    name: "a new image replaces every pod",
    fixture: { deployments: { web: { pods: 2 } } },
    apply: manifest("web", { replicas: 2, image: "demo:2" }),
    want: { replaced: [on("web-0", "node-1"), on("web-1", "node-1")] },
  },
  {
    name: "pods that never had a place are created where they get one, and nobody is replaced or stopped",
    fixture: {
      deployments: {
        web: {
          template: { image: "demo:1", resources: { cpu: "1000" } },
          pods: [{ node: null }, { slot: 1, node: null }],
        },
      },
    },
    apply: manifest("web", { replicas: 1 }),
    want: { created: [on("web-0", "node-1")] },
  },
  {
    name: "a pod of the wanted revision that has crashed before and is ready holds the rollout up for a while, not for good",
    fixture: {
      deployments: {
        web: {
          document: { replicas: 2 },
          pods: [{ status: { restarts: 3 } }, { slot: 1, revision: revisionOf({ image: "demo:0" }) }],
        },
      },
    },
    apply: manifest("web", { replicas: 3 }),
    want: { created: [on("web-2", "node-1")], replaced: [on("web-1", "node-1")], untouched: 1 },
  },
  {
    name: "labels of the Deployment replace nothing",
    fixture: { deployments: { web: { pods: 2 } } },
    apply: manifest("web", { replicas: 2, labels: { team: "shop" } }),
    want: { untouched: 2 },
  },
  {
    name: "a host port on the only node: the predecessor has to leave first",
    fixture: { deployments: { web: { pods: 1, template: { ports: [{ containerPort: 80, hostPort: 8080 }] } } } },
    apply: manifest("web", {
      replicas: 1,
      template: { image: "demo:2", ports: [{ containerPort: 80, hostPort: 8080 }] },
    }),
    want: { replaced: [{ ...on("web-0", "node-1"), stopFirst: true }] },
  },
  {
    name: "nothing runs: registered nodes are taken to come back, whatever was held",
    fixture: { absent: ["node-1"], hold: true },
    running: false,
    apply: manifest("web", { replicas: 1 }),
    want: { created: [on("web-0", "node-1")] },
  },
  {
    name: "a lost node takes no pods, and what it ran is made elsewhere",
    fixture: { ...threeNodes, lost: ["n1"], deployments: { web: { pods: [{ node: "n1" }, { slot: 1, node: "n2" }] } } },
    apply: manifest("web", { replicas: 3 }),
    want: { created: [on("web-2", "n2")], moved: [{ ...on("web-0", "n3"), from: "n1" }], untouched: 1 },
  },
  {
    name: "a node whose engine is lost takes no pods, and what it ran is made elsewhere",
    fixture: {
      ...{ ...threeNodes, engineLost: ["n1"] },
      deployments: { web: { pods: [{ node: "n1" }, { slot: 1, node: "n2" }] } },
    },
    apply: manifest("web", { replicas: 3 }),
    want: { created: [on("web-2", "n2")], moved: [{ ...on("web-0", "n3"), from: "n1" }], untouched: 1 },
  },
  {
    name: "under a hold what is on a lost node stays, and new pods go elsewhere",
    fixture: {
      ...{ ...threeNodes, lost: ["n1"], hold: true },
      deployments: { web: { pods: [{ node: "n1" }, { slot: 1, node: "n2" }] } },
    },
    apply: manifest("web", { replicas: 3 }),
    want: { created: [on("web-2", "n3")], untouched: 2 },
  },
];
for (const { name, fixture, running = true, apply, want } of cases) {
  test(name, () => assert.deepEqual(podsOf(applied(fixture, running, apply).get("web")), { ...nothing, ...want }));
}

test("pods that fit nowhere are named with the scheduler's reason, and those of others take their room", () => {
  const cpu = (amount: string) => ({ image: "demo:1", resources: { cpu: amount } });
  const fixture: ClusterFixture = { deployments: { other: { pods: 1, template: cpu("3") } } };
  const found = applied(fixture, true, manifest("web", { replicas: 2, template: cpu("750m") })).get("web");
  assert.deepEqual(found?.created, [on("web-0", "node-1")]);
  assert.equal(found.unplaced[0]?.name, "web-1");
  assert.match(found.unplaced[0].reason, /fits on none of 1 node: 1 .*cpu/);
  assert.equal(found.unplaced[0].remedy, "one more fits on node-1 with 500m more cpu");
});

test("pods that run and whose successors find no place now are told as waiting for it", () => {
  const template = { image: "demo:2", resources: { cpu: "1000" } };
  const found = (spec: Parameters<typeof manifest>[1]) =>
    applied({ deployments: { web: { pods: 3 } } }, true, manifest("web", { template, ...spec })).get("web");
  const told = (forecast: Forecast | undefined) => [forecast?.untouched, forecast?.unplaced.length, forecast?.waiting];
  assert.deepEqual(told(found({ replicas: 3 })), [3, 1, 3]);
  assert.deepEqual(told(found({ replicas: 2 })), [2, 1, 2]);
  const allAtOnce = { maxSurge: 0, maxUnavailable: 3 };
  assert.deepEqual(told(found({ replicas: 3, strategy: allAtOnce })), [0, 3, 3]);
});

test("a pod that has never run has nobody who waits to be replaced", () => {
  const large = (image: string) => ({ image, resources: { cpu: "1000" } });
  const fixture: ClusterFixture = { deployments: { web: { template: large("demo:1"), pods: [{ node: null }] } } };
  const { unplaced, waiting } =
    applied(fixture, true, manifest("web", { replicas: 1, template: large("demo:2") })).get("web") ?? {};
  assert.deepEqual([unplaced?.length, waiting], [1, undefined]);
});

test("a deletion stops every pod", () => {
  const state = stateOf({ deployments: { web: { pods: 2 }, api: { pods: 1 } } });
  const plan = planDelete(known(state), ["web"], false, author());
  const found = forecast(state, plan, { wall: builtAt, running: true }).deployments;
  assert.deepEqual([...found.keys()], ["web"]);
  const web = found.get("web");
  assert.deepEqual(podsOf(web), { ...nothing, stopped: [on("web-0", "node-1"), on("web-1", "node-1")] });
  assert.deepEqual(web?.ready, { now: 2, least: 0, after: 0, wanted: 0 });
  assert.deepEqual(web?.downtime, { why: "delete", message: "it is deleted" });
});

test("a rollout of a thousand pods one by one is told without being carried to its end", () => {
  const network = { name: "orchestra", range: "10.42.0.0/16", gateway: "10.42.0.1" };
  const state = stateOf({ nodes: { "node-1": { network } }, deployments: { web: { pods: 1_000 } } });
  const plan = planApply(known(state), [manifest("web", { replicas: 1_000, image: "demo:2" })], author());
  const found = forecast(state, plan, { wall: builtAt, running: true }).deployments.get("web");
  assert.ok(found && (found.more ?? 0) > 0);
  assert.equal(found.replaced.length + found.untouched + (found.more ?? 0), 1_000);
});

test("the free room of a node is told as it is at the end, also of a rollout that is not carried there", () => {
  const mebibyte = 1024 ** 2;
  const template = (memory: string) => ({ image: "demo:1", resources: { memory } });
  const network = { name: "orchestra", range: "10.42.0.0/16", gateway: "10.42.0.1" };
  const fixture = {
    nodes: { n1: { network }, n2: {} },
    deployments: {
      web: {
        document: { replicas: 1_000 },
        template: template("1Mi"),
        pods: Array.from({ length: 1_000 }, () => ({ node: "n1" })),
      },
    },
  };
  const state = stateOf(fixture);
  const cordoned = new Map([["n2", { cordoned: { by: "ann", at: builtAt } }]]);
  const plan = planApply(known(state), [manifest("web", { replicas: 1_000, template: template("2Mi") })], author());
  const found = forecast({ ...state, controls: cordoned }, plan, { wall: builtAt, running: true });
  assert.ok((found.deployments.get("web")?.more ?? 0) > 0);
  const free = (pods: number) => ({ cpuMilli: 4_000, memoryBytes: 8 * 1024 * mebibyte - pods * mebibyte, pods: 1_000 });
  assert.deepEqual(found.nodes, [{ name: "n1", before: free(1_000), after: free(2_000) }]);
});

test("a rollout that is not carried to its end is told so whatever another Deployment of the plan has no place for", () => {
  const network = { name: "orchestra", range: "10.42.0.0/16", gateway: "10.42.0.1" };
  const fixture: ClusterFixture = { nodes: { "node-1": { network } }, deployments: { web: { pods: 1_000 } } };
  const large = { image: "demo:1", resources: { cpu: "1000" } };
  const manifests = [
    manifest("api", { replicas: 1, template: large }),
    manifest("web", { replicas: 1_000, image: "demo:2" }),
  ];
  const found = applied(fixture, true, ...manifests);
  assert.equal(found.get("api")?.unplaced.length, 1);
  const web = found.get("web");
  assert.ok(web && (web.more ?? 0) > 0);
  assert.equal(web.replaced.length + web.untouched + (web.more ?? 0), 1_000);
});

const old = revisionOf({ image: "demo:0" });
/** Its new pod starts on `n1`, and the old ones run on `n2`. */
const rollingWeb = {
  document: { replicas: 2 },
  pods: [
    { serial: 2, node: "n1", status: { phase: "starting" as const } },
    { slot: 0, node: "n2", revision: old },
    { slot: 1, node: "n2", revision: old },
  ],
};

test("a rollout that waits for a node that is away does not say that more is replaced", () => {
  const fixture: ClusterFixture = {
    nodes: { n1: {}, n2: {} },
    absent: ["n1"],
    deployments: { web: rollingWeb },
  };
  const found = applied(fixture, true, manifest("web", { replicas: 2, labels: { team: "shop" } })).get("web");
  assert.deepEqual(podsOf(found), { ...nothing, untouched: 2 });
});

test("a node whose engine has gone silent stops and starts nothing: a rollout that has begun there waits, and its room stays taken", () => {
  const fixture: ClusterFixture = {
    nodes: { n1: {}, n2: {} },
    deployments: { web: rollingWeb, api: { pods: [{ node: "n1" }] } },
  };
  const state = stateOf(fixture);
  const engine = { since: builtAt, reason: "Docker does not answer" };
  const silent = { at: builtAt, engine, statuses: state.statuses.get("n1")?.statuses ?? [] };
  const statuses = new Map(state.statuses).set("n1", silent);
  const manifests = [manifest("api", { replicas: 0 }), manifest("web", { replicas: 2, labels: { team: "shop" } })];
  const plan = planApply(known(state), manifests, author());
  const found = forecast({ ...state, statuses }, plan, { wall: builtAt, running: true });
  assert.deepEqual(podsOf(found.deployments.get("web")), { ...nothing, untouched: 2 });
  assert.deepEqual(podsOf(found.deployments.get("api")), { ...nothing, stopped: [on("api-0", "n1")] });
  assert.deepEqual(found.nodes, []);
});

const damages: readonly { key: string; untouched: number; told: RegExp }[] = [
  { key: "pods/web", untouched: 0, told: /^the document pods\/web is damaged \(broken\): nothing is done with it$/ },
  {
    key: "pods/web/1",
    untouched: 2,
    told: /^the document pods\/web\/1 is damaged \(broken\): nothing is done with it$/,
  },
  {
    key: "placements/n1",
    untouched: 2,
    told: /^the document placements\/n1 is damaged \(broken\), and pods of it may be/,
  },
];
for (const { key, untouched, told } of damages) {
  test(`where ${key} is damaged nothing is done, and that is what is told`, () => {
    const pods = [{ node: "n1" }, { slot: 1, node: "n2" }];
    const state = stateOf({ nodes: { n1: {}, n2: {} }, deployments: { web: { document: { replicas: 2 }, pods } } });
    const without = <T>(found: ReadonlyMap<string, T>, name: string) =>
      new Map([...found].filter(([other]) => !key.endsWith(`/${name}`) || other !== name));
    const torn: ClusterState = {
      ...state,
      pods: without(state.pods, "web"),
      placements: without(state.placements, "n1"),
      damaged: new Map([[key, { why: "broken" }]]),
    };
    const plan = planApply(known(state), [manifest("web", { replicas: 3, image: "demo:2" })], author());
    const found = forecast(torn, plan, { wall: builtAt, running: true }).deployments.get("web");
    assert.match(found?.problem ?? "", told);
    assert.deepEqual(found && { ...podsOf(found), problem: "" }, { ...nothing, untouched, problem: "" });
  });
}

test("what does not change has no forecast, and the state that it was made from stays as it was", () => {
  const fixture: ClusterFixture = { deployments: { web: { pods: 1 }, api: { pods: 1 } } };
  const state = stateOf(fixture);
  const plan = planApply(known(state), [manifest("web", { replicas: 1 }), manifest("api", { replicas: 3 })], author());
  assert.deepEqual([...forecast(state, plan, { wall: builtAt, running: true }).deployments.keys()], ["api"]);
  assert.deepEqual(state, stateOf(fixture));
});
