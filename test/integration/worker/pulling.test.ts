// A pull that takes its time shows how far it has come.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { demoImage, workerLab } from "../../support/worker-lab.ts";

test("a pod whose image is pulled tells how much of it is here, in steps of ten", async (t) => {
  const lab = await workerLab(t);
  const images = new Map(memoryImages);
  const steps = [3, 41, 47, undefined, 99].map((percent) => ({ percent, go: Promise.withResolvers<void>() }));
  const runtime = openMemory(images, systemClock);
  runtime.pull = async (_template, onProgress) => {
    for (const { percent, go } of steps) {
      onProgress(percent);
      await go.promise;
    }
    images.set("late:1", images.get(demoImage) ?? assert.fail("no demo image"));
  };
  await lab.start({ runtime });
  await lab.place("web", { image: "late:1" }, 1);
  for (const [index, want] of [0, 40, 40, 40, 90].entries()) {
    await lab.until(`${want}%`, ([status]) => status?.phase === "pulling" && status.pulled === want);
    steps[index]?.go.resolve();
  }
  const [ready] = await lab.until("ready", ([status]) => status?.phase === "ready");
  assert.equal(ready?.pulled, undefined);
});
