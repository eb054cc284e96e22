// What is printed for people to paste is read back by a shell as it was meant.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { shellWord } from "../../../src/model/shell-word.ts";
import { seed } from "../../support/rounds.ts";

test("plain words stay as they are, all else is quoted", () => {
  for (const word of ["plan.json", "dir:n1:/srv/m", "a_b-c@d%e+f=g,h"]) assert.equal(shellWord(word), word);
  assert.equal(shellWord(""), "''");
  assert.equal(shellWord("a b"), "'a b'");
  assert.equal(shellWord("git:x#main:deploy"), "'git:x#main:deploy'");
  assert.equal(shellWord("it's"), "'it'\\''s'");
  assert.equal(shellWord("a\nb'\\"), "$'a\\nb\\'\\\\'");
});

test("a shell reads back just that, and it is one line", () => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom(..." '\"\\$`\n\t\r!*~#&|;<>(){}[]?\u001b"), fc.string()) });
  const words = fc.array(
    text.map((one) => one.replaceAll("\0", "")),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(words, (all) => {
      const line = all.map(shellWord).join(" ");
      assert.doesNotMatch(line, /[\n\r]/);
      const out = execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" });
      assert.deepEqual(out.split("\0").slice(0, -1), all);
    }),
    { numRuns: 20, seed },
  );
});
