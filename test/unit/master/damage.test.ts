// Decisions beside damaged documents: their Deployments and nodes are left as they are, the others go on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide, previewAt } from "../../../src/master/decide.ts";
import { builtAt, stateOf } from "../../support/builders.ts";

const two = { document: { replicas: 2 }, pods: [{ node: "n1" }, { node: "n2" }] };
/** Both would get a third pod. */
const state = stateOf({
  deployments: { web: { ...two, document: { replicas: 3 } }, api: { ...two, document: { replicas: 3 } } },
  nodes: { n1: {}, n2: {} },
});
const decideWith = (others: Partial<typeof state>, ...keys: readonly string[]) =>
  decide({ ...state, ...others, damaged: new Map(keys.map((key) => [key, { why: "broken" }])) }, previewAt(builtAt));
const without = <T>(map: ReadonlyMap<string, T>, name: string) => new Map([...map].filter(([key]) => key !== name));

for (const [key, others] of [
  ["deployments/web", { deployments: without(state.deployments, "web") }],
  ["pods/web", { pods: without(state.pods, "web") }],
  ["pods/web/1", {}],
] as const) {
  test(`${key}: nothing is done with web, and api goes on`, () => {
    const { changes, problems, unusedRevisions } = decideWith(others, key);
    assert.deepEqual(
      changes.map(({ deployment }) => deployment),
      ["api"],
    );
    assert.deepEqual(problems, [
      { deployment: "web", message: `the document ${key} is damaged (broken): nothing is done with it` },
    ]);
    assert.deepEqual(unusedRevisions, []);
  });
}

test("placements/n1: pods that may be there are not placed again, and nothing new is put there", () => {
  const { changes, problems } = decideWith({ placements: without(state.placements, "n1") }, "placements/n1");
  assert.deepEqual(changes, []);
  assert.equal(problems.length, 2);
  const fresh = stateOf({ deployments: { new: { document: { replicas: 2 } } }, nodes: { n1: {}, n2: {} } });
  const { deployments, templates, nodes, verdicts } = fresh;
  const others = {
    deployments,
    templates,
    nodes,
    verdicts,
    pods: new Map(),
    placements: without(state.placements, "n1"),
  };
  const placed = decideWith(others, "placements/n1").changes.flatMap(({ placements }) => placements);
  assert.deepEqual([...new Set(placed.map(({ node }) => node))], ["n2"]);
});

test("statuses/n1: what runs there is believed neither ready nor gone", () => {
  const settled = stateOf({ deployments: { web: two }, nodes: { n1: {}, n2: {} } });
  const damaged = new Map([["statuses/n1", { why: "broken" }]]);
  const { changes } = decide({ ...settled, statuses: without(settled.statuses, "n1"), damaged }, previewAt(builtAt));
  assert.deepEqual(
    changes.flatMap(({ placements, gone }) => [...placements, ...gone]),
    [],
  );
});
