// What no event told: the engine is listed again once a minute, however busy the minute was.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodStatus } from "../../../src/model/pod.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import type { RuntimeEvent } from "../../../src/worker/runtime.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { all, workerLab } from "../../support/worker-lab.ts";

const { signal } = new AbortController();
const minuteMs = 60_000;

test("a container that went without an event is missed a minute after the last listing, and made again", async (t) => {
  const lab = await workerLab(t);
  const clock = fakeClock();
  const listings: number[] = [];
  const memory = openMemory(memoryImages, clock);
  const list = memory.list.bind(memory);
  const runtime = Object.assign(memory, {
    list: (stop: AbortSignal) => {
      listings.push(clock.now());
      return list(stop);
    },
    // Tells the beginning and nothing after it.
    async watch(onEvent: (event: RuntimeEvent) => void, stop: AbortSignal) {
      onEvent({ kind: "gap" });
      if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
    },
  });
  const worker = await lab.start({ runtime, clock });
  const until = (what: string, is: (statuses: readonly PodStatus[]) => boolean) =>
    eventually(what, async () => {
      await clock.advance(10);
      return is(await lab.statuses());
    });
  await lab.place("web", {}, 1);
  await until("ready", all(1, "ready"));
  const [lost] = await list(signal);
  await runtime.remove(lost?.id ?? "", signal);

  const last = listings.at(-1) ?? assert.fail("never listed");
  await lab.place("late", {}, 1);
  await until("busy meanwhile", all(2, "ready"));
  await clock.advance(last + minuteMs - 1 - clock.now());
  assert.equal(listings.at(-1), last);
  await clock.advance(1);
  assert.equal(listings.at(-1), last + minuteMs);
  await until("made again", (now) => all(2, "ready")(now) && now.some(({ restarts }) => restarts === 1));
  // Its own time must go on for it to end.
  const closed = worker.close();
  await eventually("closed", () => Promise.race([closed.then(() => true), clock.advance(100).then(() => false)]));
});
