// What the worker decides while steps are under way already.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../../../src/worker/decide.ts";
import { newMemory } from "../../../src/worker/history.ts";
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
