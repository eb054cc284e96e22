// The second commit of an apply that prunes, into a real embedded store: what it deletes is what was shown, or nothing.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { commitPlan, knownState, planSelectors } from "../../../src/apply/commit.ts";
import { commitPrune } from "../../../src/apply/commit-prune.ts";
import type { Author, Wanted } from "../../../src/apply/document.ts";
import { type KnownState, type Plan, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { withoutPrune } from "../../../src/apply/prune.ts";
import { nameOf } from "../../../src/model/keys.ts";
import { openEmbedded } from "../../../src/store/embedded.ts";
import { remove, type Store } from "../../../src/store/store.ts";
import { author, wanted } from "../../support/plans.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const shop = (by: string, fields: Partial<Author> = {}): Author => ({ ...author(by), source: "shop", ...fields });

async function change(store: Store, plan: (state: KnownState) => Plan): Promise<void> {
  await commitPlan(store, plan(knownState(await store.list(planSelectors))), plan);
}
const apply = (store: Store, by: Author, ...manifests: Wanted[]) =>
  change(store, (state) => planApply(state, manifests, by));

interface Half {
  readonly store: Store;
  /** Deletes what was shown. */
  prune(): Promise<Plan>;
  /** Names of the Deployments that are not being deleted. */
  names(): Promise<string[]>;
}

/** old and older are about to be pruned; web is written in their place. */
async function halfWay(t: TestContext): Promise<Half> {
  const store = await openEmbedded(join(await tempFolder(t), "store.db"), { create: true });
  t.after(() => store.close());
  await apply(store, shop("ann"), wanted("old"), wanted("older"));
  const plan = (state: KnownState) => planApply(state, [wanted("web")], shop("ann"), { prune: true });
  const shown = plan(knownState(await store.list(planSelectors)));
  await commitPlan(store, withoutPrune(shown), (state) => withoutPrune(plan(state)));
  return {
    store,
    prune: () => commitPrune(store, shown, plan),
    async names() {
      const all = (await store.list(["deployments"])).list("deployments");
      return all.flatMap(({ key, value }) => (value.deleted ? [] : [nameOf(key)]));
    },
  };
}

test("what was shown is deleted in one commit, and a second time there is nothing to do", async (t) => {
  const { store, prune, names } = await halfWay(t);
  assert.deepEqual(await names(), ["old", "older", "web"], "the deletions come second");
  const written = await prune();
  assert.deepEqual(
    written.items.map(({ name, action }) => [name, action]),
    [
      ["old", "delete"],
      ["older", "delete"],
    ],
  );
  assert.deepEqual(await names(), ["web"]);
  const { position } = await store.list(planSelectors);
  assert.deepEqual((await prune()).items, []);
  assert.equal((await store.list(planSelectors)).position, position);
});

const meanwhile: { name: string; act: (store: Store) => Promise<unknown>; why: RegExp }[] = [
  {
    name: "scaled",
    act: (store) => change(store, (state) => planScale(state, "old", 5, author("bob"))),
    why: /nothing was pruned: old was changed by bob/,
  },
  {
    name: "protected",
    act: (store) => apply(store, shop("bob"), wanted("older", { protect: true })),
    why: /nothing was pruned: older was changed by bob/,
  },
  {
    name: "taken over",
    act: (store) => apply(store, { ...author("bob"), source: "bank", adopt: true }, wanted("old")),
    why: /nothing was pruned: old was changed by bob/,
  },
  {
    name: "deleted and created anew",
    async act(store) {
      const found = (await store.list(["deployments"])).list("deployments").find(({ key }) => nameOf(key) === "old");
      assert.ok(found);
      await store.commit({ changes: [remove(found.key, found.version)] });
      await apply(store, shop("bob"), wanted("old"));
    },
    why: /nothing was pruned: old was created anew by bob/,
  },
  {
    name: "and what was to replace it is deleted",
    act: (store) => change(store, (state) => planDelete(state, ["web"], false, author("bob"))),
    why: /nothing was pruned: web is no more as it was written/,
  },
  {
    name: "and what was to replace it is taken over",
    act: (store) => apply(store, { ...author("bob"), source: "bank", adopt: true }, wanted("web")),
    why: /nothing was pruned: web belongs to bank/,
  },
];
for (const { name, act, why } of meanwhile) {
  test(`what has been ${name} meanwhile is not what was shown: nothing is deleted`, async (t) => {
    const { store, prune, names } = await halfWay(t);
    await act(store);
    const before = await names();
    await assert.rejects(prune(), { code: "conflict", message: why });
    assert.deepEqual(await names(), before);
  });
}

test("what somebody else has deleted is left out, and what was not shown is left alone", async (t) => {
  const { store, prune, names } = await halfWay(t);
  await change(store, (state) => planDelete(state, ["old"], false, author("bob")));
  await apply(store, shop("bob"), wanted("late"));
  const written = await prune();
  assert.deepEqual(
    written.items.map(({ name }) => name),
    ["older"],
  );
  assert.deepEqual(await names(), ["late", "web"]);
});

test("a change between the look and the commit counts too", async (t) => {
  const { store, prune, names } = await halfWay(t);
  const scale = () => change(store, (state) => planScale(state, "older", 5, author("bob")));
  let isFirst = true;
  const { commit } = store;
  t.mock.method(store, "commit", async (wanted: Parameters<Store["commit"]>[0]) => {
    const mine = isFirst;
    isFirst = false;
    if (mine) await scale();
    return commit.call(store, wanted);
  });
  await assert.rejects(prune(), { code: "conflict", message: /nothing was pruned: older was changed by bob/ });
  assert.deepEqual(await names(), ["old", "older", "web"]);
});
