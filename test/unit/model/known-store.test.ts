// Which store a machine follows, by what it has seen of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterDocument, storeLayout } from "../../../src/model/cluster.ts";
import { whyStrange } from "../../../src/model/known-store.ts";
import { builtAt } from "../../support/builders.ts";

const cluster = (change: Partial<ClusterDocument> = {}): ClusterDocument => ({
  id: "0a1b2c3d",
  layout: storeLayout,
  incarnation: 2,
  networkRange: "10.42.0.0/16",
  createdAt: builtAt,
  ...change,
});

const known = { clusterId: "0a1b2c3d", incarnation: 2, position: 100, written: 7 };
const continues = { incarnation: 2, position: 100 };

const cases = [
  { name: "the same incarnation, further on", seen: { cluster: cluster(), position: 101, written: 8 } },
  { name: "the same incarnation, where it was", seen: { cluster: cluster(), position: 100, written: 7 } },
  {
    name: "the same incarnation, earlier",
    seen: { cluster: cluster(), position: 99, written: 7 },
    why: /is older than it was/,
  },
  {
    name: "an earlier incarnation",
    seen: { cluster: cluster({ incarnation: 1 }), position: 999 },
    why: /1 instead of 2/,
  },
  { name: "no cluster at all", seen: { cluster: undefined, position: 999 }, why: /the store is empty/ },
  {
    name: "another cluster",
    seen: { cluster: cluster({ id: "ffff0000" }), position: 999 },
    why: /another cluster \(ffff0000 instead of/,
  },
  {
    name: "an older copy that others have written into until it was as far on",
    seen: { cluster: cluster(), position: 999, written: 6 },
    why: /is older than it was \(it had come to 100\)/,
  },
  {
    name: "the same, where no more placements had been written",
    seen: { cluster: cluster(), position: 999, written: 7 },
  },
  {
    name: "an accepted rollback, whatever it lacks",
    seen: { cluster: cluster({ incarnation: 3 }), position: 1, written: 0 },
  },
  { name: "a later incarnation, whatever its position", seen: { cluster: cluster({ incarnation: 3 }), position: 1 } },
  {
    name: "an import of all that was seen",
    seen: { cluster: cluster({ incarnation: 3, continues }), position: 1 },
  },
  {
    name: "an import of less than was seen",
    seen: { cluster: cluster({ incarnation: 3, continues: { incarnation: 2, position: 99 } }), position: 999 },
    why: /imported from an export that is older/,
  },
  {
    name: "an import after one that this machine missed",
    seen: { cluster: cluster({ incarnation: 4, continues: { incarnation: 3, position: 1 } }), position: 1 },
  },
  {
    name: "half an import",
    seen: { cluster: cluster({ incarnation: 3, importing: "abc" }), position: 1 },
    why: /has not been finished/,
  },
];

for (const { name, seen, why } of cases) {
  test(`${name} is ${why ? "not followed" : "followed"}`, () => {
    const reason = whyStrange(seen, known);
    if (why) assert.match(reason ?? "", why);
    else assert.equal(reason, undefined);
  });
}

test("who knows no store follows any, but for half an import", () => {
  assert.equal(whyStrange({ cluster: undefined, position: 0 }, undefined), undefined);
  assert.equal(whyStrange({ cluster: cluster(), position: 0 }, undefined), undefined);
  assert.match(
    whyStrange({ cluster: cluster({ importing: "abc" }), position: 0 }, undefined) ?? "",
    /not been finished/,
  );
});
