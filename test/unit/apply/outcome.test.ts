// When the consequences of a kept plan are others than it told, and in which words that is said.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Forecast } from "../../../src/apply/forecast.ts";
import { movedOutcomes, outcomeOf } from "../../../src/apply/outcome.ts";

const pods = (count: number, node = "n1") =>
  Array.from({ length: count }, (_, slot) => ({ name: `web-${slot}`, node }));
const unplaced = (count: number) => pods(count).map(({ name }) => ({ name, reason: "no room", remedy: "add a node" }));
/** Three pods replaced one by one. */
const told: Forecast = {
  ...{ created: [], replaced: pods(3), moved: [], stopped: [], untouched: 0, unplaced: [] },
  ready: { now: 3, least: 2, after: 3, wanted: 3 },
};
const ready = (least: number, now = 3) => ({ now, least, after: 3, wanted: 3 });

const cases: readonly { readonly name: string; readonly now: Partial<Forecast>; readonly want?: string }[] = [
  { name: "the same", now: {} },
  { name: "the same pods on other nodes", now: { replaced: pods(3, "n2") } },
  {
    name: "replaced or moved, it is the same number",
    now: { replaced: pods(2), moved: [{ name: "web-2", from: "n1" }] },
  },
  { name: "a rollout that was not played to its end", now: { replaced: pods(1), more: 2 } },
  { name: "more pods ready on the way", now: { ready: ready(3) } },
  { name: "others left alone", now: { untouched: 4 } },
  {
    name: "more pods replaced",
    now: { replaced: pods(5) },
    want: "5 pods replaced instead of 3",
  },
  {
    name: "one that has no predecessor any more",
    now: { replaced: pods(2), created: pods(1) },
    want: "1 pod created instead of 0, 2 pods replaced instead of 3",
  },
  {
    name: "no place for one",
    now: { replaced: pods(2), unplaced: unplaced(1) },
    want: "2 pods replaced instead of 3, 1 pod without a place instead of 0 (no room)",
  },
  { name: "fewer ready on the way", now: { ready: ready(1) }, want: "at least 1 ready on the way instead of 2" },
  {
    name: "downtime, which says it all",
    now: { ready: ready(0), downtime: { why: "hostPort", message: "web-0 must leave its host port" } },
    want: "downtime (web-0 must leave its host port)",
  },
  {
    name: "nothing at all, for a reason",
    now: { replaced: [], untouched: 3, problem: "its template is missing" },
    want: "0 pods replaced instead of 3, its template is missing",
  },
];
for (const { name, now, want } of cases) {
  test(name, () => {
    const moved = movedOutcomes(new Map([["web", outcomeOf(told)]]), new Map([["web", { ...told, ...now }]]));
    assert.deepEqual(moved, want === undefined ? [] : [{ what: "consequence", name: "web", message: `web: ${want}` }]);
  });
}

test("what was told already is no news, and what is better is nothing to refuse", () => {
  const bad: Forecast = {
    ...told,
    ready: ready(0),
    downtime: { why: "strategy", message: "all at once" },
    problem: "held",
  };
  const kept = new Map([["web", outcomeOf(bad)]]);
  assert.deepEqual(movedOutcomes(kept, new Map([["web", bad]])), []);
  assert.deepEqual(movedOutcomes(kept, new Map([["web", told]])), []);
  const lacking: Forecast = { ...told, created: pods(1), replaced: pods(2), unplaced: unplaced(2) };
  const placed = (now: Partial<Forecast>) =>
    movedOutcomes(new Map([["web", outcomeOf(lacking)]]), new Map([["web", { ...lacking, ...now }]])).map(
      ({ message }) => message,
    );
  assert.deepEqual(placed({ created: pods(3), unplaced: [] }), []);
  assert.deepEqual(placed({ created: pods(2), replaced: pods(3), unplaced: [] }), []);
  assert.deepEqual(placed({ unplaced: unplaced(1) }), []);
  // More than found a place, or fewer than told: that is another plan.
  assert.deepEqual(placed({ created: pods(3), unplaced: unplaced(1) }), ["web: 3 pods created instead of 1"]);
  assert.deepEqual(placed({ replaced: pods(1), unplaced: [] }), ["web: 1 pod replaced instead of 2"]);
  // Nothing is done to it any more: it is so already.
  assert.deepEqual(movedOutcomes(kept, new Map()), []);
});
