// Writes requests into slabs of memory: header and body of a frame go straight into the bytes that the socket gets.
import { ZooKeeperError } from "./errors.ts";

const slabBytes = 64 * 1024;
const countedFrom = 1_024;

export class Writer {
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  /** Where the next byte goes, where the frame that is being written began, and from where on nothing was taken yet. */
  #at = 0;
  #frame = 0;
  #taken = 0;
  /** Whole frames of slabs that are full. */
  #full: Buffer[] = [];
  readonly #frameLimit: number;

  /** A frame of more than `frameLimit` bytes (its length field not counted) is refused as `too-large`. */
  constructor(frameLimit: number) {
    this.#frameLimit = frameLimit;
  }

  beginFrame(): void {
    this.#frame = this.#at;
    this.int(0);
  }

  /** Gives the size of the whole frame. */
  endFrame(): number {
    const length = this.#at - this.#frame - 4;
    if (length > this.#frameLimit) throw tooLarge(length, this.#frameLimit);
    this.#slab.writeInt32BE(length, this.#frame);
    return length + 4;
  }

  /** Forgets the frame that was begun, after anything went wrong in it. */
  dropFrame(): void {
    this.#at = this.#frame;
  }

  /** All frames that were ended and not taken before; what is taken is never written to again. */
  take(): Buffer[] {
    const buffers = this.#full;
    this.#full = [];
    if (this.#at > this.#taken) buffers.push(this.#slab.subarray(this.#taken, this.#at));
    this.#taken = this.#at;
    return buffers;
  }

  int(value: number): void {
    this.#reserve(4);
    const slab = this.#slab;
    const at = this.#at;
    slab[at] = value >>> 24;
    slab[at + 1] = value >>> 16;
    slab[at + 2] = value >>> 8;
    slab[at + 3] = value;
    this.#at = at + 4;
  }

  long(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#slab.writeBigInt64BE(BigInt.asIntN(64, value), this.#at);
  }

  boolean(value: boolean): void {
    this.#reserve(1);
    this.#slab[this.#at++] = value ? 1 : 0;
  }

  string(value: string): void {
    this.#reserve(4 + mostBytes(value));
    const written = this.#slab.write(value, this.#at + 4);
    this.int(written);
    this.#at += written;
  }

  /** As one string. */
  text(pieces: readonly string[]): void {
    let most = 4;
    for (const piece of pieces) most += mostBytes(piece);
    this.#reserve(most);
    let end = this.#at + 4;
    for (const piece of pieces) end += this.#slab.write(piece, end);
    this.int(end - this.#at - 4);
    this.#at = end;
  }

  /** What was encoded before, without a length in front. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#slab.set(value, this.#at);
    this.#at += value.length;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.int(value.length);
    this.#slab.set(value, this.#at);
    this.#at += value.length;
  }

  /** For what is about to be written: less moves over when it is made at once. */
  makeRoom(bytes: number): void {
    // With what a short string at the end asks for more than it needs.
    this.#reserve(Math.min(bytes, this.#frameLimit) + 3 * countedFrom, 1);
  }

  /** A new slab when this one is full; only the frame that is being written moves over. */
  #reserve(bytes: number, growth = 2): void {
    if (this.#at + bytes <= this.#slab.length) return;
    const begun = this.#at - this.#frame;
    // Refused before memory is taken for it; the strings' worst case is left to the exact check at the frame's end.
    if (begun + bytes > 3 * this.#frameLimit + slabBytes) throw tooLarge(begun + bytes, this.#frameLimit);
    const slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, growth * (begun + bytes)));
    this.#slab.copy(slab, 0, this.#frame, this.#at);
    if (this.#frame > this.#taken) this.#full.push(this.#slab.subarray(this.#taken, this.#frame));
    this.#slab = slab;
    this.#taken = 0;
    this.#frame = 0;
    this.#at = begun;
  }
}

/** No character needs more than three bytes for each of its UTF-16 units. Where that would be much for nothing they are counted. */
function mostBytes(value: string): number {
  return value.length < countedFrom ? value.length * 3 : Buffer.byteLength(value);
}

function tooLarge(bytes: number, limit: number): ZooKeeperError {
  return new ZooKeeperError(
    "too-large",
    `a request of ${bytes} bytes is over the limit of ${limit} (jute.maxbuffer of the servers)`,
  );
}
