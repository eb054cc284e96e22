// The last words of a command that changes Deployments.
import assert from "node:assert/strict";
import { test } from "node:test";
import { planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import {
  besideText,
  besideTheFiles,
  meanwhileText,
  takenFromSyncs,
  takenText,
} from "../../../src/cli/change/change-text.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

test("what someone else did first is told, and what is ours is not", () => {
  const state = committed(nothingKnown, planApply(nothingKnown, [wanted("api"), wanted("web")], author()));
  const planned = planDelete(state, ["api", "web"], false, author("bob"));
  const meanwhile = committed(state, planDelete(state, ["web"], false, author("eve")));
  const written = planDelete(meanwhile, ["api", "web"], false, author("bob"));
  assert.equal(meanwhileText(planned, written), "Someone else has done the same meanwhile: web.");
  assert.equal(meanwhileText(planned, planned), "");
});

test("what becomes of a change beside the files is told as its sync does it", () => {
  const source = "dir:n1:/shop";
  const manifests = [wanted("api", { replicas: 1 }), wanted("web", { replicas: 2 })];
  const state = committed(nothingKnown, planApply(nothingKnown, manifests, { ...author(), source }));
  const scaled = besideTheFiles(planScale(state, "web", 5, author("bob")));
  const back = `Note: the sync of ${source} takes this back for web, unless it is paused: change the files instead.`;
  assert.equal(besideText(scaled, new Set()), back);
  assert.equal(besideText(scaled, new Set(["dir:n1:/other"])), back);
  const left = besideText(besideTheFiles(planDelete(state, ["api", "web"], false, author("bob"))), new Set([source]));
  assert.match(left, /^Note: the sync of dir:n1:\/shop leaves this so for api, web until its own manifest says/);
  const plain = committed(nothingKnown, planApply(nothingKnown, manifests, author()));
  assert.equal(besideText(besideTheFiles(planScale(plain, "web", 5, author("bob"))), new Set()), "");
});

test("what is taken over from a sync is told as what that makes of it, where there is one", () => {
  const source = "dir:n1:/shop";
  const manifests = [wanted("api", { replicas: 1 }), wanted("web", { replicas: 2 })];
  const state = committed(nothingKnown, planApply(nothingKnown, manifests, { ...author(), source }));
  const taken = takenFromSyncs(planApply(state, [wanted("web", { replicas: 2 })], { ...author(), adopt: true }));
  assert.equal(
    takenText(taken, new Set([source])),
    `Note: the sync of ${source} applies nothing while its files still name web: take it out of them (started with --adopt it takes it back).`,
  );
  assert.equal(takenText(taken, new Set()), "");
  assert.deepEqual(takenFromSyncs(planApply(state, manifests, { ...author(), source })), []);
});
