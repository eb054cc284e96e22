// The transaction: a list of operations in one request, each behind a header of its own, and their results in the same form.
import { serverError, ZooKeeperError } from "./errors.ts";
import type { Operation } from "./operations.ts";
import type { Paths } from "./paths.ts";
import type { Reader } from "./reader.ts";
import type { Op, OpResult } from "./records.ts";
import { opcode, readStat, writeCreate, writeData } from "./wire.ts";
import type { Writer } from "./writer.ts";

export interface MultiDone {
  readonly zxid: bigint;
  readonly results: readonly OpResult[];
}

export function multi(paths: Paths, ops: readonly Op[]): Operation<MultiDone> {
  const full = ops.map(({ path }) => paths.full(path));
  return {
    type: opcode.multi,
    write(writer) {
      writer.makeRoom(ops.reduce((sum, op, index) => sum + roomFor(op, full[index] as string), 0));
      ops.forEach((op, index) => {
        writeOp(writer, op, full[index] as string);
      });
      writeHeader(writer, -1, true);
    },
    read: (reader, zxid) => ({ zxid, results: readResults(reader, paths, ops) }),
  };
}

const opcodes = { create: opcode.create2, delete: opcode.delete, set: opcode.setData, check: opcode.check } as const;

/** About so many bytes; what is too few only costs time. */
function roomFor(op: Op, full: string): number {
  if (op.do !== "create" && op.do !== "set") return 40 + full.length;
  const { data } = op;
  return 80 + full.length + (data instanceof Uint8Array ? data.length : lettersOf(data));
}

function lettersOf(pieces: readonly string[]): number {
  let letters = 0;
  for (const piece of pieces) letters += piece.length;
  return letters;
}

export function writeHeader(writer: Writer, type: number, done: boolean): void {
  writer.int(type);
  writer.boolean(done);
  writer.int(-1);
}

/** What stands before each result, and behind the last. */
export function readHeader(reader: Reader): { readonly type: number; readonly isEnd: boolean } {
  const type = reader.int();
  const isEnd = reader.boolean();
  reader.int(); // The error again; with a refusal it follows as the body too.
  return { type, isEnd };
}

export function multiProtocolError(what: string): ZooKeeperError {
  return new ZooKeeperError("protocol", `the server sent ${what}`);
}

function writeOp(writer: Writer, op: Op, full: string): void {
  writeHeader(writer, opcodes[op.do], false);
  if (op.do === "create") {
    writeCreate(writer, full, op.data, op.acl, op.mode);
    return;
  }
  writer.string(full);
  if (op.do === "set") writeData(writer, op.data);
  writer.int(op.version);
}

/** A transaction that was refused also comes with a result for each operation: 0 before the culprit, its error, and "not run" after it. */
function readResults(reader: Reader, paths: Paths, ops: readonly Op[]): OpResult[] {
  const results: OpResult[] = [];
  const refusals: number[] = [];
  for (;;) {
    const { type, isEnd } = readHeader(reader);
    if (isEnd) break;
    const op = ops[Math.max(results.length, refusals.length)];
    if (op === undefined) throw multiProtocolError("more results than the transaction has operations");
    if (type === opcode.error) refusals.push(reader.int());
    else results.push(readResult(reader, type, paths, op));
  }
  const failedIndex = refusals.findIndex((number) => number !== 0);
  if (failedIndex !== -1) {
    const error = refusals[failedIndex] as number;
    throw serverError(error, { path: ops[failedIndex]?.path, failedIndex, hint: paths.hint(error) });
  }
  if (results.length !== ops.length) {
    throw multiProtocolError(`${results.length} results for ${ops.length} operations`);
  }
  return results;
}

function readResult(reader: Reader, type: number, paths: Paths, op: Op): OpResult {
  switch (type) {
    // Servers before 3.9 answer so to a create of either kind: the path alone.
    case opcode.create:
      return { did: "create", path: readCreated(reader, paths, op) };
    case opcode.create2:
      return { did: "create", path: readCreated(reader, paths, op), stat: readStat(reader) };
    case opcode.setData:
      return { did: "set", stat: readStat(reader) };
    case opcode.delete:
      return deleted;
    case opcode.check:
      return checked;
    default:
      throw multiProtocolError(`a result of type ${type} for an operation of a transaction`);
  }
}

const deleted: OpResult = Object.freeze({ did: "delete" });
const checked: OpResult = Object.freeze({ did: "check" });

/** Only a sequential node has another path than was asked for. */
function readCreated(reader: Reader, paths: Paths, op: Op): string {
  if (op.do === "create" && (op.mode === "persistent" || op.mode === "ephemeral")) {
    reader.skip();
    return op.path;
  }
  return paths.given(reader.string()) ?? op.path;
}
