// Cuts the stream of bytes into frames. A frame that lies whole in one chunk is not copied; only one that is cut over chunks is gathered.
import { ZooKeeperError } from "./errors.ts";
import type { Reader } from "./reader.ts";

const none = Buffer.alloc(0);
const lengthBytes = 4;

export class FrameSplitter {
  #chunk: Buffer = none;
  #at = 0;
  /** The frame that is cut, with its length field: the first `#filled` bytes of a buffer that grows with what comes, not with what is promised. */
  #partial: Buffer = none;
  #filled = 0;
  readonly #limit: number;

  /** A frame of more than `limit` bytes is refused. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  feed(chunk: Buffer): void {
    this.#chunk = this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** Opens the next whole frame in `reader`; false: there is none yet. */
  next(reader: Reader): boolean {
    return this.#filled > 0 ? this.#nextGathered(reader) : this.#nextInPlace(reader);
  }

  #nextInPlace(reader: Reader): boolean {
    const left = this.#chunk.length - this.#at;
    if (left === 0) return false;
    if (left >= lengthBytes) {
      const start = this.#at + lengthBytes;
      const end = start + this.#checked(this.#chunk.readInt32BE(this.#at));
      if (end <= this.#chunk.length) {
        this.#at = end;
        reader.open(this.#chunk, start, end);
        return true;
      }
    }
    this.#partial = Buffer.allocUnsafeSlow(Math.max(2 * left, 1024));
    this.#gather(left);
    return false;
  }

  #nextGathered(reader: Reader): boolean {
    if (!this.#gather(lengthBytes)) return false;
    const whole = lengthBytes + this.#checked(this.#partial.readInt32BE(0));
    if (!this.#gather(whole)) return false;
    // What was read may be kept as a view, so this buffer is never used for another frame.
    reader.open(this.#partial, lengthBytes, whole);
    this.#partial = none;
    this.#filled = 0;
    return true;
  }

  /** Moves bytes of the chunk over until `wanted` are there. */
  #gather(wanted: number): boolean {
    const count = Math.min(wanted - this.#filled, this.#chunk.length - this.#at);
    if (count > 0) {
      const needed = this.#filled + count;
      if (needed > this.#partial.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(wanted, 2 * needed));
        this.#partial.copy(larger, 0, 0, this.#filled);
        this.#partial = larger;
      }
      this.#chunk.copy(this.#partial, this.#filled, this.#at, this.#at + count);
      this.#filled = needed;
      this.#at += count;
    }
    return this.#filled >= wanted;
  }

  #checked(length: number): number {
    if (length >= 0 && length <= this.#limit) return length;
    throw new ZooKeeperError("protocol", `the server sent a frame of ${length} bytes; at most ${this.#limit} are read`);
  }
}
