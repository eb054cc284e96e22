// Laws of the plan over random manifests and edits.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changesAnything, type KnownState, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const numRuns = 20 * Number(process.env["ORCHESTRA_TEST_ROUNDS"] ?? "10");
const seed = process.env["ORCHESTRA_TEST_SEED"];
const options = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const values = fc.dictionary(fc.constantFrom("A", "b.c", "__proto__", "D"), fc.constantFrom("1", "2"), {
  minKeys: 1,
  maxKeys: 3,
});
const manifest = fc.record(
  {
    name: fc.constantFrom("web", "api", "db"),
    image: fc.constantFrom("demo:1", "demo:2"),
    env: values,
    labels: values,
    replicas: fc.option(fc.nat(4), { nil: undefined }),
    protect: fc.boolean(),
  },
  { requiredKeys: ["name", "image"] },
);
const manifests = fc.uniqueArray(manifest, { selector: ({ name }) => name }).map((specs) =>
  specs.map(({ name, image, env, labels, replicas, protect }) =>
    wanted(name, {
      template: { image, ...(env ? { env } : {}) },
      ...(labels ? { labels } : {}),
      ...(replicas === undefined ? {} : { replicas }),
      ...(protect ? { protect } : {}),
    }),
  ),
);
const step = fc.oneof(
  { weight: 4, arbitrary: manifests.map((files) => ({ do: "apply" as const, files })) },
  { weight: 1, arbitrary: fc.nat(4).map((count) => ({ do: "scale" as const, count })) },
  { weight: 1, arbitrary: fc.constant({ do: "delete" as const }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function after(state: KnownState, action: Step): KnownState {
  if (action.do === "apply") return committed(state, planApply(state, action.files, author()));
  const web = state.deployments.get("web")?.value;
  if (!web || web.deleted) return state;
  if (action.do === "scale") return committed(state, planScale(state, "web", action.count, author("bob")));
  return committed(state, planDelete(state, ["web"], true, author("eve")));
}

test("whatever happened before: after an apply the same apply changes nothing, and every write raises the generation by one", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), manifests, (steps, files) => {
      const state = steps.reduce(after, nothingKnown);
      const plan = planApply(state, files, author());
      for (const { name, after: written, action, changes } of plan.items) {
        const before = state.deployments.get(name)?.value;
        if (written) assert.equal(written.generation, (before?.generation ?? 0) + 1);
        if (written) assert.equal(written.history.includes(written.revision), false);
        assert.equal(action === "unchanged", changes.length === 0, `${name}: a change is named, and nothing else is`);
      }
      const next = committed(state, plan);
      assert.equal(changesAnything(planApply(next, files, author("bob"))), false);
      for (const [name, { value }] of next.deployments) assert.ok(next.revisions.has(`${name}/${value.revision}`));
    }),
    options,
  );
});
