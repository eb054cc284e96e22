// The eight-byte frames of Docker's logs and exec in a plain shape.
import { Transform, type TransformCallback } from "node:stream";

export interface Frame {
  readonly stream: "stdout" | "stderr";
  readonly data: Buffer;
}

const headerBytes = 8;

/** Multiplexed bytes in, frames out. The client's own demultiplexer ignores back-pressure and never ends its outputs. */
export function demultiplex(): Transform {
  let pending: Buffer = Buffer.alloc(0);
  return new Transform({
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let at = 0;
      while (pending.length - at >= headerBytes) {
        const size = pending.readUInt32BE(at + 4);
        if (pending.length - at < headerBytes + size) break;
        const data = pending.subarray(at + headerBytes, at + headerBytes + size);
        this.push({ stream: pending[at] === 2 ? "stderr" : "stdout", data } satisfies Frame);
        at += headerBytes + size;
      }
      pending = pending.subarray(at);
      done();
    },
  });
}
