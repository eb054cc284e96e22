// What a ZooKeeper ensemble has decided, transaction by transaction in its own order: read from a server's transaction log on disk.
// No client's word is needed for it, and nothing between two looks is missed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type HistoryOp =
  | { readonly do: "create" | "set"; readonly path: string; readonly text: string; readonly ephemeral?: boolean }
  | { readonly do: "delete"; readonly path: string }
  /** `version` is what the node's counter had to be. */
  | { readonly do: "check"; readonly path: string; readonly version: number };

export interface Transaction {
  readonly zxid: bigint;
  readonly session: bigint;
  /** When its leader began with it, by the wall clock: before anybody else heard of it. */
  readonly atMs: number;
  readonly ops: readonly HistoryOp[];
}

const magic = 0x5a4b4c47;
const types = { create: 1, delete: 2, set: 5, check: 13, multi: 14, create2: 15, closeSession: -11 } as const;

/** All that succeeded, in order. `folder` is the one given as dataDir; the server may be running, and has to have heard of everything wanted. */
export function readHistory(folder: string): Transaction[] {
  const logs = join(folder, "version-2");
  const files = readdirSync(logs).filter((name) => name.startsWith("log."));
  const found = files.flatMap((name) => [...transactionsOf(readFileSync(join(logs, name)))]);
  // A server that starts again may begin a new file within what an older one holds.
  const byZxid = new Map(found.map((transaction) => [transaction.zxid, transaction]));
  return [...byZxid.values()].sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
}

function* transactionsOf(file: Buffer): Generator<Transaction> {
  const reader = new Reader(file);
  if (reader.int() !== magic) throw new Error("this is no transaction log");
  reader.skip(4 + 8);
  while (reader.left >= 12) {
    reader.skip(8); // The checksum.
    const length = reader.int();
    // The rest was made ready for what comes, or is being written.
    if (length <= 0 || length > reader.left) return;
    const record = new Reader(reader.bytes(length));
    reader.skip(1);
    const session = record.long();
    record.skip(4);
    const zxid = record.long();
    const atMs = Number(record.long());
    const ops = opsOf(record.int(), record);
    if (ops && ops.length > 0) yield { zxid, session, atMs, ops };
  }
}

/** Undefined: it was refused. */
function opsOf(type: number, record: Reader): HistoryOp[] | undefined {
  switch (type) {
    case types.multi: {
      const parts = Array.from({ length: record.int() }, () => opsOf(record.int(), new Reader(record.buffer())));
      return parts.some((ops) => ops === undefined) ? undefined : parts.flatMap((ops) => ops ?? []);
    }
    case types.create:
    case types.create2: {
      const [path, text] = [record.text(), record.text()];
      for (let count = record.int(); count > 0; count -= 1) {
        record.skip(4);
        record.text();
        record.text();
      }
      return [{ do: "create", path, text, ephemeral: record.byte() === 1 }];
    }
    case types.set:
      return [{ do: "set", path: record.text(), text: record.text() }];
    case types.delete:
      return [{ do: "delete", path: record.text() }];
    case types.check:
      // The log holds what the counter would have become.
      return [{ do: "check", path: record.text(), version: record.int() - 1 }];
    case types.closeSession:
      if (record.left < 4) return [];
      return Array.from({ length: record.int() }, () => ({ do: "delete", path: record.text() }));
    case -1:
      return undefined;
    default:
      return [];
  }
}

/** Java's serialisation, as far as the log needs it. */
class Reader {
  #at = 0;
  readonly #data: Buffer;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  skip(count: number): void {
    this.#at += count;
  }

  byte(): number {
    this.#at += 1;
    return this.#data.readUInt8(this.#at - 1);
  }

  int(): number {
    this.#at += 4;
    return this.#data.readInt32BE(this.#at - 4);
  }

  long(): bigint {
    this.#at += 8;
    return this.#data.readBigInt64BE(this.#at - 8);
  }

  bytes(length: number): Buffer {
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }

  buffer(): Buffer {
    return this.bytes(Math.max(0, this.int()));
  }

  text(): string {
    return this.buffer().toString("utf8");
  }
}
