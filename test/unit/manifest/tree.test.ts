// A tree that is read again and again: only what may have changed is read anew, and no more than there may be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileBytesLimit, totalBytesLimit } from "../../../src/manifest/limits.ts";
import { openTreeReader, type TreeFile } from "../../../src/manifest/manifest.ts";

const nothingWrong = { problems: [], unread: [] };
const text = (name: string) => `name: ${name}\nimage: demo\n`;

/** Files, and the names of those that are read, in their order. */
function watched(contents: Readonly<Record<string, Uint8Array>>) {
  const read: string[] = [];
  const files = Object.entries(contents).map(([name, bytes]): TreeFile => {
    const file = { name, stamp: "1" };
    return {
      ...file,
      read() {
        read.push(name);
        return bytes;
      },
    };
  });
  return { files, read };
}

test("a file is read again when its stamp is another, and only then", async () => {
  const reader = openTreeReader();
  const { files, read } = watched({ "a.yaml": Buffer.from(text("a")), "b.yaml": Buffer.from(text("b")) });
  await reader.read(files, nothingWrong);
  const changed = files.map((file) => (file.name === "b.yaml" ? { ...file, stamp: "2" } : file));
  const { manifests } = await reader.read(changed, nothingWrong);
  assert.deepEqual(read, ["a.yaml", "b.yaml", "b.yaml"]);
  assert.deepEqual(
    manifests.map(({ spec }) => spec.name),
    ["a", "b"],
  );
});

test("nothing is read beyond as many bytes as all files together may have, and nothing of them is loaded", async () => {
  const count = totalBytesLimit / fileBytesLimit;
  const line = Buffer.from(`# ${"x".repeat(fileBytesLimit - 100)}\n`);
  const contents = Object.fromEntries(
    Array.from({ length: count + 3 }, (_, index) => [`${index}.yaml`, Buffer.concat([line, Buffer.from(text("a"))])]),
  );
  const { files, read } = watched(contents);
  const reader = openTreeReader();
  const tree = await reader.read(files, nothingWrong);
  assert.equal(read.length, count + 1);
  assert.deepEqual(tree.manifests, []);
  assert.deepEqual(tree.problems, [
    {
      file: `${count}.yaml`,
      path: "",
      message: `is where all files together pass ${totalBytesLimit} bytes`,
      hint: "follow a folder with fewer files",
    },
  ]);
  // With fewer files it is read as if nothing had been.
  const fewer = await reader.read(files.slice(-1), nothingWrong);
  assert.deepEqual([fewer.manifests.length, fewer.problems], [1, []]);
});

test("a folder of too many documents is refused as a whole", async () => {
  const many = Array.from({ length: 11_000 }, (_, index) => text(`d${index}`)).join("---\n");
  const { files, read } = watched({
    "a.yaml": Buffer.from(many),
    "b.yaml": Buffer.from(many),
    "c.yaml": Buffer.from(""),
  });
  const tree = await openTreeReader().read(files, nothingWrong);
  assert.deepEqual(read, ["a.yaml", "b.yaml"]);
  assert.deepEqual(tree.manifests, []);
  assert.match(
    tree.problems.map(({ file, message }) => `${file} ${message}`).join(),
    /^b\.yaml is where all files together pass 20000 documents$/,
  );
});
