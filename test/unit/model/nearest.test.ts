import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../src/model/nearest.ts";

const cases: readonly [string, readonly string[], string | undefined][] = [
  ["wbe", ["web", "api"], "web"],
  ["replcas", ["replicas", "revision"], "replicas"],
  ["--wach", ["--watch", "--output"], "--watch"],
  ["Image", ["image"], "image"],
  ["zzz", ["web"], undefined],
  ["a", ["bcd"], undefined],
  ["web", [], undefined],
];
for (const [word, candidates, want] of cases) {
  test(`${word} is meant as ${want ?? "nothing known"}`, () => assert.equal(nearest(word, candidates), want));
}
