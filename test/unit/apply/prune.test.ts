// What the manifests lack: whose it is, what protects it, when it goes, and what only has another name.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Author, Wanted } from "../../../src/apply/document.ts";
import { forecast } from "../../../src/apply/forecast.ts";
import { changesAnything, type KnownState, type Plan, planApply } from "../../../src/apply/plan.ts";
import { pruneOf, withoutPrune } from "../../../src/apply/prune.ts";
import { builtAt, stateOf } from "../../support/builders.ts";
import { known, manifest } from "../../support/forecasts.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const from = (source: string): Author => ({ ...author(), source });
const applied = (state: KnownState, source: string, ...manifests: Wanted[]) =>
  committed(state, planApply(state, manifests, from(source)));
const pruning = (state: KnownState, source: string, ...manifests: Wanted[]) =>
  planApply(state, manifests, from(source), { prune: true });
const actions = ({ items }: Plan) => items.map(({ name, action }) => `${action} ${name}`);

test("what a source has and its manifests lack is deleted, after all else; what others have stays", () => {
  const shop = applied(nothingKnown, "shop", wanted("old"), wanted("web"), wanted("older"));
  const state = applied(shop, "bank", wanted("ledger"));
  const plan = pruning(state, "shop", wanted("web"), wanted("new", { replicas: 2 }));
  assert.deepEqual(actions(plan), ["unchanged web", "create new", "delete old", "delete older"]);
  assert.deepEqual(actions(withoutPrune(plan)), ["unchanged web", "create new"]);
  assert.deepEqual(actions(pruneOf(plan)), ["delete old", "delete older"]);
  assert.deepEqual(plan.notInFiles, []);
  const [deletion] = pruneOf(plan).items;
  assert.deepEqual(deletion?.after?.deleted, { by: "ann", at: author().at });
  assert.equal(deletion?.after?.generation, 2);
  assert.equal(
    changesAnything(pruning(committed(state, plan), "shop", wanted("web"), wanted("new", { replicas: 2 }))),
    false,
  );
});

test("nothing is pruned where nobody asks for it", () => {
  const state = applied(nothingKnown, "shop", wanted("old"));
  const plan = planApply(state, [wanted("web")], from("shop"));
  assert.deepEqual([actions(plan), plan.notInFiles], [["create web"], ["old"]]);
  assert.equal(withoutPrune(plan), plan);
});

test("what is protected is never pruned, and named instead", () => {
  const state = applied(nothingKnown, "shop", wanted("db", { protect: true }), wanted("old"));
  const plan = pruning(state, "shop", wanted("web"));
  assert.deepEqual([actions(plan), plan.notInFiles], [["create web", "delete old"], ["db"]]);
});

test("a document that nobody understands is not pruned", () => {
  const state = applied(nothingKnown, "shop", wanted("web"));
  const damaged = new Map([["deployments/old", { version: 3, why: "it is no object" }]]);
  assert.deepEqual(actions(pruning({ ...state, damaged }, "shop", wanted("web"))), ["unchanged web"]);
});

const spec = { replicas: 3, image: "demo:1", labels: { team: "shop" } };
const renames: { name: string; old: Wanted[]; next: Wanted[]; want: string[] }[] = [
  { name: "the same spec", old: [wanted("web", spec)], next: [wanted("site", spec)], want: ["web → site"] },
  {
    name: "several, in their order",
    old: [wanted("a", spec), wanted("b", spec)],
    next: [wanted("c", spec), wanted("d", spec), wanted("e", spec)],
    want: ["a → c", "b → d"],
  },
  {
    name: "another image is another one",
    old: [wanted("web", spec)],
    next: [wanted("site", { ...spec, image: "demo:2" })],
    want: [],
  },
  { name: "another count too", old: [wanted("web", spec)], next: [wanted("site", { ...spec, replicas: 2 })], want: [] },
  {
    name: "and other labels",
    old: [wanted("web", spec)],
    next: [wanted("site", { ...spec, labels: { team: "bank" } })],
    want: [],
  },
  {
    name: "what stays where it is keeps its name",
    old: [wanted("web", spec)],
    next: [wanted("web", spec), wanted("site", spec)],
    want: [],
  },
  {
    name: "who was there already is no new name",
    old: [wanted("web", spec), wanted("site", spec)],
    next: [wanted("site", spec)],
    want: [],
  },
];
for (const { name, old, next, want } of renames) {
  test(`renamed: ${name}`, () => {
    const { items } = pruning(applied(nothingKnown, "shop", ...old), "shop", ...next);
    const told = items.flatMap((item) => (item.renamedTo === undefined ? [] : [`${item.name} → ${item.renamedTo}`]));
    assert.deepEqual(told, want);
    const back = items.flatMap((item) =>
      item.renamedFrom === undefined ? [] : [`${item.renamedFrom} → ${item.name}`],
    );
    assert.deepEqual(back, want, "both halves say the same");
  });
}

test("without pruning nothing is renamed: both run", () => {
  const state = applied(nothingKnown, "shop", wanted("web", spec));
  const [site] = planApply(state, [wanted("site", spec)], from("shop")).items;
  assert.deepEqual([site?.action, site?.renamedFrom], ["create", undefined]);
});

test("a forecast finds no room that only the pruning makes, because that comes last", () => {
  const resources = { memory: "6Gi" };
  const state = stateOf({ deployments: { old: { pods: 1, template: { resources }, document: { source: "shop" } } } });
  const next = manifest("web", { template: { image: "demo:2", resources }, replicas: 1 });
  const told = forecast(state, pruning(known(state), "shop", next), { wall: builtAt, running: true }).deployments;
  assert.equal(told.get("web")?.unplaced.length, 1);
  assert.deepEqual(
    told.get("old")?.stopped.map(({ name }) => name),
    ["old-0"],
  );
});
