import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAnything, type KnownState, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { historyLimit, wantedReplicas } from "../../../src/model/deployment.ts";
import { author, committed, nothingKnown, templated, wanted } from "../../support/plans.ts";

const applied = (state: KnownState, ...manifests: ReturnType<typeof wanted>[]) =>
  committed(state, planApply(state, manifests, author()));
const scaled = (state: KnownState, count: number | undefined, by = "bob") =>
  committed(state, planScale(state, "web", count, author(by)));
const documentOf = (state: KnownState, name = "web") => {
  const known = state.deployments.get(name);
  assert.ok(known, `${name} is there`);
  return known.value;
};

test("a new Deployment is created with its revision, generation 1 and no history", () => {
  const [item] = planApply(nothingKnown, [wanted("web", { replicas: 3 })], author()).items;
  assert.equal(item?.action, "create");
  assert.equal(item.before, undefined);
  assert.equal(item.revision?.version, "absent");
  assert.deepEqual(item.after?.replicas, { file: 3 });
  assert.deepEqual([item.after.generation, item.after.history], [1, []]);
  assert.equal(item.after.uid.length > 0, true);
});

test("a Deployment's document stays small: 300 bytes when new, 200 more for a whole history and a count by hand", () => {
  const bytesOf = (state: KnownState) => Buffer.byteLength(JSON.stringify(documentOf(state)));
  const template = { env: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`NAME_${n}`, "x".repeat(100)])) };
  let state = applied(nothingKnown, templated("web", template, 3));
  assert.ok(bytesOf(state) <= 300, `${bytesOf(state)}`);
  for (let n = 0; n < 2 * historyLimit; n += 1) state = applied(state, templated("web", { args: [`${n}`] }, 3));
  state = scaled(state, 1_000);
  assert.ok(bytesOf(state) <= 500, `${bytesOf(state)}`);
});

test("planning again after an apply changes nothing", () => {
  const manifests = [wanted("web", { replicas: 3 }), wanted("api", { labels: { team: "shop" } })];
  const state = applied(nothingKnown, ...manifests);
  const plan = planApply(state, manifests, author("bob"));
  assert.equal(changesAnything(plan), false);
  assert.deepEqual(
    plan.items.map(({ action }) => action),
    ["unchanged", "unchanged"],
  );
});

test("a changed field is named with its old and new value, and the next generation keeps uid and creation", () => {
  const state = applied(nothingKnown, templated("web", { env: { MODE: "a", KEEP: "1" } }, 2));
  const plan = planApply(state, [templated("web", { env: { MODE: "b", KEEP: "1" } }, 2)], author("bob"));
  const [item] = plan.items;
  assert.deepEqual(item?.changes, [{ path: "spec.env.MODE", old: "a", new: "b", secret: true }]);
  assert.equal(item.after?.generation, 2);
  assert.equal(item.after.uid, documentOf(state).uid);
  assert.equal(item.after.created.by, "ann");
  assert.equal(item.after.updated.by, "bob");
  assert.deepEqual(item.after.history, [documentOf(state).revision]);
});

test("equal hashes hide no change", () => {
  const first = wanted("web", { labels: { team: "shop" } });
  const state = applied(nothingKnown, first);
  const twin = { ...wanted("web", { labels: { team: "bank" } }), manifestHash: first.manifestHash };
  assert.deepEqual(planApply(state, [twin], author()).items[0]?.changes, [
    { path: "metadata.labels.team", old: "shop", new: "bank" },
  ]);
});

test("going back to an earlier template takes the revision that is there and moves it out of the history", () => {
  const images = ["demo:1", "demo:2", "demo:1"];
  const states = [nothingKnown];
  for (const image of images) states.push(applied(states.at(-1) ?? nothingKnown, wanted("web", { image })));
  const plan = planApply(states[2] ?? nothingKnown, [wanted("web", { image: "demo:1" })], author());
  assert.equal(plan.items[0]?.revision?.version, 1);
  const back = documentOf(states[3] ?? nothingKnown);
  assert.equal(back.revision, documentOf(states[1] ?? nothingKnown).revision);
  assert.deepEqual(back.history, [documentOf(states[2] ?? nothingKnown).revision]);
});

test("a revision that somebody removed by hand is written again by the next apply", () => {
  const state = { ...applied(nothingKnown, wanted("web")), revisions: new Map() };
  const plan = planApply(state, [wanted("web")], author());
  assert.deepEqual(plan.items[0]?.changes, [{ path: "spec.image", new: "demo:1" }]);
  const mended = committed(state, plan);
  assert.equal(mended.revisions.size, 1);
  assert.equal(changesAnything(planApply(mended, [wanted("web")], author())), false);
});

test("the history never holds more than ten revisions, nor the current one", () => {
  let state: KnownState = nothingKnown;
  for (let round = 0; round < 25; round += 1) state = applied(state, wanted("web", { image: `demo:${round % 14}` }));
  const { history, revision } = documentOf(state);
  assert.equal(history.length, 10);
  assert.equal(new Set([...history, revision]).size, 11);
});

