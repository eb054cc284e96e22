import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCount, parseSince } from "../../../src/cli/times.ts";

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
