// The loop that master, worker and dns share, on a clock that the test turns.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../../src/log.ts";
import { startLoop } from "../../src/loop.ts";
import { OrchestraError } from "../../src/model/errors.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";

const resyncMs = 60_000;

test("a loop starts at once and then looks again after its resync time", async () => {
  const { clock, starts, loop } = start();
  await settle();
  assert.deepEqual(starts, [0]);
  await clock.advance(2 * resyncMs);
  assert.deepEqual(starts, [0, resyncMs, 2 * resyncMs]);
  await loop.close();
});

test("a pass that knows a deadline is followed by one then, and never later than the resync", async () => {
  const { clock, starts, loop, passes } = start();
  passes.push(
    async () => ({ againInMs: 700 }),
    async () => ({ againInMs: 2 * resyncMs }),
  );
  await clock.advance(700 + resyncMs);
  assert.deepEqual(starts, [0, 700, 700 + resyncMs]);
  await loop.close();
});

test("an idle loop wakes at once", async () => {
  const { clock, starts, loop } = start();
  await clock.advance(1_000);
  loop.wake();
  await settle();
  assert.deepEqual(starts, [0, 1_000]);
  await loop.close();
});

test("there are never two passes at once, and wake-ups of a busy loop are gathered into one pass", async () => {
  const { clock, starts, loop, passes, overlaps } = start();
  passes.push(() => after(clock, 500));
  await clock.advance(100);
  for (let wake = 0; wake < 5; wake += 1) loop.wake();
  await clock.advance(399);
  assert.deepEqual(starts, [0]);
  await clock.advance(1_000);
  assert.deepEqual(starts, [0, 520]);
  assert.equal(overlaps(), 0);
  await loop.close();
});

test("wake-ups that keep coming postpone a pass by 250 ms at most", async () => {
  const { clock, starts, loop, passes } = start();
  passes.push(() => after(clock, 10));
  await clock.advance(5);
  loop.wake();
  for (let ms = 0; ms < 300; ms += 10) {
    await clock.advance(10);
    loop.wake();
  }
  assert.equal(starts[1], 260);
  await loop.close();
});

for (let steps = 0; steps < 12; steps += 1) {
  test(`a wake-up ${steps} steps after the end of a pass is not lost`, async () => {
    const { clock, starts, loop, passes } = start();
    const ending = Promise.withResolvers<object>();
    passes.push(() => ending.promise);
    await settle();
    ending.resolve({});
    // As a view wakes: some microtasks later. No timer runs in between, so the loop's state must not be half-way there.
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    loop.wake();
    await clock.advance(30);
    assert.equal(starts.length, 2);
    await loop.close();
  });
}

test("failures back off up to 5 s, and are logged once, and once more when they are over", async () => {
  const { clock, starts, loop, passes, lines } = start();
  const fail = () => Promise.reject(new OrchestraError("unavailable", "the store is gone", { hint: "look for it" }));
  for (let failure = 0; failure < 9; failure += 1) passes.push(fail);
  await clock.advance(33_000);
  const pauses = starts.slice(1, 10).map((at, index) => at - (starts[index] ?? 0));
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  assert.deepEqual(lines, [
    "warn: test cannot go on now and tries again: the store is gone (look for it)",
    "info: test goes on",
  ]);
  passes.push(fail);
  loop.wake();
  await clock.advance(11_000);
  assert.equal(lines.length, 4, "the next outage is told again");
  await loop.close();
});

test("what answers now and then while it shuts down or starts is one outage", async () => {
  const { clock, loop, passes, lines } = start();
  const fail = () => Promise.reject(new OrchestraError("unavailable", "not now", { hint: "wait" }));
  const succeed = async () => ({ againInMs: 500 });
  // Under load an engine that shuts down answers for seconds between two refusals.
  const slowly = async () => ({ againInMs: 9_000 });
  passes.push(fail, succeed, fail, slowly, fail);
  await clock.advance(21_000);
  assert.deepEqual(lines, ["warn: test cannot go on now and tries again: not now (wait)", "info: test goes on"]);
  await loop.close();
});

test("a wake-up shortens a back-off to 250 ms, before it or while the failing pass runs, and never lengthens it", async () => {
  const { clock, starts, loop, passes } = start();
  const fail = async () => {
    await after(clock, 10);
    throw new Error("no");
  };
  for (let failure = 0; failure < 8; failure += 1) passes.push(fail);
  await clock.advance(4_000);
  const sixth = starts.at(-1) ?? 0;
  assert.equal(starts.length, 6);
  loop.wake();
  for (let wake = 0; wake < 4; wake += 1) {
    await clock.advance(50);
    loop.wake();
  }
  await clock.advance(50);
  assert.equal(starts.length, 7);
  assert.equal(starts[6], 4_250);
  assert.ok(sixth < 4_000);
  await clock.advance(5);
  loop.wake();
  await clock.advance(280);
  assert.equal(starts.length, 8);
  await loop.close();
});

test("a conflict is no failure: the loop looks again soon, says nothing, and backs off a little when it goes on", async () => {
  const { clock, starts, loop, passes, lines } = start();
  const conflict = () => Promise.reject(new OrchestraError("conflict", "changed meanwhile"));
  for (let round = 0; round < 7; round += 1) passes.push(conflict);
  await clock.advance(2_000);
  const pauses = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
  assert.deepEqual(pauses, [20, 40, 80, 160, 250, 250, 250]);
  assert.deepEqual(lines, []);
  await loop.close();
});

test("close waits for the pass under way, tells it to stop, and nothing follows", async () => {
  const { clock, starts, loop, passes, lines } = start();
  let ended = false;
  passes.push(async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await after(clock, 50);
    ended = true;
    throw signal.reason;
  });
  await settle();
  loop.wake();
  let closed = false;
  const closing = loop.close().then(() => {
    closed = true;
  });
  await clock.advance(49);
  assert.deepEqual([ended, closed], [false, false]);
  await clock.advance(1);
  await closing;
  assert.equal(ended, true);
  loop.wake();
  await clock.advance(3 * resyncMs);
  assert.deepEqual(starts, [0]);
  assert.equal(clock.waiting(), 0);
  assert.deepEqual(lines, [], "an end that was asked for is no outage");
});

type TestPass = (signal: AbortSignal) => Promise<object>;

/** A loop whose next passes are those pushed into `passes`, and then passes that do nothing. */
function start() {
  const clock = fakeClock();
  const starts: number[] = [];
  const passes: TestPass[] = [];
  const { log, lines } = recordingLog();
  let active = 0;
  let overlaps = 0;
  const loop = startLoop({
    name: "test",
    clock,
    log,
    resyncMs,
    async pass(signal) {
      starts.push(clock.now());
      active += 1;
      if (active > 1) overlaps += 1;
      await Promise.resolve(); // The first pass starts before the test has pushed anything.
      try {
        return (await passes.shift()?.(signal)) ?? {};
      } finally {
        active -= 1;
      }
    },
  });
  return { clock, starts, passes, loop, lines, overlaps: () => overlaps };
}

function after(clock: FakeClock, ms: number): Promise<object> {
  return new Promise((resolve) => {
    clock.after(ms, () => resolve({}));
  });
}

/** What is logged above debug, as text. */
function recordingLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const line =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      const error = fields["error"] === undefined ? "" : `: ${fields["error"]} (${fields["hint"]})`;
      lines.push(`${level}: ${message}${error}`);
    };
  const log: Log = { debug: () => {}, info: line("info"), warn: line("warn"), error: line("error"), with: () => log };
  return { log, lines };
}
