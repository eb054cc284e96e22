// The transaction: a list of operations in one request, each behind a header of its own, and their results in the same form.
import { serverError, ZooKeeperError } from "./errors.ts";
import type { Operation } from "./operations.ts";
import type { Paths } from "./paths.ts";
import type { Reader } from "./reader.ts";
import type { Op, OpResult } from "./records.ts";
import { opcode, readStat, writeCreate } from "./wire.ts";
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
      ops.forEach((op, index) => {
        writeOp(writer, op, full[index] as string);
      });
      writeHeader(writer, -1, true);
    },
    read: (reader, zxid) => ({ zxid, results: readResults(reader, paths, ops) }),
  };
}

const opcodes = { create: opcode.create2, delete: opcode.delete, set: opcode.setData, check: opcode.check } as const;

function writeHeader(writer: Writer, type: number, done: boolean): void {
  writer.int(type);
  writer.boolean(done);
  writer.int(-1);
}

function writeOp(writer: Writer, op: Op, full: string): void {
  writeHeader(writer, opcodes[op.do], false);
  if (op.do === "create") {
    writeCreate(writer, full, op.data, op.acl, op.mode);
    return;
  }
  writer.string(full);
  if (op.do === "set") writer.bytes(op.data);
  writer.int(op.version);
}

/** A transaction that was refused also comes with a result for each operation: 0 before the culprit, its error, and "not run" after it. */
function readResults(reader: Reader, paths: Paths, ops: readonly Op[]): OpResult[] {
  const results: OpResult[] = [];
  const refusals: number[] = [];
  for (;;) {
    const type = reader.int();
    const done = reader.boolean();
    reader.int(); // The error again; with a refusal it follows as the body too.
    if (done) break;
    const op = ops[Math.max(results.length, refusals.length)];
    if (op === undefined)
      throw new ZooKeeperError("protocol", "the server sent more results than the transaction has operations");
    if (type === opcode.error) refusals.push(reader.int());
    else results.push(readResult(reader, type, paths, op));
  }
  const failedIndex = refusals.findIndex((number) => number !== 0);
  if (failedIndex !== -1) {
    const error = refusals[failedIndex] as number;
    throw serverError(error, { path: ops[failedIndex]?.path, failedIndex, hint: paths.hint(error) });
  }
  if (results.length !== ops.length) {
    throw new ZooKeeperError("protocol", `the server sent ${results.length} results for ${ops.length} operations`);
  }
  return results;
}

function readResult(reader: Reader, type: number, paths: Paths, op: Op): OpResult {
  switch (type) {
    // Servers before 3.9 answer so to a create of either kind: the path alone.
    case opcode.create:
      return { did: "create", path: paths.given(reader.string()) ?? op.path };
    case opcode.create2:
      return { did: "create", path: paths.given(reader.string()) ?? op.path, stat: readStat(reader) };
    case opcode.setData:
      return { did: "set", stat: readStat(reader) };
    case opcode.delete:
      return { did: "delete" };
    case opcode.check:
      return { did: "check" };
    default:
      throw new ZooKeeperError(
        "protocol",
        `the server sent a result of type ${type} for an operation of a transaction`,
      );
  }
}
