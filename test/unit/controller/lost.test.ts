// Pods of lost nodes: successors elsewhere, at a limited rate; what is there earlier stays, and the other goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nextState } from "../../../src/master/changes.ts";
import { decide, previewAt } from "../../../src/master/decide.ts";
import { movesPerSecond } from "../../../src/master/moves.ts";
import { act, builtAt, type ClusterFixture, type PodFixture, revisionOf, stateOf } from "../../support/builders.ts";
import { decided } from "../../support/decided.ts";

const nodes = { n1: {}, n2: {}, n3: {} };
const old = revisionOf({ image: "old" });
const web = (pods: readonly PodFixture[], fields: Partial<ClusterFixture> = {}, replicas = 1): ClusterFixture => ({
  deployments: { web: { document: { replicas }, pods } },
  nodes,
  ...fields,
});
const onN1: PodFixture = { node: "n1" };
const successor: PodFixture = { slot: 0, serial: 7, node: "n2" };
const unready: PodFixture = { ...successor, status: { phase: "running" } };
/** With n1 lost. */
function failedRollout(pods: readonly PodFixture[], replicas = 1): ClusterFixture {
  const rollout = { revision: revisionOf(), state: "failed" as const, since: builtAt };
  return { deployments: { web: { document: { replicas }, pods, rollout } }, nodes, lost: ["n1"] };
}

const cases: readonly { name: string; fixture: ClusterFixture; want: readonly string[] }[] = [
  { name: "absence alone moves nothing", fixture: web([onN1], { absent: ["n1"] }), want: ["0@n1"] },
  {
    name: "a pod on a lost node gets a successor elsewhere",
    fixture: web([onN1], { lost: ["n1"] }),
    want: ["0@n1", "0@n2"],
  },
  {
    name: "it is kept while the successor is not ready",
    fixture: web([onN1, unready], { lost: ["n1"] }),
    want: ["0@n1", "0@n2"],
  },
  {
    name: "it is told to stop when the successor is ready",
    fixture: web([onN1, successor], { lost: ["n1"] }),
    want: ["0@n1 lost", "0@n2"],
  },
  {
    name: "the node is back first: the one that is not ready goes",
    fixture: web([onN1, unready]),
    want: ["0@n1", "0@n2 superseded"],
  },
  {
    name: "the node is back as the successor got ready: the oldest stays",
    fixture: web([onN1, successor]),
    want: ["0@n1", "0@n2 superseded"],
  },
  {
    name: "the node is back, and the pod that was told to stop has stopped",
    fixture: web([{ ...onN1, stop: "lost", status: { phase: "stopped" } }, successor]),
    want: ["0@n2"],
  },
  { name: "a hold: nothing is made", fixture: web([onN1], { lost: ["n1"], hold: true }), want: ["0@n1"] },
  {
    name: "a hold: nothing is stopped",
    fixture: web([onN1, successor], { lost: ["n1"], hold: true }),
    want: ["0@n1", "0@n2"],
  },
  {
    name: "a hold: a successor that is not ready yet stays, too",
    fixture: web([onN1, unready], { lost: ["n1"], hold: true }),
    want: ["0@n1", "0@n2"],
  },
  {
    name: "the successor's node is lost as well",
    fixture: web([onN1, unready], { lost: ["n1", "n2"] }),
    want: ["0@n1", "0@n2", "0@n3"],
  },
  {
    name: "an older revision on a lost node gets a successor of the wanted one, whatever the rollout's limits say",
    fixture: web(
      [
        { node: "n1", revision: old },
        { slot: 1, node: "n1", revision: old },
        { slot: 2, node: "n2", revision: old },
      ],
      { lost: ["n1"] },
      3,
    ),
    want: [`0@n1 ${old}`, "0@n3", `1@n1 ${old}`, "1@n2", `2@n2 ${old}`, "2@n3"],
  },
  {
    name: "a successor of a rollout is lost while its predecessor serves: the rollout makes another",
    fixture: web(
      [
        { node: "n2", revision: old },
        { ...unready, node: "n1" },
      ],
      { lost: ["n1"] },
    ),
    want: [`0@n2 ${old}`, "0@n1", "0@n3"],
  },
  {
    name: "in a failed rollout what served is made again as it was",
    fixture: failedRollout([{ node: "n1", revision: old }]),
    want: [`0@n1 ${old}`, `0@n2 ${old}`],
  },
  {
    name: "also beside a successor that is not ready",
    fixture: failedRollout([{ node: "n1", revision: old }, unready]),
    want: [`0@n1 ${old}`, "0@n2", `0@n3 ${old}`],
  },
  {
    name: "it stays while it is not ready, and so does the lost one",
    fixture: failedRollout([
      { node: "n1", revision: old },
      { ...unready, revision: old },
    ]),
    want: [`0@n1 ${old}`, `0@n2 ${old}`],
  },
  {
    name: "the lost one goes once it is ready",
    fixture: failedRollout([
      { node: "n1", revision: old },
      { ...successor, revision: old },
    ]),
    want: [`0@n1 ${old} lost`, `0@n2 ${old}`],
  },
  {
    name: "nothing is made again where the successor is ready",
    fixture: failedRollout([{ node: "n1", revision: old }, successor, { slot: 1, node: "n2", revision: old }], 2),
    want: [`0@n1 ${old} lost`, "0@n2", `1@n2 ${old}`],
  },
  {
    name: "what is scaled down on a lost node is told to stop at once",
    fixture: web([{ node: "n2" }, { slot: 1, node: "n1" }], { lost: ["n1"] }),
    want: ["0@n2", "1@n1 scale-down"],
  },
  {
    name: "a pod under a lost engine gets a successor elsewhere, however ready it is",
    fixture: web([onN1], { engineLost: ["n1"] }),
    want: ["0@n1", "0@n2"],
  },
  {
    name: "it is kept while the successor is not ready",
    fixture: web([onN1, unready], { engineLost: ["n1"] }),
    want: ["0@n1", "0@n2"],
  },
  {
    name: "it is told to stop when the successor is ready",
    fixture: web([onN1, successor], { engineLost: ["n1"] }),
    want: ["0@n1 lost", "0@n2"],
  },
  {
    name: "where nothing else can take it, the successor waits and the pod stays",
    fixture: web([onN1], { engineLost: ["n1"], nodes: { n1: {} } }),
    want: ["0@n1", "0@-"],
  },
  {
    name: "the only engine answers again: the successor that found no place goes",
    fixture: web([onN1, { ...successor, node: null }], { nodes: { n1: {} } }),
    want: ["0@n1"],
  },
  {
    name: "under a hold nothing is made for lost engines",
    fixture: web([onN1], { engineLost: ["n1"], hold: true }),
    want: ["0@n1"],
  },
  {
    name: "nothing new is placed where the engine is silent",
    fixture: web([{ slot: 0, node: "n2" }], { engineLost: ["n1"], nodes: { n1: {}, n2: {} } }, 2),
    want: ["0@n2", "1@n2"],
  },
  {
    name: "a superseded pod that cannot stop there holds up nobody",
    fixture: web([{ ...onN1, revision: old, stop: "superseded", status: { phase: "stopping" } }], {
      engineLost: ["n1"],
    }),
    want: [`0@n1 ${old} superseded`, "0@n2"],
  },
];
for (const { name, fixture, want } of cases) test(name, () => assert.deepEqual(decided(fixture).pods, want));

