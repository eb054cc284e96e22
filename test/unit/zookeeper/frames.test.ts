// The stream of bytes may come in any pieces, and from anybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameSplitter } from "../../../src/zookeeper/frames.ts";
import { Reader } from "../../../src/zookeeper/reader.ts";
import { rounds, seed } from "../../support/rounds.ts";

const options = { numRuns: rounds * 10, seed };
const limit = 100_000;

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** All bodies that come out of these chunks. */
function split(chunks: readonly Buffer[], splitter = new FrameSplitter(limit)): Buffer[] {
  const reader = new Reader();
  return chunks.flatMap((chunk) => {
    const bodies: Buffer[] = [];
    splitter.feed(chunk);
    while (splitter.next(reader)) bodies.push(bodyOf(reader));
    return bodies;
  });
}

/** The view stays what it is: later frames must not be written over it. */
function bodyOf(reader: Reader): Buffer {
  const bytes = Array.from({ length: reader.remaining }, () => Number(reader.boolean()));
  return Buffer.from(bytes);
}

function cut(stream: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (stream.length + 1)))].sort((a, b) => a - b);
  return [...at, stream.length].map((end, index) => stream.subarray(index === 0 ? 0 : at[index - 1], end));
}

const anyBody = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 2_000, maxLength: 3_000 }),
);

test("frames come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(anyBody, { maxLength: 8 }), fc.array(fc.nat(30_000), { maxLength: 30 }), (bodies, places) => {
      const stream = Buffer.concat(bodies.map((body) => framed(Uint8Array.from(body))));
      assert.deepEqual(
        split(cut(stream, places)),
        bodies.map((body) => Buffer.from(body)),
      );
    }),
    options,
  );
});

test("byte by byte is a way to come, too", () => {
  const bodies = [[1, 0, 1], [], [0]].map((body) => Buffer.from(body));
  const stream = Buffer.concat(bodies.map(framed));
  assert.deepEqual(split([...stream].map((byte) => Buffer.from([byte]))), bodies);
});

test("chunks that were not read to their end are not lost", () => {
  const splitter = new FrameSplitter(limit);
  const reader = new Reader();
  const [a, b, c] = [[1], [0, 1], [1, 1, 0]].map((body) => framed(Buffer.from(body))) as [Buffer, Buffer, Buffer];
  splitter.feed(Buffer.concat([a, b, c.subarray(0, 5)]));
  assert.ok(splitter.next(reader));
  splitter.feed(c.subarray(5));
  const lengths = [];
  while (splitter.next(reader)) lengths.push(reader.remaining);
  assert.deepEqual(lengths, [2, 3]);
});

test("a whole frame is not copied, and a gathered one is never written over", () => {
  const splitter = new FrameSplitter(limit);
  const reader = new Reader();
  const record = (letter: string) => framed(framed(Buffer.alloc(6, letter)));
  const chunk = record("a");
  splitter.feed(chunk);
  assert.ok(splitter.next(reader));
  assert.equal(reader.bytes().buffer, chunk.buffer);
  const kept: Buffer[] = [];
  for (const letter of ["b", "c", "d"]) {
    splitter.feed(record(letter).subarray(0, 7));
    assert.ok(!splitter.next(reader));
    splitter.feed(record(letter).subarray(7));
    assert.ok(splitter.next(reader));
    kept.push(reader.bytes());
  }
  assert.deepEqual(kept.map(String), ["bbbbbb", "cccccc", "dddddd"]);
});

for (const length of [-1, -2_147_483_648, limit + 1, 0x48545450]) {
  test(`a length of ${length} is refused, also when it is cut`, () => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(length);
    for (const place of [4, 1, 2, 3]) {
      assert.throws(() => split([head.subarray(0, place), head.subarray(place)]), { code: "protocol" });
    }
  });
}

test("a long frame that is promised takes no memory before it comes", () => {
  const splitter = new FrameSplitter(1 << 30);
  const before = process.memoryUsage().arrayBuffers;
  const head = Buffer.alloc(64);
  head.writeInt32BE(1 << 30);
  splitter.feed(head);
  assert.ok(!splitter.next(new Reader()));
  splitter.feed(head);
  assert.ok(!splitter.next(new Reader()));
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 24);
});
