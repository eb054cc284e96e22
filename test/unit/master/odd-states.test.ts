// Documents that only a hand, a bug or a half-done restore can have made: nothing is lost, nothing throws, and the rest goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nextState } from "../../../src/master/changes.ts";
import { decide, previewAt } from "../../../src/master/decide.ts";
import type { ClusterState } from "../../../src/model/cluster-state.ts";
import {
  act,
  builtAt,
  type ClusterFixture,
  deployment,
  node,
  pod,
  podsDocument,
  revisionOf,
  stateOf,
} from "../../support/builders.ts";
import { decided } from "../../support/decided.ts";
import { rounds, seed } from "../../support/rounds.ts";

const running: ClusterFixture = { deployments: { web: { pods: 2 } } };
const messages = (state: ClusterState) => decide(state, previewAt(builtAt)).problems.map(({ message }) => message);

test("pods without a Deployment document are kept and reported", () => {
  const state = { ...stateOf(running), deployments: new Map() };
  assert.deepEqual(decided(state).pods, ["0@node-1", "1@node-1"]);
  assert.deepEqual(messages(state), ["2 pods have no Deployment document: kept as they are"]);
});

test("placements that no pods document lists are kept and reported, and keep their room", () => {
  const state = { ...stateOf({ deployments: { web: { pods: 1 }, db: { pods: [] } } }), pods: new Map() };
  const result = decided(state);
  assert.equal(
    result.state.placements.get("node-1")?.placements.some(({ pod: id }) => id === pod("web").id),
    true,
  );
  assert.match(messages(state)[0] ?? "", /is placed on node-1 although its Deployment does not list it: it is kept/);
});

test("a lost pods document never brings an id back", () => {
  const first = decided({ deployments: { web: { pods: [] } } }).state;
  const id = first.pods.get("web")?.pods[0]?.id;
  const again = decided({ ...first, pods: new Map() }).state;
  assert.equal(again.pods.get("web")?.pods.length, 1);
  assert.notEqual(again.pods.get("web")?.pods[0]?.id, id);
});

test("pods of a former Deployment of the same name leave before the new one's come", () => {
  const state = stateOf(running);
  const mine = { ...state, deployments: new Map([["web", deployment({ uid: "b2", replicas: 1 })]]) };
  const first = decided(mine);
  assert.deepEqual(first.pods, ["0@node-1 delete", "1@node-1 delete"]);
  const stopped = {
    at: builtAt,
    statuses: (state.statuses.get("node-1")?.statuses ?? []).map((one) => ({ ...one, phase: "stopped" as const })),
  };
  const second = decided({ ...first.state, statuses: new Map([["node-1", stopped]]) });
  assert.deepEqual([second.pods, second.state.pods.get("web")?.uid], [["0@node-1"], "b2"]);
});

test("a revision without a template stops the work on its Deployment, and on no other", () => {
  const state = stateOf({ deployments: { web: { document: { replicas: 3 }, pods: 1 }, db: { pods: [] } } });
  const templates = new Map([...state.templates].filter(([key]) => key.startsWith("db/")));
  const result = decided({ ...state, templates });
  assert.deepEqual([result.pods, result.state.pods.get("db")?.pods.length], [["0@node-1"], 1]);
  assert.deepEqual(messages({ ...state, templates }), [
    `revision ${revisionOf()} has no template: apply the manifest again`,
  ]);
});

test("a template that cannot be understood counts as none", () => {
  const state = stateOf({ deployments: { web: { pods: [], template: { resources: { memory: "lots" } } } } });
  assert.match(messages(state)[0] ?? "", /has no template/);
});

test("a count of replicas that cannot be meant does nothing", () => {
  for (const file of [-1, 1.5, 1e9, Number.NaN]) {
    const state = stateOf({ deployments: { web: { document: { replicas: { file } }, pods: 1 } } });
    assert.match(messages(state)[0] ?? "", /replicas is .*: it must be a count from 0 to 10000/);
    assert.deepEqual(decided(state).pods, ["0@node-1"]);
  }
});

test("a placement on a node that has vanished stays", () => {
  const state = { ...stateOf(running), nodes: new Map() };
  assert.deepEqual(decided(state).pods, ["0@node-1", "1@node-1"]);
});

test("a placement that knows nothing of a stop is told", () => {
  const record = pod("web", { stop: { reason: "scale-down" } });
  const state = stateOf({ deployments: { web: { document: { replicas: 0 }, pods: 1 } } });
  const result = decided({ ...state, pods: new Map([["web", podsDocument([record])]]) });
  assert.deepEqual(result.state.placements.get("node-1")?.placements[0]?.stop, { reason: "scale-down" });
});

test("a deleted Deployment that is applied again before it has gone gets new pods", () => {
  const deleted = decided({ deployments: { web: { pods: 1, document: { deleted: act } } } }).state;
  const state = { ...deleted, deployments: new Map([["web", deployment({ generation: 2 })]]) };
  assert.deepEqual(decided(state).pods, ["0@node-1 delete", "0@node-1"]);
});

