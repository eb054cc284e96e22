// A word as a person pastes it into a shell: always one line, and always the same word again.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { shellWord } from "../../../src/model/shell-word.ts";
import { rounds, seed } from "../../support/rounds.ts";

const cases = [
  { text: "plan.json", want: "plan.json" },
  { text: "/srv/my-app/a_b@2,3:4+5%.yaml", want: "/srv/my-app/a_b@2,3:4+5%.yaml" },
  { text: "zk://a,b,c/orchestra", want: "zk://a,b,c/orchestra" },
  { text: "", want: "''" },
  { text: "a b.json", want: "'a b.json'" },
  { text: "git:h/shop.git#main:deploy", want: "'git:h/shop.git#main:deploy'" },
  { text: "~/plan", want: "'~/plan'" },
  { text: "it's", want: "'it'\\''s'" },
  { text: '$(rm -rf x)`y`"', want: "'$(rm -rf x)`y`\"'" },
  { text: "größer", want: "'größer'" },
  { text: "a\nb", want: "$'a\\nb'" },
  { text: "it's\ta\\\r\u001b[1m", want: "$'it\\'s\\ta\\\\\\r\\x1b[1m'" },
  // Those that turn the text around would be taken out of what is printed.
  { text: "a\u202eb\u2028", want: "$'a\\u202eb\\u2028'" },
];
for (const { text, want } of cases) test(JSON.stringify(text), () => assert.equal(shellWord(text), want));

test("a shell makes the same words of them, and they never leave their line", () => {
  const unit = fc.oneof(
    fc.constantFrom(..." '\"$`\\\n\r\t!*?~#&;|<>(){}[]=\u001b\u007f\u0085\u202e"),
    fc.string({ unit: "grapheme" }),
  );
  const word = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join("").replaceAll("\0", ""));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
      const line = words.map(shellWord).join(" ");
      assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
      const env = { ...process.env, LC_ALL: "C.UTF-8" };
      const said = execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8", env });
      assert.deepEqual(said.split("\0").slice(0, -1), words);
    }),
    { numRuns: rounds, seed },
  );
});
