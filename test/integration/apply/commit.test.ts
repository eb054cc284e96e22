// Plans committed into a real embedded store: what happens when others were there first.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { commitPlan, knownState, planSelectors } from "../../../src/apply/commit.ts";
import type { Wanted } from "../../../src/apply/document.ts";
import { type KnownState, type Plan, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { goalOf } from "../../../src/apply/wait.ts";
import { deploymentKey, revisionKey } from "../../../src/model/keys.ts";
import { openEmbedded } from "../../../src/store/embedded.ts";
import { remove, type Store } from "../../../src/store/store.ts";
import { author, wanted } from "../../support/plans.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-commit-"));
});
after(() => rm(folder, { recursive: true, force: true }));

let stores = 0;
async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
  stores += 1;
  const store = await openEmbedded(join(folder, `${stores}.db`), { create: true });
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

interface Begun {
  commit(): Promise<Plan>;
}

/** A change that has looked at the store and has not written yet. */
async function begin(store: Store, plan: (state: KnownState) => Plan): Promise<Begun> {
  const first = plan(knownState(await store.list(planSelectors)));
  return { commit: () => commitPlan(store, first, plan) };
}
const applying = (store: Store, by: string, ...manifests: Wanted[]) =>
  begin(store, (state) => planApply(state, manifests, author(by)));
const deleting = (store: Store, by: string, name: string) =>
  begin(store, (state) => planDelete(state, [name], false, author(by)));
const apply = async (store: Store, by: string, ...manifests: Wanted[]) =>
  (await applying(store, by, ...manifests)).commit();

async function documentOf(store: Store, name: string) {
  const found = await store.read(deploymentKey(name));
  assert.ok(found, `${name} is there`);
  return found;
}

test("what the plan says is what is written, and nothing else", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("other"));
    const plan = await apply(store, "ann", wanted("web", { replicas: 2 }));
    assert.deepEqual((await documentOf(store, "web")).value, plan.items[0]?.after);
    const revision = await store.read(revisionKey("web", plan.items[0]?.after?.revision ?? ""));
    assert.deepEqual(revision?.value, { image: "demo:1" });
    assert.equal((await documentOf(store, "other")).version, 1);
  }));

test("a second apply commits nothing", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"));
    const { position } = await store.list(planSelectors);
    await apply(store, "bob", wanted("web"));
    assert.equal((await store.list(planSelectors)).position, position);
  }));

test("two who change the same Deployment: the second is told of both sides and writes nothing at all", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"));
    const first = await applying(store, "bob", wanted("web", { image: "demo:2" }));
    const second = await applying(store, "eve", wanted("web", { image: "demo:3" }), wanted("api"));
    await first.commit();
    await assert.rejects(second.commit(), (error: Error & { code: string; details: object }) => {
      assert.equal(error.code, "conflict");
      for (const word of ["web", "bob", "eve", "generation 2", "generation 1"])
        assert.match(error.message, new RegExp(word));
      assert.deepEqual(Object.keys(error.details), ["deployment", "ours", "theirs"]);
      return true;
    });
    assert.equal(await store.read(deploymentKey("api")), undefined);
  }));

test("two who create the same Deployment differently: one is told of the other", () =>
  withStore(async (store) => {
    const [first, second] = [
      await applying(store, "bob", wanted("web")),
      await applying(store, "eve", wanted("web", { image: "demo:2" })),
    ];
    await first.commit();
    await assert.rejects(second.commit(), { code: "conflict", message: /web was created by bob/ });
  }));

test("two who apply the same at once both succeed, and it is written once", () =>
  withStore(async (store) => {
    const [first, second] = [await applying(store, "bob", wanted("web")), await applying(store, "eve", wanted("web"))];
    await first.commit();
    assert.equal((await second.commit()).items[0]?.action, "unchanged");
    assert.equal((await documentOf(store, "web")).value.created.by, "bob");
  }));

