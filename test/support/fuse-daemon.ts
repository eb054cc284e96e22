// A FUSE daemon: shows a flat folder, read-only, at another place, and answers for it until it is unmounted. While a certain file is there it is what a
// network mount is whose server is gone: each call into it stands still. Arguments: the folder, where it is shown, how many milliseconds it takes to
// tell of one file, and that file. Says when it is mounted, and when it hangs.
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const [shown = "", at = "", delayMs = "0", hangsFile = ""] = process.argv.slice(2);
const hangsLookMs = 20;

/** Numbers of the kernel's `fuse.h`. */
const ask = { lookup: 1, forget: 2, getattr: 3, open: 14, read: 15, statfs: 17, release: 18, init: 26 } as const;
const askFolder = { open: 27, read: 28, release: 29 } as const;
const batchForget = 42;
const rootNode = 1;
const requestBytes = 40;
const noEntry = 2;
const notOffered = 38;

/** The name of node 2 is the first one, and so on. */
const names: string[] = [];

interface Request {
  readonly what: number;
  readonly node: number;
  readonly body: Buffer;
}

const device = openSync("/dev/fuse", "r+");
const options = `fd=3,rootmode=040000,user_id=${process.getuid?.()},group_id=${process.getgid?.()}`;
const words = ["-i", "-t", "fuse", "-o", options, "orchestra-test", at];
execFileSync("mount", words, { stdio: ["ignore", "ignore", "inherit", device] });
process.stdout.write("mounted\n");
serve();
closeSync(device);

function serve(): void {
  const buffer = Buffer.alloc(1 << 18);
  for (;;) {
    const bytes = next(buffer);
    if (bytes === undefined) return;
    const what = buffer.readUInt32LE(4);
    if (what === ask.forget || what === batchForget) continue;
    const body = buffer.subarray(requestBytes, bytes);
    const unique = buffer.readBigUInt64LE(8);
    reply(unique, answer({ what, node: Number(buffer.readBigUInt64LE(16)), body }));
    if (existsSync(hangsFile)) hang();
  }
}

/** Between two questions: whoever has put one that was taken waits for its answer, and not even SIGKILL ends that; a server that is gone takes none. */
function hang(): void {
  writeSync(1, "hangs\n");
  while (existsSync(hangsFile)) rest(hangsLookMs);
}

/** Undefined: it has been unmounted. */
function next(buffer: Buffer): number | undefined {
  for (;;) {
    try {
      return readSync(device, buffer);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENODEV") return undefined;
      // Whoever asked has given up.
      if (code !== "ENOENT" && code !== "EINTR") throw error;
    }
  }
}

function reply(unique: bigint, answer: Buffer | number): void {
  const body = typeof answer === "number" ? Buffer.alloc(0) : answer;
  const head = Buffer.alloc(16);
  head.writeUInt32LE(head.length + body.length, 0);
  head.writeInt32LE(typeof answer === "number" ? -answer : 0, 4);
  head.writeBigUInt64LE(unique, 8);
  try {
    writeSync(device, Buffer.concat([head, body]));
  } catch {
    // Whoever asked has been killed.
  }
}

function delay(): void {
  if (Number(delayMs) > 0) rest(Number(delayMs));
}

function rest(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Its body, or the number of an error. */
function answer({ what, node, body }: Request): Buffer | number {
  switch (what) {
    case ask.init:
      return numbers(64, [7, 31, 1 << 16, 0, (12 << 16) | 16, 1 << 16, 1]);
    case ask.lookup:
      return entry(body.toString("utf8", 0, body.indexOf(0)));
    case ask.getattr: {
      delay();
      const stats = statOf(node);
      return stats ? Buffer.concat([Buffer.alloc(16), attributes(node, stats)]) : noEntry;
    }
    case ask.open:
    case askFolder.open:
    case ask.release:
    case askFolder.release:
      return Buffer.alloc(16);
    case ask.read:
      return piece(readFileSync(pathOf(node)), body);
    case askFolder.read:
      return piece(listing(), body);
    case ask.statfs:
      return numbers(80, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4096, 255, 4096]);
    default:
      return notOffered;
  }
}

function piece(all: Buffer, body: Buffer): Buffer {
  const offset = Number(body.readBigUInt64LE(8));
  return all.subarray(offset, offset + body.readUInt32LE(16));
}

function numbers(bytes: number, values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const [index, value] of values.entries()) buffer.writeUInt32LE(value, 4 * index);
  return buffer;
}

function nodeOf(name: string): number {
  if (!names.includes(name)) names.push(name);
  return names.indexOf(name) + rootNode + 1;
}

function pathOf(node: number): string {
  return node === rootNode ? shown : join(shown, names[node - rootNode - 1] ?? "");
}

function statOf(node: number): Stats | undefined {
  return statSync(pathOf(node), { throwIfNoEntry: false });
}

function entry(name: string): Buffer | number {
  const node = nodeOf(name);
  const stats = statOf(node);
  if (!stats) return noEntry;
  // Nothing of it may be kept: the kernel asks each time.
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(node));
  return Buffer.concat([head, attributes(node, stats)]);
}

function attributes(node: number, { size, mode, mtimeMs, ctimeMs }: Stats): Buffer {
  const buffer = Buffer.alloc(88);
  const seconds = (ms: number) => BigInt(Math.floor(ms / 1_000));
  const rest = (ms: number) => Math.floor((ms % 1_000) * 1e6);
  const wide = [BigInt(node), BigInt(size), 0n, seconds(mtimeMs), seconds(mtimeMs), seconds(ctimeMs)];
  for (const [index, value] of wide.entries()) buffer.writeBigUInt64LE(value, 8 * index);
  const narrow = [rest(mtimeMs), rest(mtimeMs), rest(ctimeMs), mode, 1];
  for (const [index, value] of narrow.entries()) buffer.writeUInt32LE(value, 48 + 4 * index);
  return buffer;
}

/** Where it is read on from is told in bytes, so that each piece ends with a whole entry only where all fit: they do. */
function listing(): Buffer {
  const entries: Buffer[] = [];
  let end = 0;
  for (const name of readdirSync(shown)) {
    const text = Buffer.from(name);
    const one = Buffer.alloc(24 + 8 * Math.ceil(text.length / 8));
    end += one.length;
    one.writeBigUInt64LE(BigInt(nodeOf(name)));
    one.writeBigUInt64LE(BigInt(end), 8);
    one.writeUInt32LE(text.length, 16);
    text.copy(one, 24);
    entries.push(one);
  }
  return Buffer.concat(entries);
}
