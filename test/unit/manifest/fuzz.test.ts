// Whatever bytes come in: manifests, or one error of ours with places; never a crash, never a hang, never half of a set.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { type Problem, problemText } from "../../../src/manifest/manifest.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { anyManifest } from "../../support/any-manifest.ts";
import { loadText } from "../../support/manifests.ts";
import { rounds, seed } from "../../support/rounds.ts";

const options = { numRuns: rounds * 30, seed };

/** Throws for everything but a result or an error of ours that a user can act on. */
async function holds(bytes: Uint8Array): Promise<void> {
  try {
    const { manifests } = await loadText(bytes);
    for (const { spec, place } of manifests) assert.ok(spec.name && spec.template.image && place);
  } catch (error) {
    if (!isOrchestraError(error, "invalid")) throw error;
    const problems = error.details?.["errors"] as readonly Problem[];
    assert.ok(problems.length > 0);
    const lines = bytes.filter((byte) => byte === 10 || byte === 13).length + 1;
    for (const problem of problems) {
      const { line = 1, column = 1 } = problem;
      assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column} lies in the file`);
      assert.doesNotMatch(problemText(problem), /\p{Cc}|\bundefined\b|\[object/u);
    }
  }
}

test("random bytes", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), holds), options);
});

test("random text of what YAML is made of", async () => {
  const piece = fc.constantFrom(
    ..."\n  :-?&*!|>'\"%@`{}[],#~<=ab1\t".split(""),
    ...[
      "\n  ",
      "- ",
      ": ",
      "? ",
      "&a ",
      "*a",
      "!!str ",
      "<<: ",
      "---\n",
      "...\n",
      "%YAML 1.2\n",
      "name: web\n",
      "image: a\n",
      "\r\n",
      "🦄",
    ],
  );
  const text = fc.array(piece, { maxLength: 80 }).map((pieces) => Buffer.from(pieces.join("")));
  await fc.assert(fc.asyncProperty(text, holds), options);
});

/** A valid manifest with a few places cut out, doubled or overwritten. */
const mutated = fc
  .tuple(
    anyManifest,
    fc.array(
      fc.record({
        at: fc.nat({ max: 2_000 }),
        length: fc.nat({ max: 20 }),
        what: fc.oneof(
          fc.constant("double" as const),
          fc.uint8Array({ maxLength: 6 }),
          fc.constantFrom("\n", "\t", "- ", ": ", "\0"),
        ),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  )
  .map(([manifest, edits]) =>
    edits.reduce<Buffer>(
      (bytes, { at, length, what }) => {
        const start = at % (bytes.length + 1);
        const cut = bytes.subarray(start, start + length);
        const middle = what === "double" ? Buffer.concat([cut, cut]) : Buffer.from(what as string);
        return Buffer.concat([bytes.subarray(0, start), middle, bytes.subarray(start + length)]);
      },
      Buffer.from(stringify(manifest)),
    ),
  );

test("valid manifests with damages", async () => {
  await fc.assert(fc.asyncProperty(mutated, holds), options);
});

/** Any JSON value in the place of any field. */
const misused = fc.tuple(anyManifest, fc.jsonValue({ maxDepth: 3 }), fc.nat()).map(([manifest, value, at]) => {
  const places: (() => void)[] = [];
  const copy = structuredClone(manifest) as unknown as Record<string, unknown>;
  const visit = (node: Record<string, unknown>) => {
    for (const [key, inner] of Object.entries(node)) {
      places.push(() => {
        node[key] = value;
      });
      if (typeof inner === "object" && inner !== null) visit(inner as Record<string, unknown>);
    }
  };
  visit(copy);
  places[at % places.length]?.();
  return Buffer.from(JSON.stringify(copy));
});

test("valid manifests with another value somewhere", async () => {
  await fc.assert(fc.asyncProperty(misused, holds), options);
});
