// Laws of sources, pruning and guards over random histories of two sources.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Author } from "../../../src/apply/document.ts";
import { defaultLimits, heldBecause, type Limit } from "../../../src/apply/guards.ts";
import { changesAnything, type KnownState, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { ownedBy, pruneOf, withoutPrune } from "../../../src/apply/prune.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const numRuns = 20 * Number(process.env["ORCHESTRA_TEST_ROUNDS"] ?? "10");
const seed = process.env["ORCHESTRA_TEST_SEED"];
const options = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const names = ["web", "api", "db", "job", "log"] as const;
const manifest = fc.record({
  name: fc.constantFrom(...names),
  image: fc.constantFrom("demo:1", "demo:2"),
  replicas: fc.constantFrom(0, 1, 3),
  protect: fc.nat(4).map((dice) => dice === 0),
});
const manifests = fc
  .uniqueArray(manifest, { selector: ({ name }) => name })
  .map((specs) =>
    specs.map(({ name, protect, ...spec }) => wanted(name, { ...spec, ...(protect ? { protect } : {}) })),
  );
const apply = fc.record({
  do: fc.constant("apply" as const),
  files: manifests,
  source: fc.constantFrom("shop", "bank"),
  adopt: fc.boolean(),
  prune: fc.boolean(),
});
const step = fc.oneof(
  { weight: 6, arbitrary: apply },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("scale" as const), name: fc.constantFrom(...names) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), name: fc.constantFrom(...names) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Apply = typeof apply extends fc.Arbitrary<infer T> ? T : never;

const authorOf = ({ source, adopt }: { readonly source: string; readonly adopt: boolean }): Author => ({
  ...author(),
  source,
  ...(adopt ? { adopt } : {}),
});
const planOf = (state: KnownState, one: Apply) => planApply(state, one.files, authorOf(one), { prune: one.prune });

function after(state: KnownState, one: Step): KnownState {
  if (one.do === "apply") {
    const plan = planOf(state, one);
    // As a commit would: all or nothing.
    return plan.items.some(({ action }) => action === "blocked") ? state : committed(state, plan);
  }
  const found = state.deployments.get(one.name)?.value;
  if (!found || found.deleted) return state;
  if (one.do === "scale") return committed(state, planScale(state, one.name, 2, author("bob")));
  return committed(state, planDelete(state, [one.name], true, author("eve")));
}

const history = fc.array(step, { maxLength: 10 }).map((steps) => steps.reduce(after, nothingKnown));
const limit: fc.Arbitrary<Limit> = fc.oneof(
  fc.nat(100).map((count) => ({ count })),
  fc.nat(100).map((percent) => ({ percent })),
);

test("another source's Deployment is never changed without adopt, and never pruned", () => {
  fc.assert(
    fc.property(history, apply, (state, one) => {
      const plan = planOf(state, one);
      for (const { before, after: written, pruned } of plan.items) {
        if (!written || !before || before.value.deleted || before.value.source === one.source) continue;
        assert.ok(one.adopt && !pruned && written.source === one.source);
      }
    }),
    options,
  );
});

test("what is protected is never pruned; what is pruned is this source's, and not in its files", () => {
  fc.assert(
    fc.property(history, apply, (state, one) => {
      const inFiles = new Set(one.files.map(({ spec }) => spec.name));
      const { items } = pruneOf(planOf(state, one));
      if (!one.prune) assert.deepEqual(items, []);
      for (const { name, before, after: written } of items) {
        assert.ok(before && !before.value.protect && !before.value.deleted && written?.deleted);
        assert.deepEqual([before.value.source, inFiles.has(name)], [one.source, false]);
      }
    }),
    options,
  );
});

test("after an apply that prunes a source has just what its files and protection say, and a second one does nothing", () => {
  fc.assert(
    fc.property(history, apply, (state, one) => {
      const pruning = { ...one, adopt: true, prune: true };
      const plan = planOf(state, pruning);
      // In two commits, as it is done; the second is planned again on the first.
      const half = committed(state, withoutPrune(plan));
      const again = planOf(half, pruning);
      assert.equal(changesAnything(withoutPrune(again)), false);
      assert.deepEqual(
        pruneOf(again).items.map(({ name }) => name),
        pruneOf(plan).items.map(({ name }) => name),
      );
      const end = committed(half, pruneOf(again));
      assert.equal(changesAnything(planOf(end, pruning)), false);
      const inFiles = one.files.map(({ spec }) => spec.name);
      const left = ownedBy(end, one.source);
      for (const [name, { value }] of left) assert.ok(inFiles.includes(name) || value.protect);
      assert.ok(inFiles.every((name) => left.some(([owned]) => owned === name)));
    }),
    options,
  );
});

test("no plan that leaves nothing of what a source had passes the guards, whatever the limits", () => {
  fc.assert(
    fc.property(history, apply, limit, (state, one, most) => {
      const plan = planOf(state, { ...one, prune: true });
      const owned = ownedBy(state, one.source).map(([name]) => name);
      // What goes on under another name, with the same spec, is left.
      const gone = new Set(plan.items.flatMap((item) => (item.pruned && !item.renamedTo ? [item.name] : [])));
      const limits = { deletions: most, replacements: most, affected: most };
      const held = heldBecause({ state, plan, forecasts: new Map(), pods: new Map(), source: one.source, limits });
      if (owned.length > 0 && owned.every((name) => gone.has(name))) assert.notDeepEqual(held, []);
      if (owned.length > 0 && one.files.length === 0) assert.equal(held[0]?.guard, "empty");
    }),
    options,
  );
});

test("by default no plan that passes deletes more than three Deployments or a fifth", () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(60), (count, kept) => {
      const files = Array.from({ length: count }, (_, index) => wanted(`d${index}`, { labels: { is: `${index}` } }));
      const shop = { source: "shop", adopt: false };
      const state = committed(nothingKnown, planApply(nothingKnown, files, authorOf(shop)));
      const plan = planApply(state, files.slice(0, kept), authorOf(shop), { prune: true });
      const deletions = pruneOf(plan).items.length;
      const guarded = { state, plan, forecasts: new Map(), pods: new Map(), source: "shop", limits: defaultLimits };
      const isSmall = deletions <= Math.max(3, count / 5) && (deletions < count || count === 0);
      assert.equal(heldBecause(guarded).length === 0, isSmall);
    }),
    options,
  );
});

test("renamings pair one that goes with one that comes, each once, and both say the same", () => {
  fc.assert(
    fc.property(history, apply, (state, one) => {
      const { items } = planOf(state, { ...one, prune: true });
      const byName = new Map(items.map((item) => [item.name, item]));
      for (const item of items) {
        const other = byName.get(item.renamedTo ?? item.renamedFrom ?? "");
        if (item.renamedTo !== undefined) {
          assert.ok(item.pruned && other?.action === "create");
          assert.equal(other.renamedFrom, item.name);
          assert.equal(other.after?.revision, item.before?.value.revision);
        } else if (item.renamedFrom !== undefined) assert.equal(other?.renamedTo, item.name);
      }
    }),
    options,
  );
});
