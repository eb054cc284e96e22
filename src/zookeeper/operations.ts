// Each operation as what it writes and how its answer is read. What the answer says is decided here; when it is sent is not.
import type { Paths } from "./paths.ts";
import type { Reader } from "./reader.ts";
import type { Acl, Created, CreateOptions, NodeData, Stat, WatchMode } from "./records.ts";
import { noNode, opcode, readAcl, readStat, writeCreate } from "./wire.ts";
import type { Writer } from "./writer.ts";

export interface Operation<T> {
  readonly type: number;
  /** As the caller gave it, for errors. */
  readonly path?: string;
  /** This error of the server is an answer: undefined. */
  readonly tolerates?: number;
  write(writer: Writer): void;
  read(reader: Reader, zxid: bigint): T;
}

export function create(paths: Paths, path: string, data: Uint8Array, { acl, mode }: CreateOptions): Operation<Created> {
  const full = paths.full(path);
  return {
    type: opcode.create2,
    path,
    write: (writer) => writeCreate(writer, full, data, acl, mode),
    read: (reader, zxid) => ({ path: paths.given(reader.string()) ?? path, stat: readStat(reader), zxid }),
  };
}

export function remove(paths: Paths, path: string, version: number): Operation<{ zxid: bigint }> {
  const full = paths.full(path);
  return {
    type: opcode.delete,
    path,
    write(writer) {
      writer.string(full);
      writer.int(version);
    },
    read: (_reader, zxid) => ({ zxid }),
  };
}

export function exists(paths: Paths, path: string): Operation<Stat | undefined> {
  return {
    type: opcode.exists,
    path,
    tolerates: noNode,
    write: unwatched(paths.full(path)),
    read: readStat,
  };
}

export function getData(paths: Paths, path: string): Operation<NodeData & { zxid: bigint }> {
  return {
    type: opcode.getData,
    path,
    write: unwatched(paths.full(path)),
    read: (reader, zxid) => ({ data: reader.bytes(), stat: readStat(reader), zxid }),
  };
}

export function getChildren(paths: Paths, path: string): Operation<{ children: string[]; stat: Stat; zxid: bigint }> {
  return {
    type: opcode.getChildren2,
    path,
    write: unwatched(paths.full(path)),
    read: (reader, zxid) => ({ children: reader.vector(() => reader.string()), stat: readStat(reader), zxid }),
  };
}

/** The flag asks for a watch that fires once; orchestra's watches are all persistent. */
function unwatched(full: string): (writer: Writer) => void {
  return (writer) => {
    writer.string(full);
    writer.boolean(false);
  };
}

export function setData(
  paths: Paths,
  path: string,
  data: Uint8Array,
  version: number,
): Operation<{ stat: Stat; zxid: bigint }> {
  const full = paths.full(path);
  return {
    type: opcode.setData,
    path,
    write(writer) {
      writer.string(full);
      writer.bytes(data);
      writer.int(version);
    },
    read: (reader, zxid) => ({ stat: readStat(reader), zxid }),
  };
}

export function getAcl(paths: Paths, path: string): Operation<{ acl: Acl[]; stat: Stat }> {
  const full = paths.full(path);
  return {
    type: opcode.getAcl,
    path,
    write: (writer) => writer.string(full),
    read: (reader) => ({ acl: readAcl(reader), stat: readStat(reader) }),
  };
}

export function sync(paths: Paths, path: string): Operation<{ zxid: bigint }> {
  const full = paths.full(path);
  return { type: opcode.sync, path, write: (writer) => writer.string(full), read: (_reader, zxid) => ({ zxid }) };
}

const watchModes: Readonly<Record<WatchMode, number>> = { persistent: 0, recursive: 1 };

export function addWatch(paths: Paths, path: string, mode: WatchMode): Operation<void> {
  const full = paths.full(path);
  return {
    type: opcode.addWatch,
    path,
    write(writer) {
      writer.string(full);
      writer.int(watchModes[mode]);
    },
    read: () => undefined,
  };
}

/** Of any kind. */
const anyWatcher = 3;

export function removeWatches(paths: Paths, path: string): Operation<void> {
  const full = paths.full(path);
  return {
    type: opcode.removeWatches,
    path,
    write(writer) {
      writer.string(full);
      writer.int(anyWatcher);
    },
    read: () => undefined,
  };
}

export const closeSession: Operation<void> = Object.freeze({
  type: opcode.closeSession,
  write: () => undefined,
  read: () => undefined,
});
