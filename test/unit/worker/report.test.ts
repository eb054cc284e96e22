// What the worker tells stays small, whatever happens to its pods.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { type Failure, failureLineBytes, failuresBytes, failuresPerNode } from "../../../src/model/pod.ts";
import { makeSnapshot, selectionOf } from "../../../src/store/snapshot.ts";
import type { Commit, Store } from "../../../src/store/store.ts";
import { cutLine } from "../../../src/worker/failures.ts";
import { crashed, newMemory, refused, started } from "../../../src/worker/history.ts";
import { mergeFailures, openReport } from "../../../src/worker/report.ts";
import { statusOf } from "../../../src/worker/status.ts";
import { status } from "../../support/builders.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { container, placement, view } from "../../support/pod-views.ts";

const time = "2026-01-01T00:00:00.123456789Z";
const long = container({ id: "c".repeat(64), ip: "255.255.255.255", startedAt: time });
const ended = crashed(
  started({ ...newMemory, restarts: 123_456 }, long, 0),
  { exitCode: 137, removed: false },
  undefined,
  1,
);

for (const [what, letter] of [
  ["plain", "x"],
  ["a quote, which JSON escapes", '"'],
  ["three bytes long", "√"],
  ["two halves", "🙂"],
] as const) {
  test(`a status takes at most 300 bytes, where each character is ${what}`, () => {
    const reason = { code: "IMAGE_NOT_PRESENT", message: letter.repeat(160) } as const;
    const memory = started(refused(ended, { reason, final: false }, 2), long, 3);
    const pod = {
      ...view({ id: "p".repeat(12), container: long }),
      memory: { ...memory, lastEnd: { at: 1, exitCode: 137, reason, wasReady: true } },
    };
    const status = statusOf(pod, undefined);
    assert.ok(status?.reason?.message.endsWith("…"));
    const bytes = Buffer.byteLength(JSON.stringify(status));
    assert.ok(bytes <= 300 && bytes > 280, `${bytes} bytes: ${JSON.stringify(status)}`);
  });
}

test("a message that fits is told as it is", () => {
  const reason = { code: "PORT_TAKEN", message: "x".repeat(160) } as const;
  const memory = refused(newMemory, { reason, final: false }, 1);
  assert.deepEqual(statusOf(view({ memory }), undefined)?.reason, reason);
});

test("failures are kept one for each slot, the newest first, and no more than the limit", () => {
  const failure = (slot: number, at: string): Failure => {
    return { ...placement, slot, at, reason: { code: "CRASHED", message: "" }, lines: [] };
  };
  const old = Array.from({ length: failuresPerNode }, (_, slot) => failure(slot, "old"));
  const merged = mergeFailures(old, [failure(7, "new"), failure(500, "newer"), failure(7, "newest")]);
  assert.equal(merged.length, failuresPerNode);
  assert.deepEqual(
    merged.slice(0, 3).map(({ slot, at }) => `${slot} ${at}`),
    ["7 newest", "500 newer", "0 old"],
  );
  assert.equal(merged.filter(({ slot }) => slot === 7).length, 1);
});

test("when the store is back, what waits is written at once, also where a try under way still fails", async () => {
  const clock = fakeClock();
  const written: unknown[] = [];
  let answer: "fails" | "hangs" | "takes" = "fails";
  let fail = () => {};
  const snapshot = { get: () => undefined, damaged: new Map() };
  const store = {
    list: async () => snapshot,
    commit: async ({ changes }: { changes: unknown[] }) => {
      if (answer === "fails") throw new OrchestraError("unavailable", "away");
      if (answer === "takes") return void written.push(changes);
      await new Promise<void>((_resolve, reject) => {
        fail = () => reject(new OrchestraError("unavailable", "away"));
      });
    },
  } as unknown as Store;
  const report = openReport({ store, node: "n1", clock, log: silentLog });
  report.statuses({ statuses: [{ pod: "p1", phase: "running", restarts: 0 }] });
  await clock.advance(30_000);
  answer = "hangs";
  await clock.advance(5_000);
  answer = "takes";
  report.hurry();
  fail();
  await clock.advance(0);
  assert.equal(written.length, 1);
  report.statuses({ statuses: [{ pod: "p1", phase: "ready", restarts: 0 }] });
  answer = "fails";
  await clock.advance(30_000);
  answer = "takes";
  report.hurry();
  await clock.advance(0);
  assert.equal(written.length, 2);
  await report.close();
});

for (const [what, letter] of [
  ["plain", "x"],
  ["an escape, which JSON writes with six bytes", "\u001b"],
  ["zero", "\u0000"],
  ["three bytes long", "√"],
  ["two halves", "🙂"],
  ["half of one", "\ud83d"],
] as const) {
  test(`a last line takes at most ${failureLineBytes} bytes as JSON, where each character is ${what}`, () => {
    const line = cutLine(letter.repeat(failureLineBytes));
    const bytes = Buffer.byteLength(JSON.stringify(line)) - 2;
    assert.ok(bytes <= failureLineBytes && bytes > failureLineBytes - 6, `${bytes} bytes`);
    assert.equal(line, letter.repeat(line.length / letter.length));
    assert.equal(cutLine("short\u001b"), "short\u001b");
  });
}

test("failures that are too large for a document lose the oldest", () => {
  const lines = Array.from({ length: 20 }, () => "\u001b".repeat(256));
  const old = Array.from({ length: failuresPerNode }, (_, slot): Failure => {
    return { ...placement, slot, at: "old", reason: { code: "CRASHED", message: "" }, lines };
  });
  const [newest] = old;
  assert.ok(newest);
  const merged = mergeFailures(old.slice(1), [newest]);
  assert.ok(merged.length > 1 && merged.length < failuresPerNode);
  assert.equal(merged[0], newest);
  assert.ok(Buffer.byteLength(JSON.stringify({ failures: merged })) <= failuresBytes + 20);
});

test("failures that no store takes keep no status back", async () => {
  const kept = new Map<string, unknown>();
  const commit = async ({ changes }: Commit): Promise<number> => {
    if (changes.some(({ key }) => key.startsWith("failures/"))) throw new OrchestraError("invalid", "too large");
    for (const change of changes) if (change.do === "put") kept.set(change.key, change.value);
    return 1;
  };
  const list = async () => makeSnapshot(selectionOf(["statuses", "failures"]), [], 1, true);
  const store = { commit, list } as unknown as Store;
  const report = openReport({ store, node: "node-1", clock: systemClock, log: silentLog });
  report.statuses({ statuses: [status({ id: "p", slot: 0 })] });
  report.failure({ ...placement, at: "now", reason: { code: "CRASHED", message: "" }, lines: [] });
  await report.close();
  assert.deepEqual([...kept.keys()], ["statuses/node-1"]);
});
