// Reads the records of one frame in place. Whatever a server sends, nothing is read beyond the frame and no memory is taken on its word.
import { ZooKeeperError } from "./errors.ts";

export class Reader {
  #buffer: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;

  /** Turns to the frame between `start` and `end`. The buffer is not copied and must not change while what was read from it is in use. */
  open(buffer: Buffer, start: number, end: number): void {
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    }
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  int(): number {
    const at = this.#advance(4);
    return this.#view.getInt32(at);
  }

  long(): bigint {
    const at = this.#advance(8);
    return this.#view.getBigInt64(at);
  }

  /** Milliseconds: 64 bits wide, but far below what a number holds exactly. */
  time(): number {
    return Number(this.long());
  }

  boolean(): boolean {
    const at = this.#advance(1);
    return this.#view.getUint8(at) !== 0;
  }

  string(): string {
    const length = this.#length();
    const at = this.#advance(length);
    return this.#buffer.toString("utf8", at, at + length);
  }

  /** Passes over a string or bytes. */
  skip(): void {
    this.#advance(this.#length());
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const length = this.#length();
    const at = this.#advance(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** Every element takes bytes, so a count that cannot be true ends at the frame's end and takes no memory before. */
  vector<T>(element: (reader: Reader) => T): T[] {
    const count = this.#length();
    const elements: T[] = [];
    for (let index = 0; index < count; index++) elements.push(element(this));
    return elements;
  }

  /** A length of -1 stands for null; nothing here tells it from empty. */
  #length(): number {
    const length = this.int();
    if (length < -1) throw new ZooKeeperError("protocol", `the server sent a length of ${length}`);
    return Math.max(length, 0);
  }

  #advance(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw cut();
    this.#at = at + bytes;
    return at;
  }
}

function cut(): ZooKeeperError {
  return new ZooKeeperError("protocol", "the server sent a frame that ends inside a record");
}
