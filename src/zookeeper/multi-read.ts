// Many reads in one request: the server executes them in their order and answers all at once.
import { serverError, type ZooKeeperError } from "./errors.ts";
import { multiProtocolError, readHeader, writeHeader } from "./multi.ts";
import type { Operation } from "./operations.ts";
import type { Paths } from "./paths.ts";
import type { Reader } from "./reader.ts";
import type { NodeData } from "./records.ts";
import { opcode, readStat } from "./wire.ts";

export interface ManyRead {
  readonly zxid: bigint;
  readonly nodes: readonly (NodeData | ZooKeeperError)[];
}

export function multiRead(paths: Paths, wanted: readonly string[]): Operation<ManyRead> {
  const full = wanted.map((path) => paths.full(path));
  return {
    type: opcode.multiRead,
    write(writer) {
      for (const path of full) {
        writeHeader(writer, opcode.getData, false);
        writer.string(path);
        writer.boolean(false);
      }
      writeHeader(writer, -1, true);
    },
    read: (reader, zxid) => ({ zxid, nodes: readNodes(reader, paths, wanted) }),
  };
}

function readNodes(reader: Reader, paths: Paths, wanted: readonly string[]): (NodeData | ZooKeeperError)[] {
  const nodes: (NodeData | ZooKeeperError)[] = [];
  for (;;) {
    const { type, isEnd } = readHeader(reader);
    if (isEnd) break;
    if (type === opcode.getData) nodes.push({ data: reader.bytes(), stat: readStat(reader) });
    else if (type === opcode.error) nodes.push(refusal(reader.int(), paths, wanted[nodes.length]));
    else throw multiProtocolError(`a result of type ${type} for a read`);
  }
  if (nodes.length !== wanted.length) throw multiProtocolError(`${nodes.length} results for ${wanted.length} reads`);
  return nodes;
}

function refusal(error: number, paths: Paths, path: string | undefined): ZooKeeperError {
  return serverError(error, { path, hint: paths.hint(error) });
}
