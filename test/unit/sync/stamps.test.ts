// When a folder counts as unchanged: its files are the same, and so is what is wrong beside them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Listing, sameListing } from "../../../src/sync/stamps.ts";

const web = { name: "web.yaml", path: "/m/web.yaml", marks: { size: 9, dev: 1, ino: 1, mtimeMs: 5, ctimeMs: 5 } };
const listing = (over: Partial<Listing> = {}): Listing => ({
  at: 10,
  files: [web],
  problems: [],
  unread: [],
  ...over,
});
const problem = { file: "api.yaml", path: "", message: "is a link to nowhere, which does not exist", hint: "mend it" };

test("the same files are the same listing, whenever it was made", () => {
  assert.ok(sameListing(listing(), listing({ at: 99 })));
});

for (const [name, other] of Object.entries({ name: { name: "w.yaml" }, path: { path: "/n" } })) {
  test(`a file with another ${name} is another listing`, () => {
    assert.ok(!sameListing(listing(), listing({ files: [{ ...web, ...other }] })));
  });
}
for (const [name, value] of Object.entries({ size: 8, dev: 2, ino: 2, mtimeMs: 6, ctimeMs: 6 })) {
  test(`a file with another ${name} is another listing`, () => {
    const marks = { ...web.marks, [name]: value };
    assert.ok(!sameListing(listing(), listing({ files: [{ ...web, marks }] })));
  });
}

for (const kind of ["problems", "unread"] as const) {
  test(`${kind} that come, go or change make another listing, although no file has changed`, () => {
    const wrong = listing({ [kind]: [problem] });
    assert.ok(sameListing(wrong, listing({ [kind]: [{ ...problem }] })));
    for (const other of [[], [{ ...problem, file: "b.yaml" }], [{ ...problem, message: "may not be read" }]]) {
      assert.ok(!sameListing(wrong, listing({ [kind]: other })));
      assert.ok(!sameListing(listing({ [kind]: other }), wrong));
    }
  });
}
