// What the worker decides while steps are under way already.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide, pullsAtATime } from "../../../src/worker/decide.ts";
import { newMemory } from "../../../src/worker/history.ts";
import { statusOf } from "../../../src/worker/status.ts";
import { container, placement, view } from "../../support/pod-views.ts";

const stopped = { ...placement, stop: { reason: "rollout" as const } };
const missing = { ...newMemory, imageMissing: true };

test("a busy engine finishes pods before it begins new ones, and gets no more calls than there is room for", () => {
  const pods = [
    view({ id: "new" }),
    view({ id: "next", container: container({ state: "created" }) }),
    view({
      id: "leaving",
      placement: stopped,
      container: container({ state: "exited" }),
      memory: { ...newMemory, stop: { seenAt: 0 } },
    }),
    view({ id: "pulling", memory: missing }),
  ];
  const order = (room: number) => decide(pods, 1_000, room).steps.map((step) => `${step.do} ${step.pod}`);
  assert.deepEqual(order(8), ["pull pulling", "start next", "remove leaving", "create new"]);
  assert.deepEqual(order(1), ["pull pulling", "start next"]);
  assert.deepEqual(order(0), ["pull pulling"]);
});

test("a pull is given up when its pod must end, and nothing else that is under way", () => {
  const mustEnd = { ...missing, stop: { seenAt: 900 } };
  const pods = [
    view({ id: "wanted", memory: missing, busy: "pull" }),
    view({ id: "ends", placement: stopped, memory: mustEnd, busy: "pull" }),
    view({ id: "made", placement: stopped, memory: mustEnd, busy: "create" }),
  ];
  const { giveUp, steps } = decide(pods, 1_000, 8);
  assert.deepEqual([giveUp, steps], [["ends"], []]);
});

test("so many images are pulled at a time, the rest waits, and nothing else waits for them", () => {
  const wants = (image: string, fields: object = {}) =>
    view({ id: image, template: { image }, memory: missing, ...fields });
  const busy = Array.from({ length: pullsAtATime - 1 }, (_, index) => wants(`stalled:${index}`, { busy: "pull" }));
  const more = [wants("a:1"), { ...wants("a:1"), id: "twin" }, wants("b:1"), { ...wants("stalled:0"), id: "joins" }];
  const { steps, queued } = decide([...busy, ...more, view({ id: "here" })], 1_000, 8);
  const order = steps.map((step) => `${step.do} ${step.pod}`);
  assert.deepEqual(order, ["pull a:1", "pull twin", "pull joins", "create here"]);
  assert.deepEqual(queued, ["b:1"]);
  const [, ...left] = busy;
  assert.deepEqual(decide([...left, wants("a:1", { busy: "pull" }), wants("b:1")], 1_000, 8).queued, []);
});

test("a pod that waits for other images to be pulled says so", () => {
  const code = "IMAGE_WAITS";
  const queued = statusOf(view({ memory: missing }), undefined, true);
  assert.deepEqual([queued?.phase, queued?.reason?.code], ["pulling", code]);
  assert.match(queued?.reason?.message ?? "", /^waits for another image to be pulled/);
  const always = statusOf(view({ template: { imagePullPolicy: "Always" } }), undefined, true);
  assert.deepEqual([always?.phase, always?.reason?.code], ["pulling", code]);
  const refusal = {
    reason: { code: "IMAGE_PULL_FAILED", message: "no answer" },
    final: false,
    at: 0,
    attempts: 1,
  } as const;
  const again = { ...missing, refusal: { ...refusal, notBefore: 0 } };
  assert.equal(statusOf(view({ memory: again }), undefined, true)?.reason?.code, "IMAGE_PULL_FAILED");
});
