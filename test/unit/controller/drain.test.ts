// A drained node: its pods are replaced elsewhere as in a rollout, one after another, and leave when the successor is ready.
import assert from "node:assert/strict";
import { test } from "node:test";
import { act, type ClusterFixture, type PodFixture, stateOf } from "../../support/builders.ts";
import { decided } from "../../support/decided.ts";

const nodes = { n1: {}, n2: {} };
const drained = new Map([["n1", { cordoned: act, drained: act }]]);
const after = (pods: readonly PodFixture[], fields: Partial<ClusterFixture> = {}, document = {}) => {
  const deployments = { web: { document: { replicas: 2, ...document }, pods } };
  return decided({ ...stateOf({ deployments, nodes, ...fields }), controls: drained }).pods;
};
const both: readonly PodFixture[] = [{ node: "n1" }, { slot: 1, node: "n1" }];
const successor: PodFixture = { slot: 0, serial: 7, node: "n2" };

test("pods of a drained node get successors as far as the surge goes", () => {
  assert.deepEqual(after(both), ["0@n1", "0@n2", "1@n1"]);
  assert.deepEqual(after(both, {}, { strategy: { maxSurge: 2 } }), ["0@n1", "0@n2", "1@n1", "1@n2"]);
});

test("each leaves when its successor is ready, and then the next one gets one", () => {
  assert.deepEqual(after([...both, { ...successor, status: { phase: "running" } }]), ["0@n1", "0@n2", "1@n1"]);
  assert.deepEqual(after([...both, successor]), ["0@n1 drain", "0@n2", "1@n1", "1@n2"]);
});

test("a pod on an absent node that is drained is moved too, and one on another node stays", () => {
  assert.deepEqual(after([{ node: "n1" }, { slot: 1, node: "n2" }], { absent: ["n1"] }), ["0@n1", "0@n2", "1@n2"]);
});

test("without surge it goes first", () => {
  const strategy = { maxSurge: 0, maxUnavailable: 1 };
  assert.deepEqual(after(both, {}, { strategy }), ["0@n1 drain", "0@n2", "1@n1"]);
});
