import assert from "node:assert/strict";
import { test } from "node:test";
import type { Forecast } from "../../../src/apply/forecast.ts";
import { planApply, planDelete } from "../../../src/apply/plan.ts";
import { type FailKind, failKinds, planFailures, planFailureTexts } from "../../../src/cli/change/fail-on.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const calm: Forecast = {
  created: [{ name: "web-9" }],
  replaced: [],
  moved: [],
  stopped: [{ name: "web-8" }],
  untouched: 3,
  ready: { now: 1, least: 1, after: 1, wanted: 1 },
  unplaced: [],
};
const pods = [{ name: "web-0" }, { name: "web-1" }];

const cases: readonly { readonly told: Partial<Forecast>; readonly want: Partial<Record<FailKind, string>> }[] = [
  { told: {}, want: {} },
  { told: { replaced: pods }, want: { replace: "2 pods" } },
  { told: { replaced: pods, more: 7 }, want: { replace: "9 pods" } },
  { told: { waiting: 2 }, want: { replace: "2 pods once they have a place" } },
  { told: { replaced: pods, waiting: 1 }, want: { replace: "2 pods, and 1 more once it has a place" } },
  { told: { moved: [{ name: "web-0", from: "n1", node: "n2" }] }, want: { replace: "1 pod" } },
  { told: { unplaced: [{ name: "web-0", reason: "too little memory" }] }, want: { unplaceable: "1 pod" } },
  { told: { downtime: { why: "scale", message: "it is scaled to 0" } }, want: { downtime: "it is scaled to 0" } },
];
for (const { told, want } of cases) {
  test(`a plan with ${JSON.stringify(told)} fails on ${Object.keys(want).join() || "nothing"}`, () => {
    const plan = planApply(nothingKnown, [wanted("web")], author());
    const forecasts = new Map([["web", { ...calm, ...told }]]);
    const found = planFailures(failKinds, plan, forecasts);
    assert.deepEqual(Object.fromEntries(found.map(({ on, message }) => [on, message])), want);
    for (const kind of failKinds) {
      const asked = planFailures([kind], plan, forecasts);
      assert.deepEqual(
        asked,
        found.filter(({ on }) => on === kind),
      );
    }
    assert.deepEqual(planFailures([], plan, forecasts), []);
  });
}

test("a deletion is one, and lines name a few of many Deployments", () => {
  const names = Array.from({ length: 12 }, (_, index) => `web${index}`);
  const state = committed(
    nothingKnown,
    planApply(
      nothingKnown,
      names.map((name) => wanted(name)),
      author(),
    ),
  );
  const failures = planFailures(["delete"], planDelete(state, names, false, author()), new Map());
  assert.equal(failures.length, 12);
  const [line, ...others] = planFailureTexts(failures);
  assert.deepEqual(others, []);
  assert.match(line ?? "", /^--fail-on delete: web0 \(deleted\), .*web7 \(deleted\) and 4 more$/);
});
