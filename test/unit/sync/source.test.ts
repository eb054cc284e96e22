// What sources are called, and which of them are the same path on nodes of different names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeOfSamePath, sourceName } from "../../../src/sync/source.ts";

test("a folder is named by node and path, a branch by where it lies", () => {
  assert.equal(sourceName({ kind: "directory", node: "n1", path: "/srv/m" }), "dir:n1:/srv/m");
  const branch = { kind: "git", url: "git@h:shop.git", branch: "main", path: "deploy" } as const;
  assert.equal(sourceName(branch), "git:git@h:shop.git#main:deploy");
});

const own = "dir:n2:/srv/a:b";
for (const [other, node] of [
  ["dir:n1:/srv/a:b", "n1"],
  [own, undefined],
  ["dir:n1:/srv", undefined],
  ["dir:old.example.org:/srv/a:b", undefined],
  ["git:n1:/srv/a:b", undefined],
  ["shop", undefined],
] as const) {
  test(`${other} is ${node === undefined ? "no folder of another node at the same path" : `that of ${node}`}`, () => {
    assert.equal(nodeOfSamePath(other, own), node);
  });
}
test("for a branch there is no other node", () =>
  assert.equal(nodeOfSamePath("dir:n1:/srv", "git:h#main:"), undefined));
