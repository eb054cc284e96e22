// What people read when the engine says no.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pullError, startError } from "../../../src/worker/docker-errors.ts";

/** As dockerode words the engine's answer. */
function answer(statusCode: number, word: string, text: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) ${word} - ${text} `), { statusCode });
}

test("the engine's own words are told without the client's, which say nothing to people", () => {
  const unreachable = 'Get "https://registry.test/v2/": dial tcp: lookup registry.test: no such host';
  assert.equal(pullError(answer(500, "server error", unreachable), "a:1").message, `image a:1: ${unreachable}`);
  assert.equal(startError(answer(500, "server error", "out of - luck")).message, "Docker refuses: out of - luck");
  assert.equal(pullError(new Error("(HTTP is not spoken here"), "a:1").message, "image a:1: (HTTP is not spoken here");
});
