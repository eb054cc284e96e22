import assert from "node:assert/strict";
import { test } from "node:test";
import { asOrchestraError, exitCodes, failureDocument, failureText, wantsJson } from "../../../src/cli/failure.ts";
import { type ErrorCode, OrchestraError } from "../../../src/model/errors.ts";

const codes: readonly [ErrorCode, number][] = [
  ["invalid", 2],
  ["conflict", 3],
  ["not-found", 1],
  ["unavailable", 1],
  ["bug", 1],
];
for (const [code, exit] of codes) test(`${code} exits with ${exit}`, () => assert.equal(exitCodes[code], exit));

test("people get one sentence and a hint, and no stack", () => {
  const error = new OrchestraError("invalid", "a.yaml:3:5 spec.image: is empty", { hint: "name an image" });
  assert.equal(failureText(error, false), "Error: a.yaml:3:5 spec.image: is empty\nHint: name an image.");
  assert.match(failureText(error, true), /failure\.test\.ts/);
});

test("what stands in a message moves no cursor", () => {
  const error = new OrchestraError("invalid", "a\x1b[2J.yaml: is empty\nb.yaml: is empty");
  assert.equal(failureText(error, false), "Error: a�[2J.yaml: is empty\nb.yaml: is empty");
});

test("a bug says how to see more", () => {
  assert.match(failureText(asOrchestraError(new TypeError("x is not a function")), false), /ORCHESTRA_DEBUG/);
});

test("programs get code, message, hint and details, and no more", () => {
  const error = new OrchestraError("conflict", "changed", { hint: "look again", details: { key: "a/b" } });
  assert.deepEqual(failureDocument(error), {
    error: { code: "conflict", message: "changed", hint: "look again", details: { key: "a/b" } },
  });
  assert.deepEqual(failureDocument(new OrchestraError("bug", "x")), { error: { code: "bug", message: "x" } });
});

const commandLines: readonly [string, boolean][] = [
  ["get -o json", true],
  ["get --output json", true],
  ["get --output=json", true],
  ["get -ojson", true],
  ["get -o yaml", false],
  ["get json", false],
  ["exec web-0 -- curl -o json", false],
];
for (const [line, want] of commandLines) {
  test(`"${line}" ${want ? "wants" : "does not want"} its errors as JSON`, () =>
    assert.equal(wantsJson(line.split(" ")), want));
}