test("a deleted Deployment waits for its pods on a lost node, and they keep the word to stop", () => {
  const deployments = { web: { document: { deleted: act }, pods: [onN1] } };
  const first = decided({ deployments, nodes, lost: ["n1"] });
  assert.deepEqual(first.pods, ["0@n1 delete"]);
  assert.deepEqual(first.state.placements.get("n1")?.placements[0]?.stop, { reason: "delete" });
  assert.deepEqual(decided(first.state).decision.changes, []);
});

test("so many at once, then as many a second later; a new leader waits for that second again", () => {
  const count = movesPerSecond * 2 + 20;
  const pods = Array.from(
    { length: count },
    (_, slot): PodFixture => ({ slot, node: "n1", status: { phase: "ready" } }),
  );
  const made = (result: ReturnType<typeof decided>) => (result.state.pods.get("web")?.pods.length ?? 0) - count;
  const first = decided(web(pods, { lost: ["n1"] }, count));
  assert.deepEqual([made(first), first.decision.againInMs], [movesPerSecond, 1_000]);
  const { firstSeen } = decide(first.state, { now: 10, firstSeen: first.decision.firstSeen, wall: builtAt });
  assert.equal(made(decided(first.state, { now: 900, firstSeen })), movesPerSecond);
  const second = decided(first.state, { now: 1_010, firstSeen });
  assert.equal(made(second), movesPerSecond * 2);
  assert.equal(made(decided(second.state, { now: 1_020, firstSeen: second.decision.firstSeen })), movesPerSecond * 2);
  assert.equal(made(decided(first.state, { now: 99_000 })), movesPerSecond, "a new leader");
  const state = stateOf(web(pods, { lost: ["n1"] }, count));
  const all = nextState(state, decide(state, previewAt(builtAt))).pods.get("web")?.pods.length;
  assert.equal(all, count * 2, "a preview shows all of it");
});

test("what is on a forgotten node goes with it; its empty placements stay, and what is there still is replaced", () => {
  const deployments = { web: { document: { replicas: 2 }, pods: [onN1, { slot: 1, node: "n2" }] } };
  const state = stateOf({ deployments, nodes, lost: ["n1"] });
  const forgetting = { ...state, controls: new Map([["n1", { forget: act }]]) };
  const result = decided(forgetting);
  assert.deepEqual(result.decision.forgotten, ["n1"]);
  assert.deepEqual(result.pods, ["0@n3", "1@n2"]);
  assert.deepEqual(result.state.placements.get("n1"), { count: 1, placements: [] });
  const { nodes: left, statuses, controls } = result.state;
  assert.deepEqual([left.has("n1"), statuses.has("n1"), controls.has("n1")], [false, false, false]);
});

test("a node that is there is not forgotten: the word is withdrawn, and what else was said of it stays", () => {
  const state = stateOf(web([onN1]));
  const result = decided({ ...state, controls: new Map([["n1", { cordoned: act, forget: act }]]) });
  assert.deepEqual([result.decision.forgotten, result.decision.returned], [[], ["n1"]]);
  assert.deepEqual(result.pods, ["0@n1"]);
  assert.deepEqual(result.state.controls.get("n1"), { cordoned: act });
});
