import assert from "node:assert/strict";
import { test } from "node:test";
import { type Forecast, type Forecasts, noForecasts } from "../../../src/apply/forecast.ts";
import { type Plan, planApply, planScale } from "../../../src/apply/plan.ts";
import { planDocument } from "../../../src/cli/change/plan-document.ts";
import { consequences, diffText, summaryText } from "../../../src/cli/change/plan-text.ts";
import { author, committed, nothingKnown, templated, wanted } from "../../support/plans.ts";

const look = { showValues: false, colour: false };
const ready = { now: 2, least: 2, after: 2, wanted: 2 };
const nothing: Forecast = { created: [], replaced: [], moved: [], stopped: [], untouched: 0, ready, unplaced: [] };
const forecastsOf = (list: readonly [string, Forecast][]): Forecasts => ({ deployments: new Map(list), nodes: [] });
const on = (name: string, node?: string) => ({ name, ...(node === undefined ? {} : { node }) });

function changed(): Plan {
  const old = [templated("web", { env: { A: "secret-1" } }, 3), wanted("same"), wanted("other")];
  let state = committed(nothingKnown, planApply(nothingKnown, old, author()));
  state = committed(state, planScale(state, "same", 9, author("bob")));
  const next = [templated("web", { image: "demo:2", env: { A: "secret-2" } }, 3), wanted("same"), wanted("new")];
  return planApply(state, next, author("eve"));
}

test("a diff: the legend, every change with both values, the consequences, the counts and what is left alone", () => {
  const forecasts = forecastsOf([
    ["web", { ...nothing, replaced: [on("web-0", "n1"), on("web-1", "n2")] }],
    ["new", { ...nothing, created: [on("new-0")] }],
  ]);
  const want = [
    ...["+ create   ~ update", ""],
    ...["~ web", "    ~ spec.image: demo:1 → demo:2", "    ~ spec.env.A: *** (before) → *** (after)"],
    ...["  2 pods replaced: web-0 on n1; web-1 on n2", ""],
    ...["+ new", "    + spec.replicas: 1", "    + spec.image: demo:1", "  1 pod created: new-0 (no node yet)", ""],
    ...["Plan: 1 to create, 1 to update, 1 unchanged.", "same: replicas 9 (scaled by bob, the file says no count)"],
    "Not in these files, and left alone: other (orchestra delete removes one).",
  ];
  assert.equal(diffText(changed(), forecasts, look), want.join("\n"));
});

test("values are shown when they are asked for, and never otherwise, in JSON neither", () => {
  const plan = changed();
  assert.match(diffText(plan, noForecasts, { ...look, showValues: true }), /spec\.env\.A: secret-1 → secret-2/);
  assert.match(JSON.stringify(planDocument(plan, noForecasts, true)), /secret-2/);
  const hidden = [diffText(plan, noForecasts, look), summaryText(plan, noForecasts, look)];
  assert.doesNotMatch(hidden.join(), /secret/);
  assert.doesNotMatch(JSON.stringify(planDocument(plan, noForecasts, false)), /secret/);
});

test("JSON: actions, counts, overrides and consequences", () => {
  const document = planDocument(changed(), forecastsOf([["new", { ...nothing, created: [on("new-0", "n1")] }]]), false);
  assert.deepEqual(document.summary, { create: 1, update: 1, unchanged: 1, delete: 0 });
  assert.deepEqual(document.notInFiles, ["other"]);
  assert.deepEqual(
    document.deployments.map(({ name, action, replicas }) => [name, action, replicas]),
    [
      ["web", "update", 3],
      ["same", "unchanged", 9],
      ["new", "create", 1],
    ],
  );
  assert.deepEqual(document.deployments[1]?.override, { count: 9, by: "bob", at: author().at });
  assert.deepEqual(document.deployments[2]?.pods?.created, [on("new-0", "n1")]);
});

test("a value cannot break the line, and two that differ look different", () => {
  const notes = (old: string, next: string) => {
    const [before, after] = [old, next].map((note) => [wanted("web", { annotations: { note } })]);
    const state = committed(nothingKnown, planApply(nothingKnown, before ?? [], author()));
    const text = diffText(planApply(state, after ?? [], author()), noForecasts, look);
    return /note: (.*)/.exec(text)?.[1];
  };
  assert.equal(notes("a\nb\x1b[2J", "a b"), '"a\\nb\\u001b[2J" → a b');
  assert.equal(notes("a\r\nb", "a\nb"), '"a\\r\\nb" → "a\\nb"');
  assert.equal(notes("a", "a "), 'a → "a "');
  assert.equal(notes("a\u202eb", "a\u202db"), '"a\\u202eb" → "a\\u202db"');
  assert.equal(notes('say "a"', "ä → b"), 'say "a" → ä → b');
  assert.equal(notes('"a\\nb"', "a\nb"), '"\\"a\\\\nb\\"" → "a\\nb"');
});

