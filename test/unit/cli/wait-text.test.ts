import assert from "node:assert/strict";
import { test } from "node:test";
import type { Followed } from "../../../src/apply/follow.ts";
import type { Goal, Progress } from "../../../src/apply/wait.ts";
import { failureText, waitFailure } from "../../../src/cli/change/change-text.ts";
import {
  endOf,
  failureLines,
  outOfReachTexts,
  progressLines,
  progressText,
  unfinishedTexts,
  waitExitCodes,
} from "../../../src/cli/change/wait-text.ts";
import { builtAt, podId, revisionOf, stateOf } from "../../support/builders.ts";

function goal(name: string, fields: Partial<Goal> = {}): Goal {
  return { name, do: "run", uid: "", generation: 1, revision: revisionOf(), replicas: 3, changed: true, ...fields };
}

type Fields = Partial<Omit<Progress, "state" | "goal">> & { readonly goal?: Partial<Goal> };
function progress(name: string, state: Progress["state"], { goal: fields = {}, ...others }: Fields = {}): Progress {
  const why = { message: "no such image", code: "IMAGE_NOT_FOUND", pod: `${name}-0` } as const;
  return {
    goal: goal(name, fields),
    ready: 1,
    leaving: 0,
    old: 0,
    stopping: 0,
    phases: new Map(),
    outOfReach: new Map(),
    state,
    why,
    ...others,
  } as Progress;
}

const ends: readonly {
  name: string;
  end: Followed["end"];
  states: Progress["state"][];
  unplaced?: true;
  want: number;
}[] = [
  { name: "all done", end: "settled", states: ["done", "done"], want: 0 },
  { name: "one failed", end: "settled", states: ["done", "failed"], want: 4 },
  { name: "someone else was there", end: "settled", states: ["superseded", "failed"], want: 3 },
  { name: "no place", end: "settled", states: ["working"], unplaced: true, want: 6 },
  { name: "no place, and another failed", end: "settled", states: ["working", "failed"], unplaced: true, want: 4 },
  { name: "time is over", end: "timeout", states: ["working", "done"], want: 5 },
  { name: "time is over for one without a place", end: "timeout", states: ["working"], unplaced: true, want: 6 },
  { name: "Ctrl-C", end: "interrupted", states: ["working"], want: 130 },
  { name: "up has gone", end: "nobody", states: ["working"], want: 1 },
];
for (const { name, end, states, unplaced, want } of ends) {
  test(`exit code: ${name}`, () => {
    const list = states.map((state, index) => progress(`d${index}`, state));
    const [first] = list;
    const found = endOf({ end, progress: list, unplaced: new Set(unplaced && first ? [first.goal] : []) });
    assert.equal(waitExitCodes[found], want);
    assert.equal(waitFailure(found, "5m") === undefined, want === 0);
  });
}

test("progress in one line, with phases only where it is drawn in place", () => {
  const one = progress("web", "working", {
    leaving: 2,
    old: 1,
    phases: new Map([["pulling", 2]]),
    outOfReach: new Map(),
    trouble: { code: "CRASHED", message: "exit\ncode 1\x1b[2J", pod: "web-1" },
  });
  const reason = "; web-1: exit code 1�[2J (CRASHED)";
  assert.equal(
    progressText(one, true),
    `web: 1 of 3 updated and ready, 2 pulling, 1 old pod left, 1 stopping${reason}`,
  );
  assert.equal(progressText(one, false), `web: 1 of 3 updated and ready, 1 old pod left, 1 stopping${reason}`);
  const down = progress("web", "working", { leaving: 2 });
  assert.equal(progressText(down, true), "web: 1 of 3 ready, 2 stopping");
  const removed = progress("web", "working", { goal: { do: "delete" }, leaving: 2 });
  assert.equal(progressText(removed, true), "web: 2 pods left");
  assert.equal(progressText(progress("web", "done", { goal: { do: "delete" } }), true), "web: gone");
});

test("what was done from the start is not shown, what gets done stays on the screen, and very many are counted", () => {
  const seen = new Set<Goal>();
  const [web, api] = [progress("web", "working"), progress("api", "done")];
  assert.deepEqual(
    progressLines([web, api], seen, false).map(({ key }) => key),
    ["web"],
  );
  const done = { ...web, state: "done" } as Progress;
  assert.deepEqual(
    progressLines([done, api], seen, false).map(({ text }) => text),
    ["web: 1 of 3 ready"],
  );
  const many = Array.from({ length: 100 }, (_, index) => progress(`d${index}`, "working"));
  assert.deepEqual(progressLines([done, ...many], seen, false), [{ key: "", text: "1 of 101 Deployments are done" }]);
});

test("what is not done says why: the worker's reason, the scheduler's, or who changed it", () => {
  const state = stateOf({
    deployments: { big: { pods: [{ node: null }], template: { resources: { memory: "64Gi" } } } },
  });
  const big = progress("big", "working");
  const list = [progress("ok", "done"), progress("web", "failed"), big, progress("api", "working")];
  const followed: Followed = { end: "settled", progress: list, unplaced: new Set([big.goal]), state };
  const [web, place, api] = unfinishedTexts(followed);
  assert.equal(web, "web: web-0: no such image (IMAGE_NOT_FOUND)");
  assert.match(place ?? "", /^big: big-0 fits on none of 1 node: 1 .*memory/);
  assert.equal(api, "api: 1 of 3 ready");
  const failure = waitFailure("failed", "5m");
  assert.ok(failure);
  const plan = { items: [], notInFiles: [] };
  assert.match(
    failureText(failure, { plan, followed, keptBack: [] }),
    /^Error: .*\n {2}web: .*\n {2}big: .*\n {2}api: .*\nHint: .*\.$/,
  );
  assert.match(
    failureText(failure, { plan, followed, keptBack: ["old", "older"] }),
    /\nNothing was pruned; until the rest is ready these stay: old, older\.\nHint: .*\.$/,
  );
});

test("the last lines of a failed container are shown, and only of this revision", () => {
  const failure = {
    ...{ deployment: "web", slot: 1, pod: podId("web", 1), revision: revisionOf(), at: builtAt },
    reason: { code: "CRASHED" as const, message: "" },
    lines: ["no database\x1b[2J"],
  };
  const failures = [{ ...failure, revision: "other", lines: ["old"] }, failure];
  assert.deepEqual(failureLines([progress("web", "failed")], failures), ["Last lines of web-1:", "  no database�[2J"]);
  assert.deepEqual(failureLines([progress("web", "working"), progress("api", "failed")], failures), []);
});

test("what is out of reach is named with its node and what helps", () => {
  const outOfReach = new Map([
    ["n1", 1],
    ["n2", 3],
  ]);
  assert.deepEqual(outOfReachTexts([progress("web", "done", { outOfReach })]), [
    "web: 1 pod on n1, which is absent or lost, is stopped when it is back; orchestra nodes forget n1 drops it",
    "web: 3 pods on n2, which is absent or lost, are stopped when it is back; orchestra nodes forget n2 drops them",
  ]);
});
