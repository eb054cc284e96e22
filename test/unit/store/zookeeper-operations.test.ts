// A commit as a transaction of ZooKeeper: what is in it, how large it is, and what goes before it.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arrange,
  bytesOf,
  type Item,
  itemsOf,
  transactionBytesLimit,
  transactionOf,
} from "../../../src/store/zookeeper-operations.ts";
import { keyOfPath, parentPath, pathOfKey } from "../../../src/store/zookeeper-paths.ts";
import { blanksOf, hasMark, jsonOf, markBytes, parseText } from "../../../src/store/zookeeper-text.ts";
import { knownVersions } from "../../../src/store/zookeeper-versions.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import { opcode, writeCreate } from "../../../src/zookeeper/wire.ts";
import { Writer } from "../../../src/zookeeper/writer.ts";

const mark = "0012abff";
const pin = { do: "check", path: "/identity/1", version: 0 } as const;
const parts = { pin, counterOf: () => 3, removals: 7, epochs: [], mark, acl: openAcl };
const create = (key: string, json = "{}"): Item => ({
  do: "create",
  key,
  version: "absent",
  json,
  bytes: Buffer.byteLength(json),
});

test("keys and paths lead to each other, and names of the store's own are no documents", () => {
  for (const key of ["cluster", "deployments/web", "pods/web/1", "revisions/web/0a1b", "controls/nodes/n.1_x-y"]) {
    assert.equal(keyOfPath(pathOfKey(key)), key);
    assert.equal(pathOfKey(key).split("/").length, key.includes("/") ? 3 : 2);
  }
  assert.equal(parentPath("pods/web/1"), "/pods");
  assert.equal(parentPath("cluster"), undefined);
  for (const path of [
    "/",
    "/commits",
    "/removals",
    "/identity/x",
    "/elections/master",
    "/elections/master/x-1",
    "/a/b/c",
  ]) {
    assert.equal(keyOfPath(path), undefined, path);
  }
  for (const key of ["commits", "removals", "elections/x"]) assert.throws(() => pathOfKey(key), { code: "bug" });
});

test("a document's text is JSON to everyone, and tells which commit wrote it", () => {
  const json = JSON.stringify({ text: "a\n\t ä€😀 " });
  const data = Buffer.from(json + blanksOf(mark));
  assert.equal(data.length, Buffer.byteLength(json) + markBytes);
  assert.deepEqual(JSON.parse(Buffer.from(data).toString()), JSON.parse(json));
  assert.equal(jsonOf(data), json);
  assert.deepEqual(
    [hasMark(data, mark), hasMark(data, "0012abfe"), hasMark(Buffer.from(json), mark)],
    [true, false, false],
  );
  assert.equal(parseText(Buffer.from("{ no")), undefined);
});

test("a transaction checks first, in the order in which a conflict is told, and counts last", () => {
  const items = itemsOf(
    [
      { do: "create", key: "deployments/a", version: "absent", json: "{}", bytes: 2 },
      { do: "set", key: "deployments/b", version: 5, json: "{}", bytes: 2 },
    ],
    [{ key: "revisions/a/1", version: 4 }],
  );
  const { ops, subjects } = transactionOf({ ...parts, items, epochs: [[2, 9]] });
  assert.deepEqual(
    ops.map((op) => [op.do, op.path, "version" in op ? op.version : undefined]),
    [
      ["check", "/identity/1", 0],
      ["check", "/removals", 7],
      ["check", "/epoch", 9],
      ["check", "/revisions/a:1", 3],
      ["create", "/deployments/a", undefined],
      ["set", "/deployments/b", 3],
      ["set", "/commits", -1],
    ],
  );
  assert.deepEqual(subjects, ["store", "removals", 2, ...items, "commits"]);
});

