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
    want: "1 pod created instead of 0",
  },
  { name: "one that needs no successor any more", now: { replaced: pods(2), untouched: 1 } },
  {
    name: "no place for one",
    now: { replaced: pods(2), unplaced: unplaced(1), waiting: 1 },
    want: "1 pod without a place instead of 0 (no room)",
  },
  {
    name: "one that is stopped besides",
    now: { stopped: pods(1) },
    want: "1 pod stopped instead of 0",
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
    want: "its template is missing",
  },
];
for (const { name, now, want } of cases) {
  test(name, () => {
    const moved = movedOutcomes(new Map([["web", outcomeOf(told)]]), new Map([["web", { ...told, ...now }]]));
    assert.deepEqual(moved, want === undefined ? [] : [{ what: "consequence", name: "web", message: `web: ${want}` }]);
  });
}

/** Two new pods find a place, and two do not. */
const cramped: Forecast = {
  ...{ created: pods(2), replaced: [], moved: [], stopped: pods(1), untouched: 3, unplaced: unplaced(2) },
  ready: { now: 3, least: 3, after: 5, wanted: 7 },
};
/** Two of four pods are replaced, and the others when their successors, one of which is there already, have a place. */
const stuck: Forecast = { ...told, replaced: pods(2), unplaced: unplaced(1), waiting: 2 };

const placeCases: readonly { readonly name: string; readonly kept: Forecast; now: Partial<Forecast>; want?: string }[] =
  [
    { name: "a place for all that had none", kept: cramped, now: { created: pods(4), unplaced: [] } },
    { name: "a place for one of two", kept: cramped, now: { created: pods(3), unplaced: unplaced(1) } },
    { name: "one that is there already", kept: cramped, now: { created: pods(1) } },
    { name: "one to stop that has gone already", kept: cramped, now: { stopped: [] } },
    {
      name: "a place for one less",
      kept: cramped,
      now: { created: pods(1), unplaced: unplaced(3) },
      want: "3 pods without a place instead of 2 (no room)",
    },
    {
      name: "more than ever were told, with a place",
      kept: cramped,
      now: { created: pods(5), unplaced: [] },
      want: "5 pods created instead of 2",
    },
    {
      name: "one more, while as many have no place",
      kept: cramped,
      now: { created: pods(3) },
      want: "3 pods created instead of 2",
    },
    { name: "a rollout that goes on at once", kept: stuck, now: { replaced: pods(4), unplaced: [], waiting: 0 } },
    { name: "a rollout that comes further", kept: stuck, now: { replaced: pods(3), waiting: 1 } },
    {
      name: "a rollout of more",
      kept: stuck,
      now: { replaced: pods(5), unplaced: [], waiting: 0 },
      want: "5 pods replaced instead of 2",
    },
    {
      name: "a rollout that comes less far",
      kept: stuck,
      now: { replaced: pods(1), waiting: 3 },
      want: "3 pods replaced only once there is a place instead of 2",
    },
    {
      name: "a rollout that goes on at once, with downtime",
      kept: stuck,
      now: {
        replaced: pods(4),
        unplaced: [],
        waiting: 0,
        ready: ready(0),
        downtime: { why: "hostPort", message: "web-0 must leave its host port" },
      },
      want: "downtime (web-0 must leave its host port)",
    },
  ];
for (const { name, kept, now, want } of placeCases) {
  test(`of those without a place: ${name}`, () => {
    const moved = movedOutcomes(new Map([["web", outcomeOf(kept)]]), new Map([["web", { ...kept, ...now }]]));
    assert.deepEqual(
      moved.map(({ message }) => message),
      want === undefined ? [] : [`web: ${want}`],
    );
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
  // Nothing is done to it any more: it is so already.
  assert.deepEqual(movedOutcomes(kept, new Map()), []);
});
