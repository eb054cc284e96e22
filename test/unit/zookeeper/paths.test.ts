// The caller sees paths below the chroot and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkPath, Paths } from "../../../src/zookeeper/paths.ts";
import { rounds, seed } from "../../support/rounds.ts";

const segment = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((text) => /^[^/\0]+$/.test(text) && !/^\.\.?$/.test(text));
const anyPath = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`);

test("a path comes back from the server as it was given", () => {
  fc.assert(
    fc.property(anyPath, anyPath, (chroot, path) => {
      const paths = new Paths(chroot, undefined);
      assert.equal(paths.given(paths.full(path)), path);
    }),
    { numRuns: rounds * 10, seed },
  );
});

test("what is not below the chroot is nobody's business here", () => {
  const paths = new Paths("/a/b", undefined);
  assert.equal(paths.full("/"), "/a/b");
  for (const foreign of ["/", "/a", "/a/bc", "/a/bc/d", "/x"]) assert.equal(paths.given(foreign), undefined, foreign);
  assert.equal(paths.given("/a/b/c"), "/c");
});

for (const path of ["", "a", "a/b", "/a/", "//", "/a//b", "/./a", "/a/..", "/a/../b", "/a\0b", "/."]) {
  test(`${JSON.stringify(path)} is refused before anything is sent`, () => {
    assert.throws(() => checkPath(path), { code: "bad-arguments", path });
    for (const chroot of ["", "/x"]) {
      assert.throws(() => new Paths(chroot, undefined).full(path), { code: "bad-arguments", path });
    }
  });
}

for (const path of ["/", "/a", "/.a", "/a..", "/a/...", "/a b/ü", "/a\nb"]) {
  test(`${JSON.stringify(path)} is a path`, () => checkPath(path));
}
