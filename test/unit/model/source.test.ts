import assert from "node:assert/strict";
import { test } from "node:test";
import { namedSource } from "../../../src/model/source.ts";

test("a source is named by a label that no derived source can be", () => {
  for (const name of ["a", "shop", "shop.staging", "0-1", "x".repeat(63)]) assert.equal(namedSource(name), name);
  for (const name of [
    "",
    "cli",
    "Shop",
    "-a",
    "a-",
    "a.",
    "dir:host:/path",
    "a/b",
    "a b",
    "ä",
    "x".repeat(64),
    "a\n",
  ]) {
    assert.throws(() => namedSource(name), { code: "invalid", hint: /as shop or/ }, JSON.stringify(name));
  }
});