test("changes of different Deployments do not meet", () =>
  withStore(async (store) => {
    const [first, second] = [await applying(store, "bob", wanted("web")), await applying(store, "eve", wanted("api"))];
    await Promise.all([first.commit(), second.commit()]);
    assert.equal((await store.list(planSelectors)).list("deployments").length, 2);
  }));

test("an apply that meets the end of a deletion creates the Deployment anew", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"));
    await (await deleting(store, "eve", "web")).commit();
    const again = await applying(store, "bob", wanted("web"));
    const { version, value } = await documentOf(store, "web");
    const revision = await store.read(revisionKey("web", value.revision));
    await store.commit({
      changes: [
        remove(deploymentKey("web"), version),
        remove(revisionKey("web", value.revision), revision?.version ?? 0),
      ],
    });
    assert.equal((await again.commit()).items[0]?.action, "create");
    assert.notEqual((await documentOf(store, "web")).value.uid, value.uid);
    assert.ok(await store.read(revisionKey("web", value.revision)));
  }));

test("a revision that was cleared away meanwhile is written again", () =>
  withStore(async (store) => {
    for (const image of ["demo:1", "demo:2"]) await apply(store, "ann", wanted("web", { image }));
    const back = await applying(store, "bob", wanted("web", { image: "demo:1" }));
    const key = revisionKey("web", wanted("web").revision);
    await store.commit({ changes: [remove(key, (await store.read(key))?.version ?? 0)] });
    await back.commit();
    assert.deepEqual((await store.read(key))?.value, { image: "demo:1" });
  }));

test("a change of what someone deleted meanwhile is a conflict", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web", { replicas: 1 }));
    const scale = await begin(store, (state) => planScale(state, "web", 5, author("bob")));
    const change = await applying(store, "bob", wanted("web", { replicas: 2 }));
    await (await deleting(store, "eve", "web")).commit();
    await assert.rejects(change.commit(), { code: "conflict", message: /web was deleted by eve/ });
    await assert.rejects(scale.commit(), { code: "conflict", message: /web is being deleted \(by eve/ });
    const { version } = await documentOf(store, "web");
    await store.commit({ changes: [remove(deploymentKey("web"), version)] });
    await assert.rejects(change.commit(), { code: "conflict", message: /web was deleted while this was planned/ });
  }));

test("two who delete the same at once both have what they want, whether the first is done by then or not", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"), wanted("api"));
    const first = await deleting(store, "bob", "web");
    const [second, third] = [await deleting(store, "eve", "web"), await deleting(store, "zoe", "web")];
    await first.commit();
    const { version, value } = await documentOf(store, "web");
    assert.deepEqual((await second.commit()).items, [
      { name: "web", action: "unchanged", changes: [], before: await documentOf(store, "web") },
    ]);
    assert.equal(value.deleted?.by, "bob");
    await store.commit({ changes: [remove(deploymentKey("web"), version)] });
    const [item] = (await third.commit()).items;
    assert.deepEqual(
      [item?.action, item && goalOf(item)?.uid, item && goalOf(item)?.do],
      ["unchanged", value.uid, "delete"],
    );
    assert.equal((await documentOf(store, "api")).value.deleted, undefined);
  }));

test("a deletion that meets another Deployment under the same name leaves that alone", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"));
    const late = await deleting(store, "eve", "web");
    await (await deleting(store, "bob", "web")).commit();
    const { version } = await documentOf(store, "web");
    await store.commit({ changes: [remove(deploymentKey("web"), version)] });
    await apply(store, "zoe", wanted("web"));
    await assert.rejects(late.commit(), { code: "conflict", message: /web was created anew by zoe/ });
    assert.equal((await documentOf(store, "web")).value.deleted, undefined);
  }));

