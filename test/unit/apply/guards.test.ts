// When a plan should wait for a person: what counts, what the limits are, and in which words it is said.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Author, Wanted } from "../../../src/apply/document.ts";
import type { Forecast } from "../../../src/apply/forecast.ts";
import { defaultLimits, heldBecause, type Limits, limitOf } from "../../../src/apply/guards.ts";
import { type KnownState, planApply, planDelete } from "../../../src/apply/plan.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const shop: Author = { ...author(), source: "shop" };
const nothing: Forecast = {
  ...{ created: [], replaced: [], moved: [], stopped: [], untouched: 0, unplaced: [] },
  ready: { now: 0, least: 0, after: 0, wanted: 0 },
};
const pods = (count: number) => Array.from({ length: count }, (_, slot) => ({ name: `pod-${slot}` }));
const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `d${from + index}`);
const images = (list: readonly string[], image = "demo:1", replicas = 1): Wanted[] =>
  list.map((name) => wanted(name, { image, replicas, labels: { name } }));
const owning = (...manifests: Wanted[]) => committed(nothingKnown, planApply(nothingKnown, manifests, shop));

interface Case {
  readonly name: string;
  readonly state: KnownState;
  readonly next: readonly Wanted[];
  /** Of every Deployment that is updated. */
  readonly forecast?: Partial<Forecast>;
  readonly limits?: Partial<Limits>;
  readonly want: readonly string[];
}

