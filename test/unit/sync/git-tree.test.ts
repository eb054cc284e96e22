// What git lists of a commit: which files are manifests, which are refused with a reason, and what cannot be true.
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentsOf, entryOf, listingOf, MirrorDamage, noFolder } from "../../../src/sync/git-tree.ts";

const id = "0123456789abcdef0123456789abcdef01234567";
const line = (name: string, { mode = "100644", size = "7", type = "blob" } = {}) =>
  `${mode} ${type} ${id} ${size.padStart(7)}\t${name}\0`;
const told = (output: string) => {
  const { blobs, problems, unread } = listingOf(output);
  const texts = (all: readonly { file: string; message: string }[]) =>
    all.map(({ file, message }) => `${file} ${message}`);
  return { blobs: blobs.map(({ name }) => name), problems: texts(problems), unread: texts(unread) };
};

const cases: readonly {
  readonly name: string;
  readonly output: string;
  readonly want: Partial<ReturnType<typeof told>>;
}[] = [
  { name: "an empty commit", output: "", want: {} },
  {
    name: "manifests, and what is none",
    output: line("a.yaml") + line("b/c.json") + line("README.md"),
    want: { blobs: ["a.yaml", "b/c.json"] },
  },
  { name: "names with a line end, a quote and a tab", output: line('a\n"\t.yaml'), want: { blobs: ['a\n"\t.yaml'] } },
  { name: "hidden files and folders", output: line(".a.yaml") + line(".git-x/a.yaml"), want: {} },
  {
    name: "a submodule, a link to a manifest, and one to something else",
    output:
      line("m", { mode: "160000", type: "commit", size: "-" }) +
      line("l.yaml", { mode: "120000" }) +
      line("l", { mode: "120000" }),
    want: {
      problems: ["m is a submodule, which is not read", "l.yaml is a link, which is not read from Git"],
      unread: ["l is a link, which is not read from Git"],
    },
  },
  {
    name: "two names that are not UTF-8, which would look the same",
    output: line("caf\ufffd.yaml") + line("caf\ufffd.yaml") + line("a.yaml"),
    want: { blobs: ["a.yaml"], problems: Array(2).fill("caf\ufffd.yaml has a name that is not UTF-8") },
  },
  {
    name: "one name twice",
    output: line("a.yaml") + line("a.yaml"),
    want: { blobs: ["a.yaml"], problems: ["a.yaml is there twice in one commit"] },
  },
  {
    name: "more bytes than are read, none of them in a file that is too large",
    output: Array.from({ length: 9 }, (_, index) => line(`${index}.json`, { size: "8000000" })).join(""),
    want: { problems: [". has 72000000 bytes of manifests, and may have 67108864"] },
  },
];
for (const { name, output, want } of cases) {
  test(`a listing: ${name}`, () => assert.deepEqual(told(output), { blobs: [], problems: [], unread: [], ...want }));
}

test("a file that the mirror has lost is damage, and not a file that is gone", () => {
  assert.throws(() => listingOf(line("a.yaml") + line("b.yaml", { size: "BAD" })), MirrorDamage);
  assert.throws(() => listingOf(`${line("a.yaml")}something else\0`), MirrorDamage);
  assert.throws(() => entryOf("something else"), MirrorDamage);
  assert.throws(() => contentsOf(Buffer.from(`${id} missing\n`), [id]), MirrorDamage);
  assert.throws(() => contentsOf(Buffer.from(`${id} blob 7\nabc`), [id]), MirrorDamage);
});

test("what stands at a place in a commit", () => {
  assert.equal(entryOf(""), undefined);
  assert.deepEqual(entryOf(`040000 tree ${id}\tdeploy\0`), { mode: "040000", id });
  assert.deepEqual(entryOf(`160000 commit ${id}\tdeploy\0`), { mode: "160000", id });
});

test("what is followed and is no folder says what it is", () => {
  const told = (mode: string) => noFolder("deploy", mode).problems.map(({ message, hint }) => `${message}; ${hint}`);
  assert.deepEqual(told("100644"), ["is no folder; follow the one that it lies in"]);
  assert.deepEqual(told("120000"), ["is a link, which is not read from Git; follow the folder that it leads to"]);
  assert.deepEqual(told("160000"), ["is a submodule, which is not read; follow a folder in its own repository"]);
});