test("a pod whose node lost the label is replaced elsewhere, and leaves when its successor is ready", () => {
  const document = { placement: { nodeSelector: { disk: "ssd" } } };
  const labels = { disk: "ssd" };
  const first = decided({ deployments: { web: { document, pods: 1 } }, nodes: { "node-1": {}, "node-2": { labels } } });
  assert.deepEqual(first.pods, ["0@node-1", "0@node-2"]);
  const pods: ClusterFixture["deployments"] = { web: { document, pods: [{}, { slot: 0, serial: 3, node: "node-2" }] } };
  assert.deepEqual(decided({ deployments: pods, nodes: { "node-1": {}, "node-2": { labels } } }).pods, [
    "0@node-1 misplaced",
    "0@node-2",
  ]);
});

test("cordoning and absence move nothing", () => {
  const state = stateOf({ ...running, absent: ["node-1"] });
  assert.deepEqual(decided({ ...state, controls: new Map([["node-1", { cordoned: act }]]) }).pods, [
    "0@node-1",
    "1@node-1",
  ]);
});

test("a revision that nobody names goes after a minute", () => {
  const state = stateOf(running);
  const templates = new Map(state.templates).set("web/unnamed", { image: "x" }).set("gone/rev", { image: "x" });
  const first = decide({ ...state, templates }, previewAt(builtAt));
  assert.deepEqual([first.unusedRevisions, first.againInMs], [[], 60_000]);
  const later = { now: 60_000, firstSeen: first.firstSeen, wall: builtAt };
  const second = decide({ ...state, templates }, later);
  assert.deepEqual(second.unusedRevisions, [
    { deployment: "web", revision: "unnamed" },
    { deployment: "gone", revision: "rev" },
  ]);
  assert.equal(nextState({ ...state, templates }, second).templates.size, 1);
});

test("of very many revisions that nobody names some go at once, and the rest follows", () => {
  const state = stateOf(running);
  const templates = new Map(state.templates);
  for (let index = 0; index < 1_200; index += 1) templates.set(`gone/rev-${index}`, { image: "x" });
  let look = { ...state, templates };
  const { firstSeen } = decide(look, previewAt(builtAt));
  const removed: number[] = [];
  for (let pass = 0; pass < 3; pass += 1) {
    const decision = decide(look, { now: 60_000, firstSeen, wall: builtAt });
    removed.push(decision.unusedRevisions.length);
    assert.equal(decision.againInMs === 0, pass < 2);
    look = nextState(look, decision) as typeof look;
  }
  assert.deepEqual(removed, [500, 500, 200]);
});

test("whatever the documents hold, a decision is made, and one on what it makes", () => {
  const record = fc.record(
    {
      id: fc.constantFrom("a", "b", "c", "__proto__"),
      serial: fc.constantFrom(0, 1, 7, -1, 1e15),
      slot: fc.constantFrom(0, 1, 2, -1, 5_000),
      revision: fc.constantFrom(revisionOf(), "old", ""),
      stop: fc.constantFrom({ reason: "rollout" as const }, { reason: "delete" as const }),
      wasReady: fc.constant(true as const),
      failures: fc.constantFrom(0, 3, 1e6),
      notBefore: fc.constant("never"),
    },
    { requiredKeys: ["id", "serial", "slot", "revision"] },
  );
  const placement = fc.record({
    pod: fc.constantFrom("a", "b", "c", "z"),
    deployment: fc.constantFrom("web", "gone"),
    slot: fc.nat(3),
    revision: fc.constantFrom("old", "x"),
  });
  const status = fc.record({
    pod: fc.constantFrom("a", "b", "z"),
    phase: fc.constantFrom("ready" as const, "failed" as const, "stopped" as const),
    restarts: fc.nat(2),
  });
  const junk = fc.constantFrom(undefined, null, 0, "x", {}, []);
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 5 }),
      fc.array(placement, { maxLength: 4 }),
      fc.array(status, { maxLength: 3 }),
      junk,
      junk,
      (records, placements, statuses, ...parts) => {
        const state = stateOf({
          deployments: { web: { document: { replicas: 2, strategy: { maxSurge: "x%", maxUnavailable: -1 } } } },
        });
        const [strategy, pods] = parts as unknown as never[];
        const odd: ClusterState = {
          ...state,
          deployments: new Map(state.deployments).set("odd", {
            ...deployment(),
            strategy: strategy as never,
            placement: strategy as never,
          }),
          pods: new Map(state.pods)
            .set("web", { ...podsDocument(records), pods: records })
            .set("odd", { uid: "x", pods: pods as never }),
          placements: new Map([
            ["node-1", { placements }],
            ["elsewhere", { placements }],
          ]),
          statuses: new Map([["node-1", { at: builtAt, statuses }]]),
          nodes: new Map(state.nodes).set("node-2", { ...node(), labels: {} }),
        };
        const decision = decide(odd, previewAt(builtAt));
        decide(nextState(odd, decision), previewAt(builtAt));
      },
    ),
    { numRuns: rounds * 20, seed },
  );
});