const ten = owning(...images(names(10)));
const twenty = owning(...images(names(20)));
const cases: readonly Case[] = [
  { name: "three of ten may go", state: ten, next: images(names(7, 3)), want: [] },
  {
    name: "four of ten may not",
    state: ten,
    next: images(names(6, 4)),
    want: [
      "deletions: 4 of the 10 Deployments of shop would be deleted; at most 3 may be (3 or 20%, whichever is more)",
    ],
  },
  { name: "four of twenty may go: a fifth", state: twenty, next: images(names(16, 4)), want: [] },
  {
    name: "five of twenty may not",
    state: twenty,
    next: images(names(15, 5)),
    want: [
      "deletions: 5 of the 20 Deployments of shop would be deleted; at most 4 may be (3 or 20%, whichever is more)",
    ],
  },
  {
    name: "all of it is held, few as they are",
    state: owning(...images(["a", "b"])),
    next: images(["c"]),
    want: ["everything: all 2 Deployments of shop would be deleted"],
  },
  {
    name: "the only one is everything, whatever the limits",
    state: owning(...images(["a"])),
    next: images(["c"]),
    limits: { deletions: { percent: 100 } },
    want: ["everything: the only Deployment of shop would be deleted"],
  },
  {
    name: "no manifest at all",
    state: ten,
    next: [],
    limits: { deletions: { count: 100 }, affected: { count: 100 } },
    want: ["empty: there is no manifest at all, while shop has 10 Deployments"],
  },
  {
    name: "no manifest at all, and nothing that may be pruned",
    state: owning(wanted("db", { protect: true })),
    next: [],
    want: ["empty: there is no manifest at all, while shop has 1 Deployment"],
  },
  { name: "a source that has nothing can lose nothing", state: nothingKnown, next: [], want: [] },
  { name: "creations are never held, many as they are", state: nothingKnown, next: images(names(500)), want: [] },
  {
    name: "the only one under another name is still there",
    state: owning(wanted("web", { replicas: 2 })),
    next: [wanted("site", { replicas: 2 })],
    want: [],
  },
  {
    name: "a renamed one counts once, as affected",
    state: owning(...names(4).map((name) => wanted(name))),
    next: names(4, 10).map((name) => wanted(name)),
    want: [
      "affected: 4 Deployments would have pods started, replaced or stopped, while shop has 4; at most 3 may be (3 or 20%, whichever is more)",
    ],
  },
  {
    name: "a change that moves no pod affects nobody",
    state: ten,
    next: names(10).map((name) => wanted(name, { replicas: 1, labels: { name, team: "shop" } })),
    forecast: { untouched: 1 },
    want: [],
  },
  {
    name: "a new image everywhere",
    state: ten,
    next: images(names(10), "demo:2"),
    forecast: { replaced: pods(1) },
    want: [
      "replacements: 10 of the 10 pods of shop would be replaced; at most 3 may be (3 or 20%, whichever is more)",
      "affected: 10 Deployments would have pods started, replaced or stopped, while shop has 10; at most 3 may be (3 or 20%, whichever is more)",
    ],
  },
  {
    name: "the pods of a large one, those that the forecast did not come to among them",
    state: owning(...images(["web"], "demo:1", 100)),
    next: images(["web"], "demo:2", 100),
    forecast: { replaced: pods(15), moved: [{ name: "web-90", from: "n1" }], more: 5 },
    want: [
      "replacements: 21 of the 100 pods of shop would be replaced; at most 20 may be (3 or 20%, whichever is more)",
    ],
  },
  {
    name: "everything scaled to nothing",
    state: ten,
    next: images(names(10), "demo:1", 0),
    forecast: { stopped: pods(1) },
    want: [
      "affected: 10 Deployments would have pods started, replaced or stopped, while shop has 10; at most 3 may be (3 or 20%, whichever is more)",
    ],
  },
  {
    name: "a count alone is the limit",
    state: ten,
    next: images(names(8, 2)),
    limits: { deletions: { count: 1 } },
    want: ["deletions: 2 of the 10 Deployments of shop would be deleted; at most 1 may be"],
  },
  {
    name: "so is a share",
    state: ten,
    next: images(names(8, 2)),
    limits: { deletions: { percent: 15 } },
    want: ["deletions: 2 of the 10 Deployments of shop would be deleted; at most 1 may be (15%)"],
  },
  {
    name: "deletions affect, too",
    state: ten,
    next: images(names(6, 4)),
    limits: { deletions: { count: 10 } },
    want: [
      "affected: 4 Deployments would have pods started, replaced or stopped, while shop has 10; at most 3 may be (3 or 20%, whichever is more)",
    ],
  },
];
for (const { name, state, next, forecast = {}, limits = {}, want } of cases) {
  test(name, () => {
    const plan = planApply(state, next, shop, { prune: true });
    const updated = plan.items.filter(({ action }) => action === "update");
    const forecasts = new Map(updated.map((item) => [item.name, { ...nothing, ...forecast }]));
    const guarded = { state, plan, forecasts, source: "shop", limits: { ...defaultLimits, ...limits } };
    assert.deepEqual(
      heldBecause(guarded).map(({ guard, message }) => `${guard}: ${message}`),
      want,
    );
  });
}

test("what others have, and what is being deleted, is no part of what a source has", () => {
  const bank = { ...author(), source: "bank" };
  const both = committed(ten, planApply(ten, images(names(100, 50)), bank));
  const state = committed(both, planDelete(both, names(8), true, author("eve")));
  const plan = planApply(state, images(["d9"]), shop, { prune: true });
  const held = heldBecause({
    state,
    plan,
    forecasts: new Map(),
    source: "shop",
    limits: { ...defaultLimits, deletions: { count: 0 } },
  });
  assert.deepEqual(
    held.map(({ message }) => message),
    ["1 of the 2 Deployments of shop would be deleted; at most 0 may be"],
  );
});

test("limits are counts or shares", () => {
  assert.deepEqual(
    [limitOf("0", "--x"), limitOf("12", "--x"), limitOf("30%", "--x")],
    [{ count: 0 }, { count: 12 }, { percent: 30 }],
  );
  for (const text of ["", "-1", "101%", "1.5", "a", "%", "1e3", " 1"])
    assert.throws(() => limitOf(text, "--max-delete"), { code: "invalid", message: /^--max-delete: / }, text);
});
