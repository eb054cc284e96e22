// The schema as editors use it. That what is generated from it is fresh, `make check` tells.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { anyManifest } from "../../support/any-manifest.ts";
import { rounds, seed } from "../../support/rounds.ts";

const root = new URL("../../../", import.meta.url);
const schema = JSON.parse(readFileSync(new URL("schemas/deployment.schema.json", root), "utf8"));
const ajv = new Ajv2020({ allowUnionTypes: true, strictRequired: false }).addVocabulary(["x-rule", "x-rolls"]);
const validate = ajv.compile(schema);

test("the schema as a whole accepts what the program accepts", () => {
  fc.assert(
    fc.property(anyManifest, (manifest) => {
      assert.ok(validate(manifest), JSON.stringify(validate.errors));
    }),
    { numRuns: rounds * 10, seed },
  );
});

test("every example in the schema is one", () => {
  let examples = 0;
  const visit = (node: unknown, pointer: string) => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, inner] of Object.entries(node)) {
      const below = `${pointer}/${key}`;
      if (key !== "examples" || !Array.isArray(inner)) {
        visit(inner, below);
        continue;
      }
      const check = ajv.getSchema(`${schema.$id}#${pointer}`);
      for (const example of inner) {
        examples += 1;
        assert.ok(check?.(example), `${below}: ${JSON.stringify(check?.errors)}`);
      }
    }
  };
  visit(schema.$defs, "/$defs");
  assert.ok(examples > 20);
});

test("every field has a description", () => {
  const fields = Object.values(schema.$defs as Record<string, { properties?: Record<string, Record<string, string>> }>);
  for (const [name, field] of fields.flatMap(({ properties = {} }) => Object.entries(properties))) {
    const target = schema.$defs[field["$ref"]?.slice("#/$defs/".length) ?? ""];
    assert.ok(field["description"] ?? target?.description, name);
  }
});

test("the validators need no package", () => {
  assert.doesNotMatch(
    readFileSync(new URL("src/manifest/validators.generated.js", root), "utf8"),
    /__require|(^|;)import\b/,
  );
});
