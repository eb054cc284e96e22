import assert from "node:assert/strict";
import { test } from "node:test";
import { goneText } from "../../../src/cli/containers/gone-text.ts";
import { joinPods } from "../../../src/model/joined-pod.ts";
import type { PodStatus } from "../../../src/model/pod.ts";
import { builtAt, stateOf } from "../../support/builders.ts";

const nowMs = Date.parse(builtAt) + 12 * 60_000;
const reason = { code: "IMAGE_NOT_FOUND", message: "no such image: demo:9" } as const;
const failure = { pod: "web-0", id: "", at: builtAt, reason, lines: [] };

function podWith(status: Partial<PodStatus> | null) {
  const [pod] = joinPods(stateOf({ deployments: { web: { pods: [{ status }] } } }));
  assert.ok(pod);
  return pod;
}

test("without lines the reason is told, and no lines are announced", () => {
  const want =
    "pod/web-0 has no container (starting): no such image: demo:9 (IMAGE_NOT_FOUND); orchestra why web-0 tells more.";
  assert.deepEqual(goneText(podWith({ phase: "starting" }), false, failure, nowMs), { note: want, lines: [] });
  assert.equal(goneText(podWith({ phase: "starting", reason }), false, undefined, nowMs).note, want);
});

test("a container that has never started is told as that, with the worker's last word", () => {
  const taken = { code: "PORT_TAKEN", message: "host port 80 is taken" } as const;
  assert.equal(
    goneText(podWith({ phase: "starting", reason: taken }), true, failure, nowMs).note,
    "pod/web-0 has a container that has never started (starting): host port 80 is taken (PORT_TAKEN); orchestra why web-0 tells more.",
  );
});

test("what a failure left is printed, and nothing is made up where nobody knows anything", () => {
  const left = { ...failure, lines: ["its last words"] };
  assert.deepEqual(goneText(podWith({}), false, left, nowMs), {
    note: "pod/web-0 has no container; these lines are of its failure 12m ago:",
    lines: ["its last words"],
  });
  assert.equal(
    goneText(podWith(null), false, undefined, nowMs).note,
    "pod/web-0 has no container (placed); orchestra why web-0 tells more.",
  );
});
