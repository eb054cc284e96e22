import assert from "node:assert/strict";
import { test } from "node:test";
import { fired, sleep, systemClock } from "../../src/clock.ts";
import { throughout } from "../support/eventually.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";

test("a sleep ends after its time", async () => {
  const clock = fakeClock();
  let done = false;
  const sleeping = sleep(clock, 100, new AbortController().signal).then(() => {
    done = true;
  });
  await clock.advance(99);
  assert.equal(done, false);
  await clock.advance(1);
  await sleeping;
  assert.equal(clock.wall(), "2026-01-02T03:04:05.100Z");
});

test("a sleep ends with the signal's reason, and leaves no timer behind", async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  const reason = new Error("closing");
  const sleeping = assert.rejects(sleep(clock, 100, stop.signal), reason);
  stop.abort(reason);
  await sleeping;
  assert.equal(clock.waiting(), 0);
  await assert.rejects(sleep(clock, 100, stop.signal), reason);
});

test("whoever waits for a signal goes on when it fires, and at once where it has", async () => {
  const stop = new AbortController();
  let isOver = false;
  const waiting = fired(stop.signal).then(() => {
    isOver = true;
  });
  await settle();
  assert.equal(isOver, false);
  stop.abort();
  await waiting;
  await fired(stop.signal);
});

test("the system's clock rises, tells the time, and calls back unless it is cancelled", async () => {
  const before = systemClock.now();
  let cancelled = true;
  systemClock.after(0, () => {
    cancelled = false;
  })();
  await sleep(systemClock, 1, AbortSignal.timeout(10_000));
  await settle();
  assert.equal(cancelled, true);
  assert.ok(systemClock.now() > before);
  assert.match(systemClock.wall(), /^\d{4}-\d\d-\d\dT.*Z$/);
});

test("what is further away than a timer of Node's may be is not called at once", async (t) => {
  let isCalled = false;
  const cancel = systemClock.after(2 ** 31, () => {
    isCalled = true;
  });
  t.after(cancel);
  await throughout(50, () => assert.equal(isCalled, false));
});
