// The law of aliases: each means what its anchor meant where the alias is written, whatever the name is used for later.
// The package's own conversion is the oracle; it has no limits, and writes what has no end as a loop.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocument } from "yaml";
import { parseText } from "../../../src/manifest/parse.ts";
import { rounds, seed } from "../../support/rounds.ts";

const anchor = fc.constantFrom("x", "y", "z");
/** "&x " before a value or a key, or nothing. */
const anchored = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: anchor.map((name) => `&${name} `) },
);

const { value } = fc.letrec<{ value: string; collection: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 2, arbitrary: fc.tuple(anchored, fc.nat(9)).map(([mark, number]) => `${mark}${number}`) },
    { weight: 3, arbitrary: anchor.map((name) => `*${name}`) },
    { weight: 3, arbitrary: tie("collection") },
  ),
  collection: fc.oneof(
    fc.tuple(anchored, fc.array(tie("value"), { maxLength: 3 })).map(([mark, items]) => `${mark}[${items.join(", ")}]`),
    fc
      .tuple(anchored, fc.array(fc.tuple(anchored, tie("value")), { maxLength: 3 }))
      .map(([mark, items]) => `${mark}{${items.map(([key, item], index) => `${key}k${index}: ${item}`).join(", ")}}`),
  ),
}));
const text = fc
  .array(fc.tuple(anchored, value), { minLength: 2, maxLength: 7 })
  .map((items) => items.map(([mark, item], index) => `${mark}f${index}: ${item}\n`).join(""));

/** As JSON; undefined where an alias names nothing, or stands in what it names. */
function meaningOf(yaml: string): string | undefined {
  try {
    return JSON.stringify(parseDocument(yaml, { version: "1.2", merge: false }).toJS({ maxAliasCount: -1 }));
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function readingOf(yaml: string): string | undefined {
  const { documents, problems } = parseText(yaml, 1);
  assert.deepEqual(problems, []);
  const [document] = documents;
  return document?.findings.length === 0 ? JSON.stringify(document.value) : undefined;
}

const cases: readonly { name: string; yaml: string; want: unknown }[] = [
  {
    name: "an anchor that is used again inside an alias",
    yaml: "a: &x {k: &y 1}\nb: &y 2\nc: *x\nd: *y\n",
    want: { a: { k: 1 }, b: 2, c: { k: 1 }, d: 2 },
  },
  {
    name: "an alias inside an alias, whose anchor is used again meanwhile",
    yaml: "a: &y 1\nb: &x {k: *y}\nc: &y 2\nd: *x\n",
    want: { a: 1, b: { k: 1 }, c: 2, d: { k: 1 } },
  },
];
for (const { name, yaml, want } of cases) {
  test(`${name} means what it meant where it was written`, () => {
    assert.equal(readingOf(yaml), JSON.stringify(want));
  });
}

test("every alias means what the anchor before it says, or is refused", () => {
  fc.assert(
    fc.property(text, (yaml) => assert.equal(readingOf(yaml), meaningOf(yaml), yaml)),
    { numRuns: rounds * 100, seed },
  );
});
