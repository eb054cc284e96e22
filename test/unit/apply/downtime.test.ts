import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wanted } from "../../../src/apply/document.ts";
import type { ClusterFixture } from "../../support/builders.ts";
import { applied, manifest } from "../../support/forecasts.ts";

const hostPorted = { ports: [{ containerPort: 80, hostPort: 8080 }] };
const ported = (fields: Parameters<typeof manifest>[1] = {}) =>
  manifest("web", { ...fields, template: { image: "demo:2", ...hostPorted } });

/** `ready`: now, at the least, in the end, wanted. */
const ways: { name: string; fixture: ClusterFixture; apply: Wanted; ready: number[]; downtime?: [string, RegExp] }[] = [
  {
    name: "one that is made was never ready, and so has no downtime",
    fixture: {},
    apply: manifest("web", { replicas: 3 }),
    ready: [0, 0, 3, 3],
  },
  {
    name: "a successor is ready before its predecessor leaves",
    fixture: { deployments: { web: { pods: 3 } } },
    apply: manifest("web", { replicas: 3, image: "demo:2" }),
    ready: [3, 3, 3, 3],
  },
  {
    name: "the only pod too",
    fixture: { deployments: { web: { pods: 1 } } },
    apply: manifest("web", { replicas: 1, image: "demo:2" }),
    ready: [1, 1, 1, 1],
  },
  {
    name: "fewer are fewer",
    fixture: { deployments: { web: { pods: 3 } } },
    apply: manifest("web", { replicas: 2 }),
    ready: [3, 2, 2, 2],
  },
  {
    name: "maxUnavailable lets some be away, never all",
    fixture: { deployments: { web: { pods: 3 } } },
    apply: manifest("web", { replicas: 3, image: "demo:2", strategy: { maxSurge: 0, maxUnavailable: 2 } }),
    ready: [3, 1, 3, 3],
  },
  {
    name: "maxUnavailable lets all be away",
    fixture: { deployments: { web: { pods: 2 } } },
    apply: manifest("web", { replicas: 2, image: "demo:2", strategy: { maxSurge: 0, maxUnavailable: "100%" } }),
    ready: [2, 0, 2, 2],
    downtime: ["strategy", /^web-0, web-1 stop before their .* \(maxSurge 0, maxUnavailable 100%\)$/],
  },
  {
    name: "the only pod stops first where the strategy has no surge",
    fixture: { deployments: { web: { pods: 1 } } },
    apply: manifest("web", { replicas: 1, image: "demo:2", strategy: { maxSurge: 0 } }),
    ready: [1, 0, 1, 1],
    downtime: ["strategy", /^web-0 stops before its successor is ready, .* \(maxSurge 0, maxUnavailable 0\)$/],
  },
  {
    name: "the only pod holds a host port on the only node",
    fixture: { deployments: { web: { pods: 1, template: hostPorted } } },
    apply: ported({ replicas: 1 }),
    ready: [1, 0, 1, 1],
    downtime: ["hostPort", /^web-0 must leave its host port/],
  },
  {
    name: "pods that hold a host port on every node leave one after another",
    fixture: {
      nodes: { n1: {}, n2: {} },
      deployments: { web: { template: hostPorted, pods: [{ node: "n1" }, { slot: 1, node: "n2" }] } },
    },
    apply: ported({ replicas: 2 }),
    ready: [2, 1, 2, 2],
  },
  {
    name: "the only pod has the only place under maxPerNode",
    fixture: { deployments: { web: { document: { placement: { maxPerNode: 1 } }, pods: 1 } } },
    apply: manifest("web", { replicas: 1, image: "demo:2", placement: { maxPerNode: 1 } }),
    ready: [1, 0, 1, 1],
    downtime: ["maxPerNode", /^web-0 must leave its node \(maxPerNode 1\)/],
  },
  {
    name: "a count of 0",
    fixture: { deployments: { web: { pods: 2 } } },
    apply: manifest("web", { replicas: 0 }),
    ready: [2, 0, 0, 0],
    downtime: ["scale", /^it is scaled to 0$/],
  },
  {
    name: "what is not ready now is no downtime when it is replaced",
    fixture: { deployments: { web: { pods: [{ status: { phase: "running" } }] } } },
    apply: manifest("web", { replicas: 1, image: "demo:2", strategy: { maxSurge: 0 } }),
    ready: [0, 0, 1, 1],
  },
];
for (const { name, fixture, apply, ready, downtime } of ways) {
  test(`ready on the way: ${name}`, () => {
    const [now, least, after, all] = ready;
    const found = applied(fixture, true, apply).get("web");
    assert.deepEqual(found?.ready, { now, least, after, wanted: all });
    assert.equal(found.downtime?.why, downtime?.[0]);
    if (downtime) assert.match(found.downtime?.message ?? "", downtime[1]);
  });
}
