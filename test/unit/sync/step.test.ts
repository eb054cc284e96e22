// How far a pass may go with its plan, and what a person is told of one that is held or waits.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wanted } from "../../../src/apply/document.ts";
import { defaultLimits } from "../../../src/apply/guards.ts";
import { planApply } from "../../../src/apply/plan.ts";
import { bondOf, tokenOf } from "../../../src/apply/token.ts";
import { errorsKept, type LetThrough } from "../../../src/model/sync.ts";
import { nextStep, type Standing } from "../../../src/sync/step.ts";
import { builtAt, type ClusterFixture, stateOf } from "../../support/builders.ts";
import { known, manifest } from "../../support/forecasts.ts";
import { author } from "../../support/plans.ts";

const source = "dir:lab:/m";
const own = (replicas = 1) => ({ document: { source, replicas } });

function standing(
  fixture: ClusterFixture["deployments"],
  files: readonly Wanted[],
  fields: Partial<Standing> = {},
): Standing {
  const cluster = stateOf({ deployments: fixture ?? {} });
  const state = known(cluster);
  const plan = planApply(state, files, { ...author(), source }, { prune: true });
  const place = { cluster: "c1", source };
  const common = { cluster, state, plan, place, present: new Set(["node-1"]), wall: builtAt, limits: defaultLimits };
  return {
    ...common,
    tree: "t1",
    approved: undefined,
    letThrough: undefined,
    rewritten: undefined,
    left: [],
    ...fields,
  };
}

const starting = { ...own(), pods: [{ status: { phase: "starting" as const } }] };
const act = { by: "ann", at: "noon" };
const heldBy = (step: ReturnType<typeof nextStep>) => (step.do === "hold" ? step.held : assert.fail(step.do));

test("a held pass tells what it would create, update, delete and rename, and how many pods are replaced and stopped", () => {
  const fixture = { web: own(4), cut: own(5), api: own(2), db: own(3), same: own() };
  const files = [
    manifest("web", { replicas: 4, image: "demo:2" }),
    manifest("cut", { replicas: 1 }),
    manifest("backend", { replicas: 2 }),
    manifest("new", { replicas: 7, image: "other:1" }),
    manifest("same", { replicas: 1 }),
  ];
  const step = nextStep(standing(fixture, files));
  assert.deepEqual(
    { ...heldBy(step), token: "" },
    {
      token: "",
      created: 2,
      updated: 2,
      deleted: 2,
      creates: ["backend", "new"],
      updates: ["web", "cut"],
      deletes: ["api", "db"],
      renamed: 1,
      renames: [{ from: "api", to: "backend" }],
      // Four of web; four of cut, two of api and three of db.
      pods: { replaced: 4, stopped: 9 },
    },
  );
});

test("of very many the first are named and all are counted, also where a rollout finds no room", () => {
  const names = Array.from({ length: 50 }, (_, index) => `d${String(index).padStart(2, "0")}`);
  const fixture = Object.fromEntries(names.map((name) => [name, own(2)]));
  const files = names.map((name) => manifest(`${name}-new`, { replicas: 2 }));
  const held = heldBy(nextStep(standing(fixture, files)));
  assert.deepEqual([held.created, held.deleted, held.renamed, held.pods], [50, 50, 50, { replaced: 0, stopped: 100 }]);
  for (const list of [held.creates, held.deletes, held.renames]) assert.equal(list?.length, errorsKept);
  const large = names.map((name) =>
    manifest(name, { replicas: 2, template: { image: "demo:1", resources: { memory: "64Gi" } } }),
  );
  assert.deepEqual(heldBy(nextStep(standing(fixture, large))).pods, { replaced: 100, stopped: 0 });
});

test("what waits to be pruned is told as renamed also when the new one is there already, and after another change", () => {
  const renames = [{ from: "api", to: "backend" }];
  const [backend, web] = [manifest("backend", { replicas: 1 }), manifest("web", { replicas: 1 })];
  const first = nextStep(standing({ api: own(), web: own() }, [web, backend]));
  const letThrough = first.do === "write" ? first.letThrough : undefined;
  assert.deepEqual(letThrough?.renames, renames);
  // Written, and not ready yet.
  const later = (tree: string, noted: LetThrough | undefined) =>
    nextStep(standing({ api: own(), web: own(), backend: starting }, [web, backend], { tree, letThrough: noted }));
  for (const tree of ["t1", "t2"]) {
    const step = later(tree, letThrough);
    assert.ok(step.do === "wait");
    assert.deepEqual([step.prunes, step.renames], [["api"], renames]);
    assert.match(
      step.reasons[0] ?? "",
      /^api \(renamed to backend\): pruned when the rest is ready; waits for backend$/,
    );
  }
  const unknown = later("t1", undefined);
  assert.ok(unknown.do === "wait");
  assert.match(unknown.reasons[0] ?? "", /^api: pruned when /);
});

