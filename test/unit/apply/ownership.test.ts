// Each Deployment has one source: what another one may do with it, and what it says then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseBlocked } from "../../../src/apply/commit.ts";
import type { Author } from "../../../src/apply/document.ts";
import { type KnownState, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const from = (source: string, fields: Partial<Author> = {}): Author => ({ ...author(), source, ...fields });
const commit = { id: "0123456789abcdef", author: "Ann", subject: "web: three replicas" };
const applied = (state: KnownState, by: Author, ...manifests: ReturnType<typeof wanted>[]) =>
  committed(state, planApply(state, manifests, by));
const web = (state: KnownState) => state.deployments.get("web")?.value;

test("what belongs to another source is blocked, also where the manifest says the same; the reason names the owner and the way", () => {
  const state = applied(nothingKnown, from("shop"), wanted("web"));
  for (const manifest of [wanted("web"), wanted("web", { replicas: 2 })]) {
    const [item] = planApply(state, [manifest], from("cli")).items;
    assert.deepEqual([item?.action, item?.after], ["blocked", undefined]);
    assert.equal(item?.reason?.message, "web belongs to shop, not to cli (plain apply and deploy)");
    assert.match(item?.reason?.hint ?? "", /--adopt/);
    const { replicas } = manifest.spec;
    assert.deepEqual(item?.changes, replicas === undefined ? [] : [{ path: "spec.replicas", old: 1, new: replicas }]);
  }
});

test("of very many that are blocked the first are named and the others counted", () => {
  const all = Array.from({ length: 100 }, (_, index) => wanted(`d${index}`));
  const state = applied(nothingKnown, from("shop"), ...all);
  const refuse = () => refuseBlocked(planApply(state, all, from("cli")));
  assert.throws(refuse, {
    code: "conflict",
    message: /^d0 belongs to shop.*; d9 belongs to [^;]*; and 90 more like these$/,
  });
});

test("who adopts it changes its source, also where nothing else differs, and then it is settled", () => {
  const state = applied(nothingKnown, from("shop"), wanted("web", { replicas: 2 }));
  const adopting = from("bank", { adopt: true });
  const [item] = planApply(state, [wanted("web", { replicas: 2 })], adopting).items;
  assert.equal(item?.action, "update");
  assert.deepEqual(item.changes, [{ path: "source", old: "shop", new: "bank" }]);
  const after = applied(state, adopting, wanted("web", { replicas: 2 }));
  assert.deepEqual([web(after)?.source, web(after)?.uid, web(after)?.generation], ["bank", web(state)?.uid, 2]);
  for (const by of [adopting, from("bank")])
    assert.equal(planApply(after, [wanted("web", { replicas: 2 })], by).items[0]?.action, "unchanged");
  assert.equal(planApply(after, [wanted("web", { replicas: 2 })], from("shop")).items[0]?.action, "blocked");
});

test("what is adopted keeps a count by hand", () => {
  const state = applied(nothingKnown, from("shop"), wanted("web", { replicas: 2 }));
  const scaled = committed(state, planScale(state, "web", 7, author("bob")));
  const after = applied(scaled, from("bank", { adopt: true }), wanted("web", { replicas: 2 }));
  assert.equal(web(after)?.replicas.override?.count, 7);
});

test("scale and delete by hand work on any source, and leave it and its commit as they are", () => {
  const state = applied(nothingKnown, from("shop", { commit }), wanted("web"));
  for (const plan of [planScale(state, "web", 3, author("bob")), planDelete(state, ["web"], false, author("bob"))]) {
    const after = web(committed(state, plan));
    assert.deepEqual([after?.generation, after?.source, after?.commit], [2, "shop", commit]);
  }
});

test("what is being deleted belongs to nobody: another source begins anew with it", () => {
  const state = applied(nothingKnown, from("shop"), wanted("web"));
  const deleted = committed(state, planDelete(state, ["web"], false, author("eve")));
  const [item] = planApply(deleted, [wanted("web")], from("bank")).items;
  assert.equal(item?.action, "update");
  assert.deepEqual(item.changes[1], { path: "source", old: "shop", new: "bank" });
  assert.deepEqual([item.after?.source, item.after?.deleted], ["bank", undefined]);
});

test("the commit of a Deployment is the one that changed it last; a write from elsewhere drops it", () => {
  const first = applied(nothingKnown, from("shop", { commit }), wanted("web"));
  assert.deepEqual(web(first)?.commit, commit);
  const later = { ...commit, id: "fedcba9876543210", subject: "api: four replicas" };
  const [same] = planApply(first, [wanted("web")], from("shop", { commit: later })).items;
  assert.equal(same?.action, "unchanged", "another commit that says the same changes nothing");
  const second = applied(first, from("shop", { commit: later }), wanted("web", { replicas: 2 }));
  assert.deepEqual(web(second)?.commit, later);
  const byHand = applied(second, from("shop"), wanted("web", { replicas: 3 }));
  assert.equal(web(byHand)?.commit, undefined);
});
