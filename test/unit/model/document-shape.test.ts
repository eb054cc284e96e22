// What a document must have: good ones pass with whatever a newer program adds, and what a hand breaks is named by its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeProblem } from "../../../src/model/document-shape.ts";
import { collectionOf } from "../../../src/model/keys.ts";
import { deployment, documentsOf, template } from "../../support/builders.ts";

test("what the program writes has its shape, also with fields that are not known yet", () => {
  const documents = documentsOf({
    deployments: { web: { document: { replicas: 2 }, pods: [{ node: "n1" }, { node: "n1" }] } },
    nodes: { n1: {} },
  });
  for (const [key, value] of documents) {
    assert.equal(shapeProblem(key, value), undefined, key);
    assert.equal(shapeProblem(key, { ...(value as object), added: [1] }), undefined, key);
  }
  assert.deepEqual([...new Set([...documents.keys()].map(collectionOf))].length > 5, true);
});

const cases: readonly (readonly [string, unknown, string])[] = [
  ["deployments/web", 42, "it is no object"],
  ["deployments/web", null, "it is no object"],
  ["deployments/web", [], "it is no object"],
  ["deployments/web", { ...deployment(), replicas: { file: "2" } }, "replicas.file is no number"],
  ["deployments/web", { ...deployment(), history: [1] }, "history[0] is no text"],
  ["deployments/web", { ...deployment(), source: 1 }, "source is no text"],
  ["deployments/web", { ...deployment(), commit: { id: "a", author: "ann" } }, "commit.subject is no text"],
  ["revisions/web/r1", { ...template(), ports: 80 }, "ports is no list"],
  ["pods/web", { uid: "u", pods: [{ id: "a", serial: 1, slot: "0" }] }, "pods[0].slot is no number"],
  ["placements/n1", { placements: {} }, "placements is no list"],
  ["statuses/n1", { statuses: [{ pod: "a" }] }, "statuses[0].phase is no text"],
  ["nodes/n1", { address: "1.2.3.4", capacity: {} }, "capacity.cpuMilli is no number"],
  ["verdicts", { nodes: { n1: "present" } }, "nodes.n1 is no object"],
];
for (const [key, value, problem] of cases) {
  test(`${key}: ${problem}`, () => assert.equal(shapeProblem(key, value), problem));
}
