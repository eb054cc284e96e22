// The last words of a command that changes Deployments.
import assert from "node:assert/strict";
import { test } from "node:test";
import { planApply, planDelete } from "../../../src/apply/plan.ts";
import { meanwhileText } from "../../../src/cli/change/change-text.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

test("what someone else did first is told, and what is ours is not", () => {
  const state = committed(nothingKnown, planApply(nothingKnown, [wanted("api"), wanted("web")], author()));
  const planned = planDelete(state, ["api", "web"], false, author("bob"));
  const meanwhile = committed(state, planDelete(state, ["web"], false, author("eve")));
  const written = planDelete(meanwhile, ["api", "web"], false, author("bob"));
  assert.equal(meanwhileText(planned, written), "Someone else has done the same meanwhile: web.");
  assert.equal(meanwhileText(planned, planned), "");
});
