import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../../../src/model/duration.ts";

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