const lines: readonly { readonly forecast: Partial<Forecast>; readonly want: readonly string[] }[] = [
  { forecast: {}, want: ["no pods"] },
  { forecast: { untouched: 1 }, want: ["1 pod untouched"] },
  {
    forecast: { untouched: 3, waiting: 2 },
    want: ["2 pods replaced once their successors have a place", "3 pods untouched until then"],
  },
  {
    forecast: { untouched: 1, waiting: 4 },
    want: ["1 pod replaced once its successor has a place", "1 pod untouched until then"],
  },
  { forecast: { stopped: [on("a-1", "n1"), on("a-2")] }, want: ["2 pods stopped: a-1 on n1; a-2"] },
  {
    forecast: { replaced: [{ ...on("a-0", "n1"), stopFirst: true }, on("a-1", "n1")], more: 7 },
    want: [
      "2 pods replaced: a-0, a-1 on n1",
      "a-0: stops before its successor starts, which needs its place",
      "7 more replaced in the same way",
    ],
  },
  {
    forecast: { untouched: 2, problem: "the document pods/a/1 is damaged (broken): nothing is done with it" },
    want: ["2 pods untouched", "the document pods/a/1 is damaged (broken): nothing is done with it"],
  },
  {
    forecast: { unplaced: ["a-1", "a-2"].map((name) => ({ name, reason: "fits on none of 1 node: 1 cordoned" })) },
    want: ["2 pods without a place: a-1, a-2: fits on none of 1 node: 1 cordoned"],
  },
  {
    forecast: {
      moved: [
        { ...on("a-0", "n2"), from: "n1" },
        { ...on("a-1", "n2"), from: "n1" },
      ],
    },
    want: ["2 pods moved: a-0, a-1 from n1 to n2"],
  },
  {
    forecast: { untouched: 1, ready: { now: 3, least: 1, after: 3, wanted: 3 } },
    want: ["1 pod untouched", "at least 1 of 3 pods ready on the way"],
  },
  {
    forecast: { untouched: 1, ready: { now: 3, least: 1, after: 1, wanted: 1 } },
    want: ["1 pod untouched"],
  },
  {
    forecast: {
      stopped: [on("a-0", "n1")],
      ready: { now: 1, least: 0, after: 0, wanted: 0 },
      downtime: { why: "scale", message: "it is scaled to 0" },
    },
    want: ["1 pod stopped: a-0 on n1", "downtime: it is scaled to 0"],
  },
  {
    forecast: {
      stopped: [on("a-0", "n1")],
      ready: { now: 1, least: 0, after: 0, wanted: 0 },
      downtime: { why: "delete", message: "it is deleted" },
    },
    want: ["1 pod stopped: a-0 on n1"],
  },
  {
    forecast: {
      unplaced: [{ name: "a-1", reason: "fits on none of 1 node: 1 cordoned", remedy: "one more fits on n1 with …" }],
    },
    want: ["1 pod without a place: a-1: fits on none of 1 node: 1 cordoned; one more fits on n1 with …"],
  },
  {
    forecast: { created: Array.from({ length: 100 }, (_, slot) => on(`a-${slot}`, "n1")) },
    want: ["100 pods created: a-0, a-1, a-2, a-3, a-4, a-5, a-6, a-7 and 92 more on n1"],
  },
];
for (const { forecast, want } of lines) {
  test(`consequences: ${want.join("; ").slice(0, 60)}`, () =>
    assert.deepEqual(consequences({ ...nothing, ...forecast }), want));
}

test("a summary of very many stays short", () => {
  const plan = planApply(
    nothingKnown,
    Array.from({ length: 1_000 }, (_, index) => wanted(`d${index}`)),
    author(),
  );
  const lines = summaryText(plan, noForecasts, look).split("\n");
  assert.equal(lines.length, 52);
  assert.match(lines.at(-2) ?? "", /950 more/);
});
