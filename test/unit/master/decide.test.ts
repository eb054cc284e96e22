import assert from "node:assert/strict";
import { test } from "node:test";
import { nextState } from "../../../src/master/changes.ts";
import { decide, previewAt } from "../../../src/master/decide.ts";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import { builtAt, type ClusterFixture, type pod, revisionOf, stateOf } from "../../support/builders.ts";

const decideOn = (fixture: ClusterFixture) => decide(stateOf(fixture), previewAt(builtAt));
/** What the pods of `web` come to: `slot@node revision stop`. */
function podsOfWeb(state: ClusterState): string[] {
  const nodes = new Map(
    [...state.placements].flatMap(([node, { placements }]) => placements.map(({ pod }) => [pod, node] as const)),
  );
  const text = ({ id, slot, revision, stop }: ReturnType<typeof pod>) =>
    `${slot}@${nodes.get(id) ?? "-"}${revision === revisionOf() ? "" : ` ${revision}`}${stop ? ` ${stop.reason}` : ""}`;
  return (state.pods.get("web")?.pods ?? []).map(text);
}

const cases: { name: string; fixture: ClusterFixture; want: string[] }[] = [
  {
    name: "a new Deployment gets its pods, spread over the nodes",
    fixture: { deployments: { web: { document: { replicas: 3 }, pods: [] } }, nodes: { a: {}, b: {} } },
    want: ["0@a", "1@b", "2@a"],
  },
  {
    name: "nothing changes where everything runs",
    fixture: { deployments: { web: { pods: 3 } } },
    want: ["0@node-1", "1@node-1", "2@node-1"],
  },
  {
    name: "scaling down stops the highest slots",
    fixture: { deployments: { web: { document: { replicas: 1 }, pods: 3 } } },
    want: ["0@node-1", "1@node-1 scale-down", "2@node-1 scale-down"],
  },
  {
    name: "scaling up fills the free slots",
    fixture: { deployments: { web: { document: { replicas: 3 }, pods: [{ slot: 1 }] } } },
    want: ["0@node-1", "1@node-1", "2@node-1"],
  },
  {
    name: "a deleted Deployment stops its pods",
    fixture: { deployments: { web: { document: { deleted: { by: "ann", at: builtAt } }, pods: 2 } } },
    want: ["0@node-1 delete", "1@node-1 delete"],
  },
  {
    name: "a rollout makes one successor more than the replicas",
    fixture: { deployments: { web: { pods: [{ revision: "old" }, { revision: "old" }], document: { replicas: 2 } } } },
    want: ["0@node-1 old", "0@node-1", "1@node-1 old"],
  },
];

for (const { name, fixture, want } of cases) {
  test(name, () => {
    const state = stateOf(fixture);
    assert.deepEqual(podsOfWeb(nextState(state, decide(state, previewAt(builtAt)))), want);
  });
}

test("when the last pod of a deleted Deployment has stopped, nothing is left of it", () => {
  const deleted = { by: "ann", at: builtAt };
  const fixture: ClusterFixture = {
    deployments: { web: { document: { deleted }, pods: [{ stop: "delete", status: { phase: "stopped" } }] } },
  };
  const state = nextState(stateOf(fixture), decideOn(fixture));
  assert.deepEqual([state.deployments.size, state.pods.size, state.templates.size], [0, 0, 0]);
  assert.deepEqual(state.placements.get("node-1")?.placements, []);
});

test("a pod that fits nowhere is told why", () => {
  const decision = decideOn({
    deployments: { web: { template: { resources: { memory: "9Gi" } }, pods: [] } },
    nodes: { a: {}, b: {} },
  });
  const [unplaced] = decision.unplaced.values();
  assert.deepEqual(unplaced?.explain().counts, [{ filter: "memory", nodes: 2, text: "without enough free memory" }]);
});
