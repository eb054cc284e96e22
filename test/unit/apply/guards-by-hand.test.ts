// What counts by hand (`scale`) mean for the guards: nothing, neither for what the files change nor against it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Author, Wanted } from "../../../src/apply/document.ts";
import type { Forecast } from "../../../src/apply/forecast.ts";
import { defaultLimits, heldBecause } from "../../../src/apply/guards.ts";
import { planApply, planScale } from "../../../src/apply/plan.ts";
import { images, names, owning, running, shop } from "../../support/owned-by-shop.ts";
import { author, committed } from "../../support/plans.ts";

const ten = owning(...images(names(10)));

test("a count by hand that is taken back counts for nothing, until the files change as well", () => {
  const strict: Author = { ...shop, takesBack: true };
  const scaled = committed(ten, planScale(ten, "d0", 50, author("ann")));
  const guardsOf = (next: readonly Wanted[]) => {
    const plan = planApply(scaled, next, strict, { prune: true });
    const forecasts = new Map<string, Forecast>();
    return heldBecause({
      ...{ state: scaled, plan, forecasts, pods: running(scaled), source: "shop", limits: defaultLimits },
    }).map(({ guard }) => guard);
  };
  assert.deepEqual(guardsOf(images(names(10))), []);
  assert.deepEqual(guardsOf(images(names(6))), ["deletions"]);
  assert.deepEqual(guardsOf([...images(["d0"], "demo:1", 2), ...images(names(9, 1))]), ["removals"]);
  assert.deepEqual(guardsOf([...images(["d0"], "demo:2"), ...images(names(9, 1))]), ["removals"]);
});

test("a count by hand makes no room for what the files change, and leaves nothing where they leave nothing", () => {
  const heldAfter = (scaled: readonly [name: string, count: number], next: readonly Wanted[], strict = true) => {
    const first = owning(...images(["api"], "demo:1", 8), ...images(["web"]));
    const state = committed(first, planScale(first, ...scaled, author("ann")));
    const plan = planApply(state, next, strict ? { ...shop, takesBack: true } : shop, { prune: true });
    const forecasts = new Map<string, Forecast>();
    const guarded = { state, plan, forecasts, pods: running(state), source: "shop", limits: defaultLimits };
    return heldBecause(guarded).map(({ guard, message }) => `${guard}: ${message}`);
  };
  const fewer = [...images(["api"]), ...images(["web"])];
  const rule = "at most 3 may be (3 or 20%, whichever is more), of the 9 that its files say";
  for (const strict of [true, false]) {
    assert.deepEqual(heldAfter(["web", 100], fewer, strict), [
      `removals: 7 of the 108 pods of shop would go by lower counts; ${rule}`,
    ]);
    const replaced = heldAfter(["web", 100], images(["api"], "demo:2", 8).concat(images(["web"], "demo:2")), strict);
    assert.ok(
      replaced.some((text) => text.startsWith("replacements: ") && text.endsWith(rule)),
      replaced.join("; "),
    );
  }
  const none = owning(...images(["web"], "demo:1", 0), ...images(["api"], "demo:1", 3));
  const state = committed(none, planScale(none, "web", 2, author("ann")));
  const plan = planApply(state, images(["web", "api"], "demo:1", 0), { ...shop, takesBack: true }, { prune: true });
  const guarded = { state, plan, forecasts: new Map(), pods: running(state), source: "shop", limits: defaultLimits };
  assert.deepEqual(
    heldBecause(guarded).map(({ message }) => message),
    ["all pods of shop would go: every count would be 0"],
  );
});
