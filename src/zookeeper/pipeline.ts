// The requests of one connection that wait for their answers. ZooKeeper answers in order, so the next answer belongs to the oldest of them.
import { ZooKeeperError } from "./errors.ts";
import type { Operation } from "./operations.ts";
import { Queue } from "./queue.ts";
import { Writer } from "./writer.ts";

/** A request that somebody waits for. */
export interface Pending {
  readonly operation: Operation<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ZooKeeperError) => void;
  xid: number;
  bytes: number;
  /** On the scale of `performance.now()`. */
  sentMs: number;
}

/** More in flight only makes answers wait in the server, and each of them stalls the loop longer when they come. */
const inFlightLimit = 256;
const inFlightBytesLimit = 4 * 1024 * 1024;
/** The numbers of requests begin again after this one; negative ones have a meaning of their own. */
const largestXid = 0x7fff_ffff;

export class Pipeline {
  readonly #writer: Writer;
  readonly #output: (buffers: readonly Buffer[]) => void;
  readonly #inFlight = new Queue<Pending>();
  #bytes = 0;
  /** How many of those in flight are still in the writer. */
  #unflushed = 0;
  #flushing = false;
  #ended = false;
  #xid = 0;

  /** `output` gets what one turn of the loop asked for, at the end of that turn. */
  constructor(requestBytesLimit: number, output: (buffers: readonly Buffer[]) => void) {
    this.#writer = new Writer(requestBytesLimit);
    this.#output = output;
  }

  get hasRoom(): boolean {
    return !this.#ended && this.#inFlight.length < inFlightLimit && this.#bytes < inFlightBytesLimit;
  }

  get unansweredSinceMs(): number | undefined {
    return this.#inFlight.peek()?.sentMs;
  }

  /** Only while there is room. A request that cannot be written fails by itself and leaves no trace. */
  send(pending: Pending): void {
    const xid = this.#xid === largestXid ? 1 : this.#xid + 1;
    const { operation } = pending;
    try {
      pending.bytes = this.sendFrame(xid, operation.type, (writer) => operation.write(writer));
    } catch (error) {
      pending.reject(notWritten(error, operation.path));
      return;
    }
    this.#xid = xid;
    pending.xid = xid;
    pending.sentMs = performance.now();
    this.#inFlight.push(pending);
    this.#bytes += pending.bytes;
    this.#unflushed++;
  }

  /** A frame that no caller waits for, or the frame of one. Gives its size. */
  sendFrame(xid: number, type: number, write?: (writer: Writer) => void): number {
    const writer = this.#writer;
    writer.beginFrame();
    try {
      writer.int(xid);
      writer.int(type);
      write?.(writer);
      const bytes = writer.endFrame();
      this.#flushSoon();
      return bytes;
    } catch (error) {
      writer.dropFrame();
      throw error;
    }
  }

  /** Takes out the request that is answered. */
  answer(xid: number): Pending {
    const pending = this.#inFlight.peek();
    if (pending?.xid !== xid) {
      throw new ZooKeeperError("protocol", `the server answered request ${xid}, and ${pending?.xid ?? "none"} is next`);
    }
    this.#inFlight.shift();
    this.#bytes -= pending.bytes;
    return pending;
  }

  /** Ends it. `unanswered` may have been executed, `unsent` have not. */
  drain(): { readonly unanswered: Pending[]; readonly unsent: Pending[] } {
    this.#ended = true;
    const unanswered = this.#inFlight.drain();
    const unsent = unanswered.splice(unanswered.length - Math.min(this.#unflushed, unanswered.length));
    return { unanswered, unsent };
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      if (this.#ended) return;
      this.#unflushed = 0;
      this.#output(this.#writer.take());
    });
  }
}

function notWritten(error: unknown, path: string | undefined): ZooKeeperError {
  const place = path === undefined ? "" : `${path}: `;
  if (error instanceof ZooKeeperError) return new ZooKeeperError(error.code, `${place}${error.message}`, { path });
  const why = error instanceof Error ? error.message : String(error);
  return new ZooKeeperError("bad-arguments", `${place}the request cannot be written: ${why}`, { path, cause: error });
}
