import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictsOf } from "../../../src/master/verdicts.ts";
import { node } from "../../support/builders.ts";

const nodes = new Map([
  ["a", node()],
  ["b", node()],
]);

test("a node is present while its worker is there, and absent since it was missed first", () => {
  const first = verdictsOf(undefined, nodes, new Set(["a"]), "t1");
  assert.deepEqual(first, { nodes: { a: { state: "present" }, b: { state: "absent", since: "t1" } } });
  const second = verdictsOf(first, nodes, new Set(), "t2");
  assert.deepEqual(second.nodes, { a: { state: "absent", since: "t2" }, b: { state: "absent", since: "t1" } });
  assert.deepEqual(verdictsOf(second, nodes, new Set(["a", "b"]), "t3").nodes["b"], { state: "present" });
});

test("what has not changed is the same object, so nothing is written", () => {
  const first = verdictsOf(undefined, nodes, new Set(["a"]), "t1");
  assert.equal(verdictsOf(first, nodes, new Set(["a"]), "t2"), first);
});

test("a node that is no longer registered has no verdict, nor has a stranger that never was", () => {
  const first = verdictsOf(undefined, nodes, new Set(["a", "stranger"]), "t1");
  assert.deepEqual(Object.keys(first.nodes), ["a", "b"]);
  assert.deepEqual(verdictsOf(first, new Map([["a", node()]]), new Set(["a"]), "t2"), {
    nodes: { a: { state: "present" } },
  });
});
