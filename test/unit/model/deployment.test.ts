// Counts and percentages of the replicas.
import assert from "node:assert/strict";
import { test } from "node:test";
import { podsOf, replicasLimit } from "../../../src/model/deployment.ts";

/** Exact, in whole numbers. */
function shareOf(percent: number, replicas: number, round: "up" | "down"): number {
  const hundredths = BigInt(percent) * BigInt(replicas);
  return Number((hundredths + (round === "up" ? 99n : 0n)) / 100n);
}

test("a percentage of the replicas is rounded up or down from what it is exactly", () => {
  const counts = [...Array.from({ length: 200 }, (_, index) => index + 1), 999, 1_000, 9_999, replicasLimit];
  for (let percent = 0; percent <= 100; percent += 1) {
    for (const replicas of counts) {
      for (const round of ["up", "down"] as const) {
        const found = podsOf(`${percent}%`, replicas, round);
        assert.equal(found, shareOf(percent, replicas, round), `${percent}% of ${replicas}, rounded ${round}`);
      }
    }
  }
});

test("a count is itself, whatever the replicas", () => {
  for (const count of [0, 1, 250]) assert.deepEqual([podsOf(count, 3, "up"), podsOf(count, 3, "down")], [count, count]);
});
