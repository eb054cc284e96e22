// Streams of bytes in lines: of text, and of JSON as Docker's engine sends it.
import { StringDecoder } from "node:string_decoder";

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
