// What is written is read back; what is cut or hostile is refused and nothing else happens.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { multi } from "../../../src/zookeeper/multi.ts";
import * as operations from "../../../src/zookeeper/operations.ts";
import { Paths } from "../../../src/zookeeper/paths.ts";
import { Reader } from "../../../src/zookeeper/reader.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import { readAcl, readStat, readWelcome, writeCreate } from "../../../src/zookeeper/wire.ts";
import { Writer } from "../../../src/zookeeper/writer.ts";
import { rounds, seed } from "../../support/rounds.ts";

const options = { numRuns: rounds * 10, seed };
const limit = 200_000;

type Field =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "long"; readonly value: bigint }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "text"; readonly value: readonly string[] }
  | { readonly kind: "skip"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array };

const anyField: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant("int" as const), value: fc.integer() }),
  fc.record({ kind: fc.constant("long" as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  fc.record({ kind: fc.constant("boolean" as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant("string" as const), value: fc.string({ unit: "grapheme", maxLength: 60 }) }),
  fc.record({ kind: fc.constant("text" as const), value: fc.array(fc.string({ unit: "binary", maxLength: 4_000 })) }),
  fc.record({ kind: fc.constant("skip" as const), value: fc.string({ unit: "grapheme", maxLength: 60 }) }),
  fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({ kind: fc.constant("bytes" as const), value: fc.nat(40_000).map((size) => new Uint8Array(size).fill(7)) }),
);

function write(writer: Writer, { kind, value }: Field): void {
  if (kind === "skip") writer.string(value);
  else writer[kind](value as never);
}

/** What must come of it. */
function expected({ kind, value }: Field): unknown {
  if (kind === "text") return value.join("");
  return kind === "skip" ? undefined : value;
}

function read(reader: Reader, { kind }: Field): unknown {
  const value = kind === "text" ? reader.string() : reader[kind]();
  return value instanceof Buffer ? Uint8Array.from(value) : value;
}

function readerOf(frame: Buffer): Reader {
  const reader = new Reader();
  reader.open(frame, 0, frame.length);
  return reader;
}

/** Several frames in a row, taken together now and then as a connection does. */
function written(frames: readonly (readonly Field[])[], takeEach: number): Buffer {
  const writer = new Writer(1 << 24);
  const taken: Buffer[] = [];
  frames.forEach((fields, index) => {
    writer.beginFrame();
    for (const field of fields) write(writer, field);
    writer.endFrame();
    if (index % takeEach === 0) taken.push(...writer.take());
  });
  return Buffer.concat([...taken, ...writer.take()]);
}

test("fields are read as they were written, over any number of slabs", () => {
  const anyFrames = fc.array(fc.array(anyField, { maxLength: 6 }), { maxLength: 20 });
  fc.assert(
    fc.property(anyFrames, fc.integer({ min: 1, max: 5 }), (frames, takeEach) => {
      const stream = written(frames, takeEach);
      const reader = readerOf(stream);
      for (const fields of frames) {
        const length = reader.int();
        const before = reader.remaining;
        for (const field of fields) assert.deepEqual(read(reader, field), expected(field));
        assert.equal(before - reader.remaining, length);
      }
      assert.equal(reader.remaining, 0);
    }),
    options,
  );
});

test("what was taken is not written to again", () => {
  const writer = new Writer(limit);
  const frame = (letter: string) => {
    writer.beginFrame();
    writer.string(letter.repeat(10));
    writer.endFrame();
    return writer.take();
  };
  const first = Buffer.concat(frame("a"));
  const taken = frame("b");
  for (let index = 0; index < 10_000; index++) frame("c");
  assert.equal(first.toString("latin1", 8), "a".repeat(10));
  assert.equal(Buffer.concat(taken).toString("latin1", 8), "b".repeat(10));
});

test("a frame over the limit is refused and leaves nothing behind", () => {
  const writer = new Writer(1_000);
  for (const bytes of [997, 5_000, 300_000]) {
    writer.beginFrame();
    assert.throws(
      () => {
        writer.bytes(new Uint8Array(bytes));
        writer.endFrame();
      },
      { code: "too-large" },
    );
    writer.dropFrame();
  }
  writer.beginFrame();
  writer.bytes(new Uint8Array(996));
  writer.endFrame();
  assert.equal(Buffer.concat(writer.take()).length, 1_004);
});

test("a frame that ends inside a record is refused, wherever it ends", () => {
  fc.assert(
    fc.property(fc.array(anyField, { minLength: 1, maxLength: 6 }), fc.nat(), (fields, place) => {
      const whole = written([fields], 1).subarray(4);
      const reader = readerOf(whole.subarray(0, place % whole.length));
      assert.throws(() => fields.map((field) => read(reader, field)), { code: "protocol" });
    }),
    options,
  );
});

const paths = new Paths("/root", undefined);
const data = Buffer.from("data");
const ops = [
  { do: "create", path: "/a", data, mode: "persistent", acl: openAcl },
  { do: "set", path: "/b", data, version: 3 },
  { do: "delete", path: "/c", version: -1 },
  { do: "check", path: "/d", version: 0 },
] as const;

const readers: Readonly<Record<string, (reader: Reader) => unknown>> = {
  stat: readStat,
  acl: readAcl,
  welcome: readWelcome,
  create: (reader) => operations.create(paths, "/a", data, { mode: "ephemeral", acl: openAcl }).read(reader, 1n),
  getData: (reader) => operations.getData(paths, "/a").read(reader, 1n),
  getChildren: (reader) => operations.getChildren(paths, "/a").read(reader, 1n),
  getAcl: (reader) => operations.getAcl(paths, "/a").read(reader, 1n),
  multi: (reader) => multi(paths, ops).read(reader, 1n),
};

for (const [name, parse] of Object.entries(readers)) {
  test(`any bytes as ${name}: a value or a ZooKeeperError, soon and in little memory`, () => {
    const hostile = fc.array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 5, 127, 128, 255), fc.nat(255)), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(hostile, (bytes) => {
        try {
          parse(readerOf(Buffer.from(bytes)));
        } catch (error) {
          assert.ok(error instanceof ZooKeeperError, String(error));
        }
      }),
      options,
    );
  });
}

test("numbers of 64 bits keep all their bits", () => {
  const writer = new Writer(limit);
  writer.beginFrame();
  writer.long(0xffff_ffff_ffff_fffen);
  writer.long(0x0123_4567_89ab_cdefn);
  writer.endFrame();
  const reader = readerOf(Buffer.concat(writer.take()));
  reader.int();
  assert.equal(reader.long(), -2n);
  assert.equal(reader.long(), 0x0123_4567_89ab_cdefn);
});

test("a create is laid out as the protocol says", () => {
  const writer = new Writer(limit);
  writer.beginFrame();
  writeCreate(writer, "/a", Buffer.from("x"), openAcl, "ephemeral-sequential");
  writer.endFrame();
  const expected =
    "0000002a" +
    "000000022f61" +
    "0000000178" +
    "00000001" +
    "0000001f" +
    "00000005776f726c64" +
    "00000006616e796f6e65" +
    "00000003";
  assert.equal(Buffer.concat(writer.take()).toString("hex"), expected);
});