test("what was renamed to a name that goes as well is told as what goes", () => {
  const letThrough = { tree: "t0", token: "", renames: [{ from: "api", to: "backend" }] };
  const fixture = { api: own(), backend: own(), web: starting };
  const step = nextStep(standing(fixture, [manifest("web", { replicas: 1 })], { letThrough }));
  assert.ok(step.do === "wait");
  assert.match(step.reasons[0] ?? "", /^api, backend: pruned when the rest is ready; waits for web$/);
});

test("history that was written anew is held where it changes anything, until just that is approved", () => {
  const rewritten = "main was pushed by force";
  const files = [manifest("web", { replicas: 2 })];
  const step = nextStep(standing({ web: own() }, files, { rewritten }));
  assert.deepEqual(step.do === "hold" ? step.reasons : step.do, [rewritten]);
  const { token } = heldBy(step);
  assert.equal(nextStep(standing({ web: own() }, files, { rewritten, approved: { ...act, token } })).do, "write");
  assert.equal(
    nextStep(standing({ web: own() }, files, { rewritten, approved: { ...act, token: "another" } })).do,
    "hold",
  );
});

test("what was let through counts for the limits that it was within, and always where a person has approved it", () => {
  const fixture = { web: starting, a: own(), b: own(), c: own(), d: own(), e: own() };
  const files = [manifest("web", { replicas: 1 })];
  const loose = { ...defaultLimits, deletions: { count: 9 }, affected: { count: 9 } };
  const grown = [manifest("web", { replicas: 2 })];
  const first = nextStep(standing(fixture, grown, { limits: loose }));
  const letThrough = first.do === "write" ? first.letThrough : assert.fail(first.do);
  assert.notEqual(letThrough?.limits, undefined);
  const later = (fields: Partial<Standing>) => nextStep(standing(fixture, files, fields)).do;
  assert.equal(later({ limits: loose, letThrough }), "wait");
  assert.equal(later({ letThrough }), "hold");
  const { limits: _within, ...approved } = letThrough ?? assert.fail("nothing was let through");
  assert.equal(later({ letThrough: approved }), "wait");
});

test("what was let through is not judged again when somebody changes something by hand before it is pruned", () => {
  const fixture = { web: own(2), a: own(), b: own(), c: own(), d: own() };
  const files = [manifest("web", { replicas: 2, image: "demo:2" })];
  const { token } = heldBy(nextStep(standing(fixture, files)));
  const approved = nextStep(standing(fixture, files, { approved: { ...act, token } }));
  const letThrough = approved.do === "write" ? approved.letThrough : assert.fail(approved.do);
  assert.equal(nextStep(standing(fixture, files, { letThrough })).do, "write");
  // That is judged for itself.
  const all = nextStep(standing({ ...fixture, web: own(5) }, [manifest("web", { replicas: 0 })], { letThrough }));
  assert.equal(all.do, "hold");
});

test("what is left as a hand has made it has to be ready as it is before anything is deleted", () => {
  const leaving = (fixture: ClusterFixture["deployments"], gone = false) => {
    const { plan, ...whole } = standing({ ...fixture, old: own(), other: own() }, [
      manifest("new", { replicas: 2 }),
      manifest("other", { replicas: 1 }),
    ]);
    const left = plan.items.filter(({ name }) => name === "new");
    assert.equal(left[0]?.before === undefined, gone);
    return nextStep({ ...whole, left, plan: { ...plan, items: plan.items.filter(({ name }) => name !== "new") } });
  };
  // Scaled by hand: all of these have to be ready, and not as many as the files say.
  const document = { source, replicas: { file: 2, override: { count: 3, by: "ann", at: "noon" } } };
  assert.equal(leaving({ new: { document, pods: 3 } }).do, "prune");
  const step = leaving({ new: { document, pods: [{ status: { phase: "starting" as const } }] } });
  assert.match(step.do === "wait" ? (step.reasons[0] ?? "") : step.do, /^old: pruned when .*; waits for new$/);
  const removed = leaving({}, true);
  assert.deepEqual(removed.do === "wait" ? removed.reasons : removed.do, [
    "old: pruned when the rest is ready; waits for new",
    "new was removed by hand, and is not ready: change its manifest to have it again; orchestra delete old does not wait for it",
  ]);
});

test("the same change with another count has another token", () => {
  const document = { source, replicas: { file: 2, override: { count: 12, by: "ann", at: "noon" } } };
  const files = [manifest("web", { replicas: 2, image: "demo:2" })];
  const { plan, place, state } = standing({ web: { document }, a: own() }, files);
  const healing = planApply(state, files, { ...author(), source, takesBack: true }, { prune: true });
  const [kept, healed] = [plan, healing].map((one) => tokenOf(bondOf(one, place)));
  assert.notEqual(kept, healed);
});

test("what is left as a hand has made it is a manifest all the same, though no plan names it", () => {
  const fixture = { web: own(2), gone: own() };
  const whole = standing(fixture, [manifest("web", { replicas: 1 })]);
  const plan = { ...whole.plan, items: whole.plan.items.filter(({ name }) => name !== "web") };
  assert.equal(nextStep({ ...whole, plan }).do, "prune");
  const empty = nextStep(standing(fixture, []));
  assert.match(empty.do === "hold" ? (empty.reasons[0] ?? "") : empty.do, /^there is no manifest at all, while /);
});
