// How patient a sync is with passes that fail.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OrchestraError } from "../../../src/model/errors.ts";
import { Failing } from "../../../src/sync/failing.ts";

const attempt = { tree: {}, asked: "" };
const invalid = new OrchestraError("invalid", "too large", { hint: "make it smaller" });

test("the pauses grow up to a minute, and begin anew after a success", () => {
  const failing = new Failing();
  const fail = () => failing.failed(invalid, attempt, 0)?.restMs;
  assert.deepEqual([fail(), fail(), fail()], [1_000, 2_000, 4_000]);
  for (let more = 0; more < 20; more += 1) fail();
  assert.equal(fail(), 60_000);
  failing.passed();
  assert.equal(failing.restMs(attempt, 0), 0);
  assert.equal(fail(), 1_000);
});

test("the same rests, and what is new or asked for is tried at once", () => {
  const failing = new Failing();
  assert.equal(failing.restMs(attempt, 0), 0);
  assert.deepEqual(failing.failed(invalid, attempt, 500), { text: "too large; make it smaller", restMs: 1_000 });
  assert.equal(failing.restMs(attempt, 700), 800);
  assert.equal(failing.restMs(attempt, 1_500), 0);
  assert.equal(failing.restMs({ ...attempt, tree: {} }, 700), 0);
  assert.equal(failing.restMs({ ...attempt, asked: "now" }, 700), 0);
});

test("a store that is away and one who was first are for the loop, unless it goes on like that", () => {
  const failing = new Failing();
  assert.equal(failing.failed(new OrchestraError("unavailable", "away"), attempt, 0), undefined);
  const conflict = new OrchestraError("conflict", "web was changed");
  for (let tries = 1; tries < 10; tries += 1) assert.equal(failing.failed(conflict, attempt, 0), undefined);
  assert.equal(failing.failed(conflict, attempt, 0)?.text, "web was changed");
});

test("what nobody expected is called a bug", () => {
  assert.match(
    new Failing().failed(new TypeError("x is undefined"), attempt, 0)?.text ?? "",
    /^x is undefined; this is a bug/,
  );
});
