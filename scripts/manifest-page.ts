// docs/manifest.md: the format of a manifest, from its schema.
import { stringify } from "yaml";
import { type Field, fields, resolved, type Schema } from "./schema-walk.ts";

/** The whole page. `banner` says where it comes from. */
export function manifestPage(schema: Schema, banner: string): string {
  const all = fields(schema);
  return `<!-- ${banner} -->
# Manifests

A manifest is a YAML (or JSON) document that describes a Deployment. A file may hold many, with \`---\` between.
\`-f\` takes a file, a folder with everything below it, or \`-\` for standard input, and may be repeated.

The format is closed: a field that is not on this page is an error, as is a number or a date where text belongs.
For completion and checks in an editor, begin a file with

\`\`\`yaml
# yaml-language-server: $schema=../schemas/deployment.schema.json
\`\`\`

${examples(schema)}
## Fields

"Rolls" says what a change of the field does: **yes** makes a new revision, and every pod is replaced by one of it;
**no** replaces none. A field equal to its default is the same as a field left out, and so are \`1\` and \`1000m\`:
neither is a change. Nor is the order of fields, environment variables, labels and ports.

| field | type | default | rolls | meaning |
|---|---|---|---|---|
${all.map((field) => row(schema, field)).join("\n")}

## What is checked besides

- A name is used once in all that \`-f\` names, and is none of \`localhost\`, \`ns\` and \`hostmaster\`.
- No two ports of a Deployment have the same name, the same number and protocol, or the same host port.
- A probe names a port that exists; exactly one of \`http\`, \`tcp\` and \`exec\` is there.
- \`maxSurge\` and \`maxUnavailable\` are not both 0: no pod could ever be replaced.
- \`workingDir\` is not below \`/proc\`, \`/sys\` or \`/dev\`.
- \`backoffMaxSeconds\` is no less than \`backoffSeconds\`.
- YAML is read as version 1.2: \`yes\` and \`no\` are text. Merge keys (\`<<\`), tags of your own and duplicate keys are errors.
`;
}

function examples(schema: Schema): string {
  const full = resolved(schema, { $ref: "#/$defs/deployment" });
  const short = resolved(schema, { $ref: "#/$defs/short" });
  const yaml = (value: unknown) =>
    `\`\`\`yaml\n${stringify(value, { collectionStyle: "any", lineWidth: 110 })}\`\`\`\n`;
  return [
    "## The full form\n",
    ...(full.examples ?? []).map(yaml),
    `## The short form\n\n${short.description}\n`,
    ...(short.examples ?? []).map(yaml),
  ].join("\n");
}

function row(root: Schema, { path, schema, required, rolls }: Field): string {
  const example = schema.examples?.[0];
  const shown = example === undefined || schema.properties ? "" : ` For example \`${JSON.stringify(example)}\`.`;
  const fallback = required
    ? "(required)"
    : schema.default === undefined
      ? ""
      : `\`${JSON.stringify(schema.default)}\``;
  const cells = [
    `\`${path}\``,
    typeOf(root, schema),
    fallback,
    rolls ? "yes" : "no",
    (schema.description ?? "") + shown,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function typeOf(root: Schema, schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.items) return `list of ${typeOf(root, resolved(root, schema.items))}`;
  if (typeof schema.additionalProperties === "object") return "map of strings";
  const types = [schema.type ?? []].flat().join(" or ");
  if (schema.minimum !== undefined && schema.maximum !== undefined)
    return `${types}, ${schema.minimum} to ${schema.maximum}`;
  return types;
}
