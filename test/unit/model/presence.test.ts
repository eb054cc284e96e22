// Who counts as present.
import assert from "node:assert/strict";
import { test } from "node:test";
import { presentNodes } from "../../../src/model/presence.ts";
import { makeSnapshot, selectionOf } from "../../../src/store/snapshot.ts";

test("a node whose presence is damaged is there: an absent one would become lost, and its pods would get twins", () => {
  const value = { key: "k", address: "127.0.0.1", pid: 1, since: "2026-01-01T00:00:00.000Z" };
  const documents = [
    { key: "presence/a", value, version: 1 },
    { key: "presence/b", value: undefined, version: 1, damaged: "it is no JSON" },
    { key: "statuses/c", value: undefined, version: 1, damaged: "it is no JSON" },
  ];
  const snapshot = makeSnapshot(selectionOf(["presence", "statuses"]), documents as never, 1, true);
  assert.deepEqual([...presentNodes(snapshot)], ["a", "b"]);
});
