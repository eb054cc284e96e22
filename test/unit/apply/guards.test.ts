// When a plan should wait for a person: what counts, what the limits are, and in which words it is said.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wanted } from "../../../src/apply/document.ts";
import type { Forecast } from "../../../src/apply/forecast.ts";
import { defaultLimits, heldBecause, type Limits, limitOf } from "../../../src/apply/guards.ts";
import { type KnownState, planApply, planDelete } from "../../../src/apply/plan.ts";
import type { PodsDocument } from "../../../src/model/pod.ts";
import { images, names, owning, running, shop } from "../../support/owned-by-shop.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const nothing: Forecast = {
  ...{ created: [], replaced: [], moved: [], stopped: [], untouched: 0, unplaced: [] },
  ready: { now: 0, least: 0, after: 0, wanted: 0 },
};
const pods = (count: number) => Array.from({ length: count }, (_, slot) => ({ name: `pod-${slot}` }));

interface Case {
  readonly name: string;
  readonly state: KnownState;
  readonly next: readonly Wanted[];
  /** Of every Deployment that is updated. */
  readonly forecast?: Partial<Forecast>;
  /** Absent: those that are wanted. */
  readonly pods?: ReadonlyMap<string, PodsDocument>;
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
    name: "a new image of one Deployment is what people do all day, large as it is",
    state: owning(...images(["web"], "demo:1", 100)),
    next: images(["web"], "demo:2", 100),
    forecast: { replaced: pods(15), more: 85 },
    want: [],
  },
  {
    name: "a new image of one Deployment, where somebody has said a limit",
    state: owning(...images(["web"], "demo:1", 100)),
    next: images(["web"], "demo:2", 100),
    limits: { replacements: { count: 20 } },
    want: ["replacements: 100 of the 100 pods of shop would be replaced; at most 20 may be"],
  },
  {
    name: "a new image of two is more than one: all their pods count, however far the forecast gets",
    state: owning(...images(["web", "api"], "demo:1", 10), ...images(["db"])),
    next: [...images(["web", "api"], "demo:2", 10), ...images(["db"])],
    forecast: { unplaced: [{ name: "web-0", reason: "no room" }] },
    want: ["replacements: 20 of the 21 pods of shop would be replaced; at most 4 may be (3 or 20%, whichever is more)"],
  },
  {
    name: "pods that move to other nodes, or should",
    state: owning(...["a", "b"].map((name) => wanted(name, { replicas: 3 }))),
    next: ["a", "b"].map((name) => wanted(name, { replicas: 3, placement: { nodeSelector: { disk: "ssd" } } })),
    forecast: {
      moved: [
        { name: "a-0", from: "n1" },
        { name: "b-0", from: "n1" },
      ],
      unplaced: [
        { name: "a-1", reason: "" },
        { name: "b-1", reason: "" },
      ],
    },
    want: ["replacements: 4 of the 6 pods of shop would be replaced; at most 3 may be (3 or 20%, whichever is more)"],
  },
  {
    name: "what has the new image already is not replaced",
    state: owning(...images(["web", "api"], "demo:1", 10)),
    pods: running(owning(...images(["web", "api"], "demo:2", 10)), images(["web"], "demo:2")[0]?.revision),
    next: images(["web", "api"], "demo:2", 10),
    want: [],
  },
  {
    name: "counts that are lowered a little",
    state: twenty,
    next: [...images(names(16, 4)), ...images(names(3), "demo:1", 0), ...images(["d3"])],
    want: [],
  },
  {
    name: "one count that is lowered a lot",
    state: owning(...images(["web"], "demo:1", 50), ...images(["api"], "demo:1", 2)),
    next: [...images(["web"]), ...images(["api"], "demo:1", 2)],
    want: [
      "removals: 49 of the 52 pods of shop would go by lower counts; at most 10 may be (3 or 20%, whichever is more)",
    ],
  },
  {
    name: "counts lowered in many, and a new image besides",
    state: owning(...images(["a", "b", "c"], "demo:1", 50)),
    next: images(["a", "b", "c"], "demo:2"),
    limits: { deletions: { count: 3 } },
    want: ["removals: 147 of the 150 pods of shop would go by lower counts; at most 3 may be"],
  },
  {
    name: "a lower count where so many never ran",
    state: owning(...images(["web"], "demo:1", 50)),
    pods: new Map(),
    next: images(["web"]),
    want: [],
  },
  {
    name: "everything scaled to nothing, few as they are and whatever the limit",
    state: owning(...images(["a", "b"])),
    next: images(["a", "b"], "demo:1", 0),
    limits: { deletions: { percent: 100 } },
    want: ["everything: all pods of shop would go: every count would be 0"],
  },
  {
    name: "what is not deleted scaled to nothing",
    state: owning(...images(["a", "b"])),
    next: images(["a"], "demo:1", 0),
    want: ["everything: all pods of shop would go: every count would be 0"],
  },
  {
    name: "one of two scaled to nothing",
    state: owning(...images(["a", "b"])),
    next: [...images(["a"], "demo:1", 0), ...images(["b"])],
    want: [],
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
for (const { name, state, next, forecast = {}, pods = running(state), limits = {}, want } of cases) {
  test(name, () => {
    const plan = planApply(state, next, shop, { prune: true });
    const updated = plan.items.filter(({ action }) => action === "update");
    const forecasts = new Map(updated.map((item) => [item.name, { ...nothing, ...forecast }]));
    const guarded = { state, plan, forecasts, pods, source: "shop", limits: { ...defaultLimits, ...limits } };
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
    pods: running(state),
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
