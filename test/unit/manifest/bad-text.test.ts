// Files that are no manifests before any field is looked at: encodings, syntax, size, and what JSON cannot carry.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseText } from "../../../src/manifest/parse.ts";
import { complaints, loadText, withSpec } from "../../support/manifests.ts";

const short = "name: web\nimage: nginx\n";
const noDocument = [" has no document in it; write a manifest into it or delete it"];
const tooDeep = "is nested more than 32 levels deep; a manifest needs six";
const tooLarge = "the document is too large once its aliases are written out; at most 10000 values and 100 aliases";

/** Nine aliases to a list of nine aliases to …, in the map of strings where it would fit. */
function aliasBomb(): string {
  const lines = ["A0: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let level = 1; level < 8; level += 1) {
    lines.push(`A${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(",")}]`);
  }
  return withSpec("env:", ...lines.map((line) => `  ${line}`));
}

const cases: readonly { name: string; text: string | Uint8Array; want: readonly string[] }[] = [
  { name: "an empty file", text: "", want: noDocument },
  { name: "only comments", text: "# nothing\n\n# here\n", want: noDocument },
  {
    name: "what a merge has left",
    text: `name: web\n<<<<<<< HEAD\nimage: a:1\n=======\nimage: a:2\n>>>>>>> other\n`,
    want: [
      "2:1: has a merge conflict in it; choose between its two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>",
    ],
  },
  { name: "only separators", text: "---\n---\n...\n", want: noDocument },
  {
    name: "a second document that is broken",
    text: `${short}---\nname: [\n`,
    want: [
      "5:1: flow sequence in block collection must be sufficiently indented and end with a ]; compare the indentation with the lines around it",
    ],
  },
  {
    name: "a duplicate key",
    text: `${short}image: redis\n`,
    want: ["3:1 image: is there twice; keep one of them"],
  },
  {
    name: "a tab as indentation",
    text: withSpec("env:", "\tA: b"),
    want: ["7:3: tabs are not allowed as indentation; indent with spaces, not tabs"],
  },
  {
    name: "UTF-16 with a byte order mark",
    text: Buffer.from(`\ufeff${short}`, "utf16le"),
    want: ["1:1: is UTF-16; save it as UTF-8"],
  },
  {
    name: "UTF-16 without one",
    text: Buffer.from(short, "utf16le"),
    want: ["1:2: has a NUL character in it; save it as UTF-8 text"],
  },
  {
    name: "invalid UTF-8",
    text: Buffer.concat([Buffer.from('name: web\nimage: "ä'), Buffer.from([0xe2, 0x82]), Buffer.from('"\n')]),
    want: ["2:10: is not valid UTF-8; save it as UTF-8"],
  },
  { name: "NUL", text: "name: web\nimage: a\0b\n", want: ["2:9: has a NUL character in it; save it as UTF-8 text"] },
  { name: "an alias bomb", text: aliasBomb(), want: [`10:14 spec.env.A3[0]: ${tooLarge}`] },
  {
    name: "more aliases than anyone writes",
    text: withSpec("env:", "  A: &a x", ...Array.from({ length: 101 }, (_, index) => `  B${index}: *a`)),
    want: [`108:11 spec.env.B100: ${tooLarge}`],
  },
  { name: "20,000 lists within each other", text: `a: ${"[".repeat(20_000)}`, want: [`1:35: ${tooDeep}`] },
  { name: "20,000 lists below each other", text: "- ".repeat(20_000), want: [`1:64: ${tooDeep}`] },
  { name: "20,000 maps of JSON", text: '{"a":'.repeat(20_000), want: [`1:157: ${tooDeep}`] },
  {
    name: "2,000 maps below each other",
    text: Array.from({ length: 2_000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(""),
    want: [`32:33: ${tooDeep}`],
  },
  {
    name: "an alias to nothing",
    text: withSpec("labels: { A: *nothing }"),
    want: ['6:16 spec.labels.A: *nothing names no anchor before it; quote texts that begin with "*"'],
  },
  {
    name: "an alias to what it stands in",
    text: withSpec("command: &a [*a]"),
    want: ["6:16 spec.command[0]: *a stands inside what it names; write it out"],
  },
  {
    name: "an unknown tag",
    text: withSpec("env: { A: !secret b }"),
    want: ['6:13: unresolved tag; quote texts that begin with "!", and remove tags: manifests use plain YAML'],
  },
  {
    name: "a tag that JSON has no value for",
    text: withSpec("env: { A: !!binary aGVsbG8= }"),
    want: ["6:22 spec.env.A: the tag !!binary is not read; remove the tag: manifests use plain YAML"],
  },
  {
    name: "a tagged set",
    text: withSpec("env: !!set { A, B }"),
    want: ["6:14 spec.env: the tag !!set is not read; remove the tag: manifests use plain YAML"],
  },
  {
    name: "a merge key",
    text: withSpec("labels: &l { a: b }", "env:", "  <<: *l"),
    want: ['8:5 spec.env["<<"]: merge keys are not read; write the fields out, or let a tool of yours do it'],
  },
  {
    name: "keys that are not text",
    text: withSpec("env: { 1: a, true: b }"),
    want: [
      '6:10 spec.env["1"]: is a key that is not text; quote it: "1"',
      '6:16 spec.env.true: is a key that is not text; quote it: "true"',
    ],
  },
  {
    name: "__proto__ as a field, a label and a variable",
    text: withSpec("__proto__: x", "labels: { __proto__: x }", 'env: { "__proto__": y }'),
    want: [
      "6:3 spec.__proto__: __proto__ is no name that can be used; choose another",
      "7:13 spec.labels.__proto__: __proto__ is no name that can be used; choose another",
      "8:10 spec.env.__proto__: __proto__ is no name that can be used; choose another",
    ],
  },
  {
    name: "half a character",
    text: withSpec('env: { A: "\\ud800" }'),
    want: ["6:13 spec.env.A: has half a character in it; write the character itself"],
  },
  {
    name: "another YAML",
    text: `%YAML 1.1\n---\n${short}`,
    want: ["3:1: is written for YAML 1.1; delete the %YAML line: YAML 1.2 is read"],
  },
  {
    name: "JSON with a missing comma",
    text: '{\n\t"name": "web"\n\t"image": "nginx"\n}\n',
    want: ['3:2: missing , between flow map items; look for a missing quote, bracket, comma or ":"'],
  },
  {
    name: "JSON that ends early",
    text: '{ "name": "web",\n',
    want: ['2:1: flow map must end with a }; look for a missing quote, bracket, comma or ":"'],
  },
];
for (const { name, text, want } of cases) {
  test(`${name} is told with its place`, async () => assert.deepEqual(await complaints(text), want));
}

const accepted: readonly { name: string; text: string }[] = [
  { name: "a byte order mark", text: `\ufeff${short}` },
  { name: "CRLF", text: short.replaceAll("\n", "\r\n") },
  { name: "empty documents between others", text: `---\n---\n# nothing\n---\n${short}---\n` },
  { name: "JSON indented with tabs", text: '{\n\t"name": "web",\n\t"image": "nginx"\n}\n' },
  { name: "an alias that is written out", text: "name: &n web\nimage: *n\n".replace("*n", "nginx") },
];
for (const { name, text } of accepted) {
  test(`${name} is fine`, async () => {
    const { manifests } = await loadText(text);
    assert.deepEqual(
      manifests.map(({ spec }) => spec),
      [{ name: "web", template: { image: "nginx" } }],
    );
  });
}

test("a file of more than 8 MiB is refused before it is parsed", async () => {
  assert.deepEqual(await complaints(Buffer.alloc(8 * 1024 ** 2 + 1, "#")), [" has more than 8388608 bytes; split it"]);
});

const patience: readonly { name: string; text: string; want: RegExp }[] = [
  { name: "a megabyte of comments", text: "# c\n".repeat(250_000), want: /^50001:4: says more than a manifest can; / },
  {
    name: "more variables than a process takes",
    text: withSpec("env:", ...variables(20_000)),
    want: /^12\d\d\d:\d+: says more than/,
  },
  {
    name: "100,000 keys that are the same",
    text: "? a\n".repeat(100_000),
    want: /^20001:2: says more than a manifest can; /,
  },
  {
    name: "a list of texts that look like the start of a document",
    text: withSpec(`command: [${"---,".repeat(100_000)}]`),
    want: /^6:\d+: says more than a manifest can; /,
  },
  {
    name: "more documents than a store holds",
    text: "---\n".repeat(30_000),
    want: /^20001:1: has more than 20000 documents; split it$/,
  },
  {
    name: "more broken documents than anyone mends",
    text: "---\n@\n".repeat(30_000),
    want: /^2:1: plain value cannot start/,
  },
];
for (const { name, text, want } of patience) {
  test(`${name} is told soon, with its place`, async () => assert.match((await complaints(text))[0] ?? "", want));
}

function variables(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `  K${index}: v`);
}

for (const between of ["---", "..."]) {
  test(`each of ten thousand documents may say as much as one, with ${between} between them`, () => {
    const { documents, problems } = parseText(`name: web\nimage: a\n${between}\n`.repeat(10_000), 20_000);
    assert.deepEqual([documents.length, problems], [10_000, []]);
  });
}
