// What a server may answer to many reads in one request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { multiRead } from "../../../src/zookeeper/multi-read.ts";
import { Paths } from "../../../src/zookeeper/paths.ts";
import { Reader } from "../../../src/zookeeper/reader.ts";
import { opcode } from "../../../src/zookeeper/wire.ts";
import type { Writer } from "../../../src/zookeeper/writer.ts";
import { fakeFrame, writeStat } from "../../support/fake-zookeeper.ts";

function answer(write: (writer: Writer) => void) {
  const frame = fakeFrame(write);
  const reader = new Reader();
  reader.open(frame, 4, frame.length);
  return multiRead(new Paths("/root", undefined), ["/a", "/b"]).read(reader, 9n);
}

function header(writer: Writer, type: number, done = false): void {
  writer.int(type);
  writer.boolean(done);
  writer.int(-1);
}

function found(writer: Writer, text: string, version: number): void {
  header(writer, opcode.getData);
  writer.string(text);
  writeStat(writer, version);
}

function refused(writer: Writer, error: number): void {
  header(writer, opcode.error);
  writer.int(error);
}

test("what cannot be read has its error in its place, with the caller's path", () => {
  const { zxid, nodes } = answer((writer) => {
    refused(writer, -101);
    found(writer, "text", 4);
    header(writer, -1, true);
  });
  const [first, second] = nodes;
  assert.ok(first instanceof ZooKeeperError && second && "data" in second);
  assert.deepEqual([first.code, first.path, zxid], ["no-node", "/a", 9n]);
  assert.match(first.message, /chroot \/root/);
  assert.deepEqual([Buffer.from(second.data).toString(), second.stat.version], ["text", 4]);
});

const malformed: { readonly name: string; readonly write: (writer: Writer) => void }[] = [
  {
    name: "fewer results than reads",
    write: (writer) => {
      found(writer, "", 0);
      header(writer, -1, true);
    },
  },
  {
    name: "more results than reads",
    write: (writer) => {
      for (let count = 0; count < 3; count += 1) found(writer, "", 0);
      header(writer, -1, true);
    },
  },
  { name: "a result of another type", write: (writer) => header(writer, opcode.check) },
  { name: "no end", write: (writer) => found(writer, "", 0) },
];

for (const { name, write } of malformed) {
  test(`an answer with ${name} breaks the protocol`, () => {
    assert.throws(() => answer(write), { code: "protocol" });
  });
}
