// Memory that only a piece of work needed is given back when the work rests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openSpareMemory } from "../../../src/cli/run/spare-memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const heapBytes = () => process.memoryUsage().heapTotal;

/** Grows the heap by some 150 MB of which nothing stays. */
function work(): number {
  const kept = Array.from({ length: 1_500_000 }, (_, index) => ({ index, name: `d${index}` }));
  return kept.length;
}

test("what work needed is given back when it has rested, and not before", async () => {
  const clock = fakeClock();
  const memory = openSpareMemory(clock);
  work();
  const grown = heapBytes();
  assert.ok(grown > 100 * 1024 * 1024, `the heap has ${grown} bytes`);
  memory.worked();
  await clock.advance(2_000);
  memory.worked();
  await clock.advance(2_000);
  assert.ok(heapBytes() > grown / 2, "it still works");
  await clock.advance(1_000);
  assert.ok(heapBytes() < grown / 2, `the heap has ${heapBytes()} of ${grown} bytes`);
  memory.close();
});
