// Fields that a newer release has written into documents survive whatever this one writes there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nextDocument } from "../../../src/apply/document.ts";
import { nextPlacements } from "../../../src/master/changes.ts";
import { decide, previewAt } from "../../../src/master/decide.ts";
import { openTimers } from "../../../src/master/timers.ts";
import { verdictsOf } from "../../../src/master/verdicts.ts";
import { splitChunks } from "../../../src/model/cluster-state.ts";
import { act, builtAt, node, stateOf } from "../../support/builders.ts";

const newer = { newer: { kept: true } };
const isKept = (document: unknown) => assert.deepEqual((document as typeof newer | undefined)?.newer, newer.newer);
const state = stateOf({ deployments: { web: { document: { replicas: 2 }, pods: 1 } } });

test("an apply keeps them, and drops what the manifest no longer says", () => {
  const there = state.deployments.get("web") ?? assert.fail();
  const old = { ...there, ...newer, labels: { team: "a" }, protect: true as const, deleted: act };
  const wanted = { spec: { name: "web", template: { image: "x" } }, revision: "0".repeat(12), manifestHash: "h" };
  const author = { ...act, source: "cli", newUid: () => "u" };
  const next = nextDocument(old, wanted as never, author);
  isKept(next);
  assert.deepEqual([next.uid, next.created, next.revision], [old.uid, old.created, "0".repeat(12)]);
  assert.deepEqual([next.labels, next.protect, next.deleted], [undefined, undefined, undefined]);
});

test("pods and placements keep them", () => {
  const pods = new Map([...state.pods].map(([name, document]) => [name, { ...document, ...newer }]));
  const placements = new Map([...state.placements].map(([name, document]) => [name, { ...document, ...newer }]));
  const decision = decide({ ...state, pods, placements }, previewAt(builtAt));
  const [change] = decision.changes;
  assert.ok(change?.pods);
  isKept(change.pods);
  isKept(splitChunks("web", change.pods).values().next().value);
  for (const document of nextPlacements(placements, decision.changes, []).values()) isKept(document);
});

test("verdicts keep them, and a hold that is over goes", () => {
  const hold = { since: builtAt, reason: "half of the nodes" };
  const before = { ...newer, nodes: {}, hold };
  const attendance = {
    nodes: new Map([["a", node()]]),
    present: new Set(["a"]),
    silent: new Set<string>(),
    controls: new Map(),
  };
  const timers = openTimers({ now: 0, firstSeen: new Map(), wall: builtAt });
  const { verdicts } = verdictsOf(before, attendance, timers, 5_000);
  isKept(verdicts);
  assert.equal(verdicts?.hold, undefined);
});
