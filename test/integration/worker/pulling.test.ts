// A pull that takes its time shows how far it has come.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { resolveTemplate } from "../../../src/model/template.ts";
import type { Clients } from "../../../src/worker/docker-engine.ts";
import { openPuller } from "../../../src/worker/docker-pull.ts";
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

test("a pull that is done leaves nothing with the signal of who asked for it", async () => {
  const streams = { pull: async () => Readable.from(['{"status":"done"}\n']) } as unknown as Clients["streams"];
  const puller = openPuller(
    {
      clients: async () => ({ streams, calls: streams, apiVersion: "1.41", version: "20.10.24" }),
      call: () => Promise.reject(new OrchestraError("not-found", "no such image")),
      listening: async () => {},
      forget() {},
    },
    "/nowhere",
  );
  const { signal } = new AbortController();
  await puller.pull(resolveTemplate({ image: "web:1" }), () => {}, signal);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