const counts = [
  { name: "an override stays while the file's line does", file: 3, override: 9, next: 3, want: 9, changed: false },
  { name: "an override ends when the file's line changes", file: 3, override: 9, next: 5, want: 5, changed: true },
  {
    name: "an override ends when the file begins to say a count",
    file: undefined,
    override: 9,
    next: 3,
    want: 3,
    changed: true,
  },
  {
    name: "an override stays when the file's line goes",
    file: 3,
    override: 9,
    next: undefined,
    want: 9,
    changed: true,
  },
  {
    name: "the count in force stays when the file's line goes",
    file: 3,
    override: undefined,
    next: undefined,
    want: 3,
    changed: true,
  },
  {
    name: "a file that says no count leaves it to scale",
    file: undefined,
    override: 4,
    next: undefined,
    want: 4,
    changed: false,
  },
  {
    name: "a Deployment that nobody gave a count has one replica",
    file: undefined,
    override: undefined,
    next: undefined,
    want: 1,
    changed: false,
  },
];
for (const { name, file, override, next, want, changed } of counts) {
  test(name, () => {
    const manifest = (replicas: number | undefined) => wanted("web", replicas === undefined ? {} : { replicas });
    let state = applied(nothingKnown, manifest(file));
    if (override !== undefined) state = scaled(state, override);
    const plan = planApply(state, [manifest(next)], author());
    assert.equal(changesAnything(plan), changed);
    assert.equal(plan.items[0]?.action, changed ? "update" : "unchanged");
    assert.equal((plan.items[0]?.changes.length ?? 0) > 0, changed);
    const after = committed(state, plan);
    assert.equal(wantedReplicas(documentOf(after)), want);
    assert.equal(changesAnything(planApply(after, [manifest(next)], author())), false);
  });
}

test("scale says who and when, and scaling to the same count changes nothing", () => {
  const state = scaled(applied(nothingKnown, wanted("web", { replicas: 3 })), 9);
  const { override, file } = documentOf(state).replicas;
  assert.deepEqual({ override, file }, { override: { count: 9, by: "bob", at: author().at }, file: 3 });
  assert.equal(changesAnything(planScale(state, "web", 9, author())), false);
});

test("scale --reset, and scaling to what the file says, give the count back to the file", () => {
  const state = scaled(applied(nothingKnown, wanted("web", { replicas: 3 })), 9);
  for (const count of [undefined, 3]) assert.deepEqual(documentOf(scaled(state, count)).replicas, { file: 3 });
});

test("scale --reset is refused where the file says no count", () => {
  const state = scaled(applied(nothingKnown, wanted("web")), 9);
  assert.throws(() => planScale(state, "web", undefined, author()), { code: "conflict" });
});

test("a count that stays when the file's line goes is nobody's scaling, and needs no reset", () => {
  const state = applied(applied(nothingKnown, wanted("web", { replicas: 3 })), wanted("web"));
  const { override } = documentOf(state).replicas;
  assert.deepEqual([override?.count, override?.kept], [3, true]);
  assert.equal(changesAnything(planScale(state, "web", undefined, author())), false);
  assert.equal(documentOf(scaled(state, 4)).replicas.override?.kept, undefined, "now somebody has scaled it");
  assert.deepEqual(documentOf(applied(state, wanted("web", { replicas: 2 }))).replicas, { file: 2 });
  const scaledBefore = applied(scaled(applied(nothingKnown, wanted("web", { replicas: 3 })), 9), wanted("web"));
  assert.equal(documentOf(scaledBefore).replicas.override?.kept, undefined, "what bob said stays bob's");
});

test("scale and delete of a pod's name say which Deployment it belongs to", () => {
  const state = applied(nothingKnown, wanted("web", { replicas: 3 }));
  const hint = "web-0 is a pod's name; its Deployment is web";
  assert.throws(() => planScale(state, "web-0", 2, author()), { code: "not-found", hint });
  assert.throws(() => planDelete(state, ["web-0"], false, author()), { code: "not-found", hint });
  assert.throws(() => planScale(state, "wbe-0", 2, author()), { hint: /orchestra get lists/ });
});

test("scale of what is not there, or is being deleted, is refused", () => {
  assert.throws(() => planScale(nothingKnown, "web", 2, author()), { code: "not-found" });
  const state = applied(nothingKnown, wanted("web"));
  const deleted = committed(state, planDelete(state, ["web"], false, author()));
  assert.throws(() => planScale(deleted, "web", 2, author()), { code: "conflict" });
});

test("delete marks, and an apply before the end takes the mark and the override away", () => {
  const state = scaled(applied(nothingKnown, wanted("web", { replicas: 3 })), 9);
  const deleted = committed(state, planDelete(state, ["web", "web"], false, author("eve")));
  assert.equal(documentOf(deleted).deleted?.by, "eve");
  assert.equal(documentOf(deleted).generation, 3);
  assert.equal(changesAnything(planDelete(deleted, ["web"], false, author())), false);
  const plan = planApply(deleted, [wanted("web", { replicas: 3 })], author());
  assert.equal(plan.items[0]?.changes[0]?.path, "deleted");
  const back = documentOf(committed(deleted, plan));
  assert.deepEqual([back.deleted, back.replicas, back.uid], [undefined, { file: 3 }, documentOf(state).uid]);
});

test("a protected Deployment is deleted only by force", () => {
  const state = applied(nothingKnown, wanted("web", { protect: true }));
  const [item] = planDelete(state, ["web"], false, author()).items;
  assert.equal(item?.action, "blocked");
  assert.equal(item.after, undefined);
  assert.equal(planDelete(state, ["web"], true, author()).items[0]?.action, "delete");
});

test("Deployments that the files lack are named and not touched; those of another source are refused", () => {
  const state = applied(nothingKnown, wanted("web"), wanted("old"));
  const plan = planApply(state, [wanted("web")], author());
  assert.deepEqual(plan.notInFiles, ["old"]);
  assert.equal(changesAnything(plan), false);
  const other = planApply(state, [wanted("web", { image: "demo:2" })], { ...author(), source: "git" });
  assert.deepEqual([other.items[0]?.action, other.notInFiles], ["blocked", []]);
});
