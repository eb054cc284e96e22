// Generates from schemas/deployment.schema.json: the type of a manifest, its validators and docs/manifest.md;
// and docs/commands.md from the classes of the commands.
// `npm run generate` writes what is out of date; with `--check` it writes nothing and fails when something is.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { build } from "esbuild";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { deploymentDefaults } from "../src/model/deployment.ts";
import { templateDefaults } from "../src/model/template.ts";
import { commandsPage } from "./commands-page.ts";
import { manifestPage } from "./manifest-page.ts";
import { fieldPaths, type Schema, templateSchema } from "./schema-walk.ts";

const banner = "Generated from schemas/deployment.schema.json by `npm run generate`. Do not edit.";
const root = new URL("../", import.meta.url);
const schema: Schema = JSON.parse(readFileSync(new URL("schemas/deployment.schema.json", root), "utf8"));

const outputs: Readonly<Record<string, string>> = {
  "src/manifest/manifest-type.generated.ts": await manifestType(),
  "src/manifest/validators.generated.js": await validators(),
  "src/manifest/validators.generated.d.ts": validatorTypes(),
  "docs/manifest.md": manifestPage(schema, banner),
  "docs/commands.md": await commandsPage("Generated from src/cli/ by `npm run generate`. Do not edit."),
};

const stale = Object.entries(outputs).filter(([path, text]) => current(path) !== text);
if (process.argv.includes("--check")) {
  for (const [path] of stale) process.stderr.write(`${path} is out of date: run npm run generate\n`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of stale) {
    writeFileSync(new URL(path, root), text);
    process.stdout.write(`generated ${path}\n`);
  }
}

function current(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), "utf8");
  } catch {
    return undefined;
  }
}

async function manifestType(): Promise<string> {
  // `oneOf` says which fields go together: as a type it would be a union that nobody can read.
  const plain = JSON.parse(
    JSON.stringify(schema, (key, value) => (key === "oneOf" || key === "$id" ? undefined : value)),
  );
  return compile(plain as JSONSchema, "Manifest", {
    additionalProperties: false,
    bannerComment: `// ${banner}`,
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: false,
    style: { printWidth: 120 },
  });
}

/** Standalone code, bundled with the little of ajv that it calls: nothing is compiled, and no ajv loaded, at run time. */
async function validators(): Promise<string> {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    strictRequired: false,
    code: { source: true, esm: true, lines: true },
  });
  ajv.addVocabulary(["x-rule", "x-rolls"]);
  ajv.addSchema(schema);
  const id = schema.$id ?? "";
  ajv.addSchema({ ...templateSchema(schema), $id: `${id}:template`, $defs: schema.$defs });
  const code = standalone.default(ajv, {
    validateDeployment: `${id}#/$defs/deployment`,
    validateShort: `${id}#/$defs/short`,
    validateTemplateShape: `${id}:template`,
  });
  const bundle = await build({
    stdin: { contents: code, resolveDir: new URL(".", root).pathname, loader: "js" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
    legalComments: "none",
  });
  const paths = JSON.stringify(fieldPaths(schema));
  return `// ${banner}\n${bundle.outputFiles[0]?.text ?? ""}export const fieldPaths = ${paths};\nexport const programHash = "${programHash()}";\n`;
}

/**
 * Names what turns bytes into results, so that results kept by another program are never used:
 * the schema, the defaults, this room's code with what it rests on, and the parser.
 */
function programHash(): string {
  const own = readdirSync(new URL("src/manifest/", root)).filter((name) => /^(?!.*\.generated\.).*\.ts$/.test(name));
  const nouns = ["nearest", "quantity"].map((noun) => `src/model/${noun}.ts`);
  const hash = createHash("sha256").update(JSON.stringify([schema, templateDefaults, deploymentDefaults]));
  for (const path of [
    ...own.sort().map((name) => `src/manifest/${name}`),
    ...nouns,
    "node_modules/yaml/package.json",
  ]) {
    hash.update(readFileSync(new URL(path, root)));
  }
  return hash.digest("hex").slice(0, 16);
}

function validatorTypes(): string {
  return `// ${banner}
import type { ShapeValidator } from "./shape.ts";

export declare const validateDeployment: ShapeValidator;
export declare const validateShort: ShapeValidator;
/** The fields of a spec that make the pod template. */
export declare const validateTemplateShape: ShapeValidator;
/** Where each field belongs, as \`spec.ports[].hostPort\`. */
export declare const fieldPaths: readonly string[];
/** Of the schema and of the code that reads manifests: results kept by another program are not used. */
export declare const programHash: string;
`;
}