test("a removal is counted, creations alone need no check of removals, and checks alone count nothing", () => {
  const kinds = (items: Item[]) =>
    transactionOf({ ...parts, items })
      .ops.map((op) => `${op.do} ${op.path}`)
      .slice(1);
  assert.deepEqual(kinds([{ do: "remove", key: "nodes/a", version: 1 }]), [
    "set /removals",
    "delete /nodes/a",
    "set /commits",
  ]);
  assert.deepEqual(kinds([create("nodes/a")]), ["create /nodes/a", "set /commits"]);
  assert.deepEqual(kinds([{ do: "check", key: "nodes/a", version: 1 }]), ["check /removals", "check /nodes/a"]);
});

test("the size of a transaction is never underrated, and hardly overrated", () => {
  const items = Array.from({ length: 500 }, (_, index) =>
    create(`revisions/web${index}/0123456789ab`, `{"ä":${index}}`),
  );
  const writer = new Writer(transactionBytesLimit);
  for (const op of transactionOf({ ...parts, items }).ops) {
    writer.int(opcode.create2);
    writer.boolean(false);
    writer.int(-1);
    if (op.do === "create") writeCreate(writer, `/orchestra${op.path}`, op.data, op.acl, op.mode);
  }
  const wire = writer.take().reduce((sum, { length }) => sum + length, 0);
  const rated = bytesOf(items, "/orchestra", openAcl);
  assert.ok(rated >= wire - 64 && rated < wire * 1.1, `${rated} for ${wire}`);
});

test("what fits goes as one; else new revisions go first, and are checked", () => {
  const small = [create("deployments/a"), create("revisions/a/1")];
  assert.deepEqual(arrange(small, "", openAcl), { first: [], rest: small });
  const large = Array.from({ length: 4 }, (_, index) => create(`revisions/a/${index}`, "x".repeat(400_000)));
  const { first, rest } = arrange([create("deployments/a"), ...large], "", openAcl);
  assert.deepEqual(
    first.map((batch) => batch.map(({ key }) => key)),
    [
      ["revisions/a/0", "revisions/a/1"],
      ["revisions/a/2", "revisions/a/3"],
    ],
  );
  assert.deepEqual(
    rest.map((item) => `${item.do} ${item.key}`),
    ["create deployments/a", ...large.map(({ key }) => `check ${key}`)],
  );
  const many = Array.from({ length: 4 }, (_, index) => create(`deployments/d${index}`, "x".repeat(400_000)));
  assert.throws(() => arrange(many, "", openAcl), { code: "invalid", message: /larger than this store takes/ });
});

test("what is known of nodes holds only as long as nothing was removed", () => {
  const versions = knownVersions();
  versions.learn("a", { version: 10, counter: 2 }, 5);
  versions.learn("b", { version: 11, counter: 0 }, 5);
  assert.deepEqual([versions.counterOf("a", 10), versions.counterOf("a", 9)], [2, undefined]);
  versions.learn("late", { version: 8, counter: 0 }, 4);
  assert.equal(versions.counterOf("late", 8), undefined, "learnt under an older counter");
  versions.learnAll(["many", "a"], { version: 12, counter: 0 }, 5);
  assert.deepEqual(
    [versions.counterOf("many", 12), versions.counterOf("a", 10), versions.counterOf("a", 12)],
    [0, undefined, 0],
  );
  versions.learnAll(["a"], { version: 13, counter: 0 }, 5);
  versions.removed(["a"], 5);
  assert.equal(versions.counterOf("a", 13), undefined);
  assert.deepEqual([versions.counterOf("a", 10), versions.counterOf("b", 11), versions.removals], [undefined, 0, 6]);
  versions.at(7);
  assert.equal(versions.counterOf("b", 11), undefined);
  versions.learn("c", { version: 12, counter: 1 }, 2 ** 31 - 1);
  versions.learn("d", { version: 13, counter: 1 }, -(2 ** 31));
  assert.deepEqual(
    [versions.counterOf("c", 12), versions.counterOf("d", 13)],
    [undefined, 1],
    "the counter wraps around",
  );
});