test("a protected Deployment is refused with the reason, and the others of the request stay too", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web", { protect: true }), wanted("api"));
    const both = await begin(store, (state) => planDelete(state, ["api", "web"], false, author()));
    await assert.rejects(both.commit(), { code: "conflict", message: /web is protected/ });
    assert.equal((await documentOf(store, "api")).value.deleted, undefined);
  }));

test("what was shown as unchanged is not changed back: who moved it meanwhile is named, and nothing is written", () =>
  withStore(async (store) => {
    const [web, api] = [wanted("web"), wanted("api", { image: "demo:2" })];
    await apply(store, "ann", web, wanted("api"));
    const late = await applying(store, "ann", web, api);
    // The same change of `api` makes the plan anew, and now `web` differs from the files too.
    await apply(store, "bob", wanted("web", { image: "demo:2" }), api);
    const { position } = await store.list(planSelectors);
    await assert.rejects(late.commit(), (error: Error & { code: string; details: object }) => {
      assert.equal(error.code, "conflict");
      assert.match(error.message, /^web was changed by bob at .* \(now generation 2\).* by ann rests on generation 1/);
      assert.deepEqual(Object.keys(error.details), ["deployment", "ours", "theirs"]);
      return true;
    });
    assert.equal((await store.list(planSelectors)).position, position);
  }));

test("what was shown as unchanged and is deleted meanwhile is not created again, nor its deletion taken back", () =>
  withStore(async (store) => {
    const [web, api] = [wanted("web"), wanted("api", { image: "demo:2" })];
    await apply(store, "ann", web, wanted("api"));
    const [first, second] = [await applying(store, "ann", web, api), await applying(store, "ann", web, api)];
    await apply(store, "bob", api);
    await (await deleting(store, "eve", "web")).commit();
    await assert.rejects(first.commit(), { code: "conflict", message: /web was deleted by eve/ });
    await store.commit({ changes: [remove(deploymentKey("web"), (await documentOf(store, "web")).version)] });
    await assert.rejects(second.commit(), { code: "conflict", message: /web was deleted while this was planned/ });
    assert.equal(await store.read(deploymentKey("web")), undefined);
  }));

test("a template that is lost meanwhile is not written again unseen", () =>
  withStore(async (store) => {
    const [web, api] = [wanted("web"), wanted("api", { image: "demo:2" })];
    await apply(store, "ann", web, wanted("api"));
    const late = await applying(store, "ann", web, api);
    await apply(store, "bob", api);
    const key = revisionKey("web", web.revision);
    await store.commit({ changes: [remove(key, (await store.read(key))?.version ?? 0)] });
    await assert.rejects(late.commit(), { code: "conflict", message: /template of web .* while this was planned/ });
    assert.equal(await store.read(key), undefined);
  }));

test("a deletion of two, one of which is being deleted already and gone by then, is done", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"), wanted("api"));
    await (await deleting(store, "eve", "web")).commit();
    const both = await begin(store, (state) => planDelete(state, ["web", "api"], false, author("bob")));
    await (await deleting(store, "eve", "api")).commit();
    await store.commit({ changes: [remove(deploymentKey("web"), (await documentOf(store, "web")).version)] });
    assert.deepEqual(
      (await both.commit()).items.map(({ name, action }) => [name, action]),
      [
        ["web", "unchanged"],
        ["api", "unchanged"],
      ],
    );
  }));

test("a document that is damaged meanwhile is not taken for a deleted one", () =>
  withStore(async (store) => {
    await apply(store, "ann", wanted("web"));
    const late = [
      await deleting(store, "bob", "web"),
      await applying(store, "bob", wanted("web", { image: "demo:2" })),
      await begin(store, (state) => planScale(state, "web", 3, author("bob"))),
    ];
    const { key, version } = await documentOf(store, "web");
    await store.commit({ changes: [{ do: "put", key, value: ["no", "Deployment"], version }] });
    for (const one of late) {
      await assert.rejects(one.commit(), { code: "conflict", message: /deployments\/web is damaged/ });
    }
  }));
