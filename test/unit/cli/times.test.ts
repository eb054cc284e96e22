import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCount, parseDuration, parseSince } from "../../../src/cli/times.ts";

const durations: readonly [string, number][] = [
  ["30s", 30_000],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["2d", 172_800_000],
];
for (const [text, want] of durations)
  test(`${text} is ${want} ms`, () => assert.equal(parseDuration(text, "--x"), want));
for (const text of ["", "5", "m", "5 m", "-5m", "5m!", "five"]) {
  test(`"${text}" is no duration`, () => {
    assert.throws(() => parseDuration(text, "--timeout"), { code: "invalid", message: /--timeout/ });
  });
}

test("since is a duration ago or a time", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  assert.equal(parseSince("5m", now, "--since"), "2026-01-02T02:59:05.000Z");
  assert.equal(parseSince("2026-01-01T00:00:00+01:00", now, "--since"), "2025-12-31T23:00:00.000Z");
  assert.throws(() => parseSince("yesterday", now, "--since"), { code: "invalid" });
});

test("a count is a whole number", () => {
  assert.equal(parseCount("10", "--tail"), 10);
  for (const text of ["-1", "1.5", "ten", ""]) assert.throws(() => parseCount(text, "--tail"), { code: "invalid" });
});
