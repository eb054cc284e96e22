// A plan as a pull request's comment: what it looks like, and that nothing in a plan can break out of it or make it too long.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Forecast } from "../../../src/apply/forecast.ts";
import { type Plan, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { planMarkdown } from "../../../src/cli/change/plan-markdown.ts";
import { author, committed, nothingKnown, templated, wanted } from "../../support/plans.ts";
import { rounds, seed } from "../../support/rounds.ts";

const options = { showValues: false, failures: [], notes: [], token: "0123456789ab" };
const calm: Forecast = {
  created: [],
  replaced: [],
  moved: [],
  stopped: [],
  untouched: 0,
  ready: { now: 0, least: 0, after: 1, wanted: 1 },
  unplaced: [],
};

test("a table, then a section for each Deployment, what hurts first, and the token", () => {
  let state = committed(nothingKnown, planApply(nothingKnown, [templated("web", {}, 3), wanted("same")], author()));
  state = committed(state, planScale(state, "same", 9, author("bob")));
  const next = [wanted("api"), templated("web", { image: "demo:2", env: { KEY: "geheim" } }, 3), wanted("same")];
  const forecasts = new Map([
    ["api", { ...calm, created: [{ name: "api-0", node: "n1" }] }],
    [
      "web",
      {
        ...calm,
        replaced: [{ name: "web-0", node: "n1" }],
        more: 1,
        unplaced: [{ name: "web-2", reason: "n1: no room" }],
        downtime: { why: "other" as const, message: "web-0 leaves" },
      },
    ],
  ]);
  const failures = [{ on: "downtime" as const, deployment: "web", message: "web-0 leaves" }];
  const text = planMarkdown(planApply(state, next, author()), forecasts, { ...options, failures });
  const want = [
    "### Plan: 1 to create, 1 to update, 1 unchanged",
    "",
    ":no_entry: **Fails on `downtime`**",
    "",
    "| Deployment | change | created | replaced | moved | stopped | untouched | no place | downtime |",
    "|---|---|---:|---:|---:|---:|---:|---:|---|",
    "| `web` | update | 0 | 2 | 0 | 0 | 0 | **1** | **yes** |",
    "| `api` | create | 1 | 0 | 0 | 0 | 0 | 0 | no |",
    "",
    "<details><summary><code>web</code>: update, 2 fields</summary>",
    "",
    ...["```diff", "! spec.image: demo:1 → demo:2", "+ spec.env.KEY: ***", "```", ""],
    "```text",
    ...["1 pod replaced: web-0 on n1", "1 more replaced in the same way"],
    ...["1 pod without a place: web-2: n1: no room", "downtime: web-0 leaves"],
    ...["```", "", "</details>", ""],
    "<details><summary><code>api</code>: create</summary>",
    "",
    ...["```diff", "+ spec.replicas: 1", "+ spec.image: demo:1", "```", ""],
    ...["```text", "1 pod created: api-0 on n1", "```", ""],
    ...["</details>", ""],
    ...["```text", "same: replicas 9 (scaled by bob, the file says no count)", "```", ""],
    "Token `0123456789ab`",
  ];
  assert.equal(text, want.join("\n"));
});

test("notes follow the sections, each in a block of its own, and what says nothing is left out", () => {
  const notes = ["", "Free room:\n  n1: cpu 2 → 1"];
  const text = planMarkdown({ items: [], notInFiles: [] }, new Map(), { ...options, notes });
  const want = [
    "### No differences",
    "",
    "```text",
    "Free room:",
    "  n1: cpu 2 → 1",
    "```",
    "",
    "Token `0123456789ab`",
  ];
  assert.equal(text, want.join("\n"));
});

test("no differences is one line and the token", () => {
  assert.equal(
    planMarkdown({ items: [], notInFiles: [] }, new Map(), options),
    "### No differences\n\nToken `0123456789ab`",
  );
});

/** What is outside of fenced blocks, as a Markdown reader sees it. */
function outside(text: string): string {
  const left: string[] = [];
  let fence: string | undefined;
  for (const line of text.split("\n")) {
    const ticks = /^(`{3,})(diff|text)?$/.exec(line);
    if (fence === undefined && ticks?.[2] !== undefined) fence = ticks[1];
    else if (fence !== undefined && ticks && ticks[2] === undefined && (ticks[1]?.length ?? 0) >= fence.length)
      fence = undefined;
    else if (fence === undefined) left.push(line);
  }
  assert.equal(fence, undefined, "a block is left open");
  return left.join("\n");
}

const nasty = fc.string({
  maxLength: 60,
  unit: fc.constantFrom(
    "`",
    "```",
    "\n",
    "@ann",
    "|",
    "</details>",
    "<b>",
    "#1",
    "\u202e",
    "\u2028",
    "é",
    "💡",
    "\ud800",
    "[a](b)",
    "*",
    "\\",
  ),
});

test("whatever is in values, names and reasons stays in its block, on its line, and pings nobody", () => {
  fc.assert(
    fc.property(nasty, nasty, nasty, (value, name, reason) => {
      const spec = { annotations: { note: value }, labels: { [value]: "x" } };
      const old = committed(nothingKnown, planApply(nothingKnown, [wanted("web"), wanted(`x${name}`)], author()));
      const scaled = committed(old, planScale(old, "web", 3, author(value)));
      const applied = planApply(scaled, [wanted("web", spec)], author());
      const plan: Plan = {
        ...applied,
        items: [...applied.items, ...planDelete(scaled, [`x${name}`], false, author()).items],
      };
      const forecasts = new Map([["web", { ...calm, unplaced: [{ name: "web-0", reason }], problem: reason }]]);
      const text = planMarkdown(plan, forecasts, options);
      const said = outside(text);
      assert.doesNotMatch(said, /@|#1|<b>|\]\(|\u202e|\u2028|💡|\\/u, said);
      assert.equal(said.match(/<details>/g)?.length, 2);
      assert.equal(said.match(/<\/details>/g)?.length, 2);
      assert.doesNotMatch(text, /[\u202e\u2028]/u);
    }),
    { numRuns: rounds * 10, seed },
  );
});

test("it is never longer than a comment may be, and says what was cut", () => {
  const long = fc.record({
    size: fc.constantFrom(
      ...([
        [1, 0],
        [1, 150],
        [3, 150],
        [40, 2],
        [250, 2],
        [1_000, 0],
      ] as const),
    ),
    value: fc.constantFrom("x", "`".repeat(400), "💡".repeat(400), "\u0000".repeat(400)),
  });
  fc.assert(
    fc.property(long, ({ size: [deployments, fields], value }) => {
      const notes = (text: string) =>
        Object.fromEntries(Array.from({ length: fields }, (_, index) => [`note-${index}`, text]));
      const all = Array.from({ length: deployments }, (_, index) =>
        wanted(`web${index}`, { annotations: notes("old") }),
      );
      const old = committed(nothingKnown, planApply(nothingKnown, all.slice(0, 200), author()));
      const state = all
        .slice(0, 20)
        .reduce((known, { spec }) => committed(known, planScale(known, spec.name, 7, author("a".repeat(500)))), old);
      const next = { annotations: notes(value), labels: { a: value } };
      const plan = planApply(
        state,
        all.map(({ spec }) => wanted(spec.name, next)),
        author(),
      );
      const said = Array.from({ length: 2 }, () => Array.from({ length: 90 }, () => value).join("\n"));
      const text = planMarkdown(plan, new Map(), { ...options, notes: said });
      assert.ok(text.length < 60_000, `${text.length} characters`);
      const sections = text.match(/<details>/g)?.length ?? 0;
      const cut = Number(/the sections of (\d+) Deployment/.exec(outside(text))?.[1] ?? "0");
      assert.equal(sections + cut, deployments);
      if (fields > 100) assert.match(outside(text), /\*\*Cut\*\*: .*`orchestra diff` shows all/);
      const rows = text.match(/^\| `web/gm)?.length ?? 0;
      assert.equal(rows + Number(/^\| and (\d+) more/m.exec(text)?.[1] ?? "0"), deployments);
    }),
    { numRuns: rounds, seed },
  );
});
