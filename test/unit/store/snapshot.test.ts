// Snapshots and how changes make the next one: the part that every adapter shares.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Collection, type Key, presenceKey } from "../../../src/model/keys.ts";
import { applyChanges, type Document, makeSnapshot, selectionOf } from "../../../src/store/snapshot.ts";
import { openView } from "../../../src/store/view.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";

const keys = ["pods/web", "pods/web-a", "pods/web/1", "pods/web/10", "pods/web/2", "nodes/n", "podsx/web", "verdicts"];

test(`any sequence of changes gives what the documents are (${rounds} rounds, seed ${seed})`, () => {
  const random = randomOf("snapshot");
  const selection = selectionOf(["pods", "verdicts" as Key<unknown>]);
  for (let round = 0; round < rounds; round += 1) {
    const model = new Map<string, Document>();
    let documents: readonly Document[] = [];
    for (let position = 1; position < 30; position += 1) {
      const written: Document[] = [];
      const left = new Map<string, ReadonlySet<string>>();
      for (const key of keys) {
        const choice = random();
        if (choice < 0.2) written.push(document(key, position));
        else if (choice < 0.3 && model.delete(key)) left.set(key.split("/")[0] ?? "", new Set());
      }
      for (const one of written) model.set(one.key, one);
      for (const name of left.keys())
        left.set(name, new Set([...model.keys()].filter((key) => key.split("/")[0] === name)));
      documents = applyChanges(selection, documents, { position, written, left });
      const wanted = [...model.keys()].filter((key) => key.startsWith("pods/") || key === "verdicts").sort();
      assert.deepEqual(
        documents.map(({ key }) => key),
        wanted,
      );
      for (const one of documents) assert.equal(one.version, model.get(one.key)?.version);
      const snapshot = makeSnapshot(selection, documents, position, true);
      assert.deepEqual(
        snapshot.list("pods").map(({ key }) => key),
        wanted.filter((key) => key !== "verdicts"),
      );
      for (const key of wanted) assert.equal(snapshot.get(key as Key<unknown>)?.version, model.get(key)?.version);
    }
  }
});

test("changes that are not selected give the very same documents", () => {
  const selection = selectionOf(["pods"]);
  const before = [document("pods/web", 1)];
  const changes = { position: 2, written: [document("nodes/n", 2)], left: new Map([["nodes", new Set<string>()]]) };
  assert.equal(applyChanges(selection, before, changes), before);
  assert.equal(
    applyChanges(selection, before, { position: 2, written: [document("pods/web", 1)], left: new Map() }),
    before,
  );
});

test("a snapshot answers only for what it selects", () => {
  const snapshot = makeSnapshot(selectionOf([presenceKey("n1"), "nodes"]), [], 1, true);
  assert.equal(snapshot.get(presenceKey("n1")), undefined);
  assert.throws(() => snapshot.get(presenceKey("n2")), { code: "bug", message: /presence\/n2/ });
  for (const collection of ["presence", "pods"] as Collection[])
    assert.throws(() => snapshot.list(collection), { code: "bug" });
});

test("a view wakes when it becomes stale and when it is fresh again, once each", async () => {
  const view = openView(selectionOf(["pods"]), [], 1, () => {});
  let wakes = 0;
  view.onChange(() => {
    wakes += 1;
  });
  const nothing = { position: 2, written: [], left: new Map() };
  const seen: unknown[] = [];
  for (const step of [
    () => view.markStale(),
    () => view.markStale(),
    () => view.apply(nothing),
    () => view.apply(nothing),
  ]) {
    step();
    await Promise.resolve();
    seen.push([view.snapshot().fresh, view.snapshot().position, wakes]);
  }
  assert.deepEqual(seen, [
    [false, 1, 1],
    [false, 1, 1],
    [true, 2, 2],
    [true, 2, 2],
  ]);
});

test("a wake-up never comes inside the change that causes it", async () => {
  const view = openView(selectionOf(["pods"]), [], 1, () => {});
  let woken = false;
  view.onChange(() => {
    woken = true;
  });
  view.apply({ position: 2, written: [document("pods/web", 2)], left: new Map() });
  assert.equal(woken, false);
  await Promise.resolve();
  assert.equal(woken, true);
});

function document(key: string, version: number): Document {
  return Object.freeze({ key: key as Key<unknown>, version, value: {} });
}
