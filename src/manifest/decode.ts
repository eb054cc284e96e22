// Bytes → text. Only UTF-8: a file that is read wrongly would be applied wrongly. Pure.
import { isUtf8 } from "node:buffer";

/** A problem at a line and column, before it is known which file it is of. */
export interface TextProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

/** The text without its byte order mark, or what keeps it from being read as one. */
export function decode(bytes: Uint8Array): string | TextProblem {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { line: 1, column: 1, message: "is UTF-16", hint: "save it as UTF-8" };
  }
  if (!isUtf8(bytes)) {
    return { ...placeIn(validPrefix(bytes)), message: "is not valid UTF-8", hint: "save it as UTF-8" };
  }
  const text = new TextDecoder("utf-8").decode(bytes);
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    return { ...placeIn(text.slice(0, nul)), message: "has a NUL character in it", hint: "save it as UTF-8 text" };
  }
  // No manifest has such a line; what the parser would say of it helps nobody.
  const conflict = text.search(/^<{7} /m);
  if (conflict < 0) return text;
  const hint = "choose between its two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>";
  return { ...placeIn(text.slice(0, conflict)), message: "has a merge conflict in it", hint };
}

/** What stands before the first byte that is no UTF-8. Written back, a replacement character differs from what it replaced. */
function validPrefix(bytes: Uint8Array): string {
  const again = Buffer.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  let length = 0;
  while (length < bytes.length && bytes[length] === again[length]) length += 1;
  return new TextDecoder("utf-8").decode(bytes.subarray(0, length), { stream: true });
}

function placeIn(before: string) {
  const lines = before.split("\n");
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}
