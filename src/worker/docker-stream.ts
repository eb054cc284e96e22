// Docker's streams in plain shapes: the eight-byte frames of logs and exec, lines of text, lines of JSON.
import { Transform, type TransformCallback } from "node:stream";
import { StringDecoder } from "node:string_decoder";

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

/** Joins pieces of text into lines, without their line ends. `end` gives what is left over. */
export function lineSplitter(): { push(data: Buffer): string[]; end(): string[] } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const cut = (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  };
  return {
    push: (data) => cut(decoder.write(data)),
    end() {
      const lines = cut(decoder.end());
      if (rest !== "") lines.push(rest);
      rest = "";
      return lines;
    },
  };
}

/** Each line of a stream of JSON lines; chunks are not aligned to lines. A line that is no JSON is skipped. */
export async function* jsonLines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<unknown> {
  const splitter = lineSplitter();
  for await (const chunk of stream) {
    for (const line of splitter.push(Buffer.from(chunk))) {
      const value = parse(line);
      if (value !== undefined) yield value;
    }
  }
}

function parse(line: string): unknown {
  if (line.trim() === "") return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
