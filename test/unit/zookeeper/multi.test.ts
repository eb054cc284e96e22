// What a server may answer to a transaction. The real ones of the ensembles here are 3.8; later ones differ, as these tests say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { multi } from "../../../src/zookeeper/multi.ts";
import { Paths } from "../../../src/zookeeper/paths.ts";
import { Reader } from "../../../src/zookeeper/reader.ts";
import { type Op, openAcl } from "../../../src/zookeeper/records.ts";
import { opcode } from "../../../src/zookeeper/wire.ts";
import type { Writer } from "../../../src/zookeeper/writer.ts";
import { fakeFrame, writeStat } from "../../support/fake-zookeeper.ts";

const ops: readonly Op[] = [
  { do: "create", path: "/a", data: Buffer.from("1"), mode: "sequential", acl: openAcl },
  { do: "set", path: "/b", data: Buffer.from("2"), version: 4 },
  { do: "check", path: "/c", version: 0 },
];

function answer(write: (writer: Writer) => void) {
  const frame = fakeFrame(write);
  const reader = new Reader();
  reader.open(frame, 4, frame.length);
  return multi(new Paths("/root", undefined), ops).read(reader, 9n);
}

function result(writer: Writer, type: number, done = false, error = 0): void {
  writer.int(type);
  writer.boolean(done);
  writer.int(error);
}

function refusals(...errors: readonly number[]) {
  return (writer: Writer) => {
    for (const error of errors) {
      result(writer, -1, false, error);
      writer.int(error);
    }
    result(writer, -1, true, -1);
  };
}

for (const { name, type } of [
  { name: "3.8 and older", type: opcode.create },
  { name: "3.9 and later", type: opcode.create2 },
]) {
  test(`results of a server of ${name}`, () => {
    const { zxid, results } = answer((writer) => {
      result(writer, type);
      writer.string("/root/a0000000007");
      if (type === opcode.create2) writeStat(writer, 2);
      result(writer, opcode.setData);
      writeStat(writer, 5);
      result(writer, opcode.check);
      result(writer, -1, true, -1);
    });
    assert.equal(zxid, 9n);
    const [created, set, checked] = results;
    assert.ok(created?.did === "create" && set?.did === "set" && checked?.did === "check");
    assert.equal(created.path, "/a0000000007");
    assert.equal(created.stat?.version, type === opcode.create2 ? 2 : undefined);
    assert.equal(set.stat.version, 5);
  });
}

const refused = [
  { name: "the first", errors: [-110, -2, -2], index: 0, path: "/a", code: "node-exists" },
  { name: "one in the middle", errors: [0, -103, -2], index: 1, path: "/b", code: "bad-version" },
  { name: "the last", errors: [0, 0, -101], index: 2, path: "/c", code: "no-node" },
  { name: "one for an unknown reason", errors: [0, -77, -2], index: 1, path: "/b", code: "server" },
] as const;

for (const { name, errors, index, path, code } of refused) {
  test(`the error names the operation that was refused: ${name}`, () => {
    assert.throws(() => answer(refusals(...errors)), { code, failedIndex: index, path });
  });
}

test("a chroot that may be missing is said", () => {
  assert.throws(() => answer(refusals(-101, -2, -2)), /chroot \/root/);
});

const malformed: { readonly name: string; readonly write: (writer: Writer) => void }[] = [
  { name: "fewer results than operations", write: (writer) => result(writer, -1, true, -1) },
  { name: "more results than operations", write: refusals(0, 0, 0, 0) },
  { name: "refusals without a culprit", write: refusals(0, 0, 0) },
  { name: "a result of no known type", write: (writer) => result(writer, 77) },
  { name: "no end", write: (writer) => result(writer, opcode.check) },
];

for (const { name, write } of malformed) {
  test(`an answer with ${name} breaks the protocol`, () => {
    assert.throws(() => answer(write), { code: "protocol" });
  });
}
