// A document as the bytes of its node: its JSON, and behind it the mark of the commit that wrote it. Pure.
// The mark tells after a lost reply whether a node was written by our commit or by somebody's whose text is the same, as two
// that count the same counter. It is spaces and tabs: every program that reads JSON passes over them, and people do not see them.

/** Bits of a mark: met by chance only once in four thousand million lost replies. */
const markBits = 32;

/** What stands behind each document's JSON. `mark` is eight hex digits, random for each commit. */
export function blanksOf(mark: string): string {
  const bits = Number.parseInt(mark, 16).toString(2).padStart(markBits, "0");
  return bits.replaceAll("0", " ").replaceAll("1", "\t");
}

/** The bytes that the mark adds to each document. */
export const markBytes = markBits;

/** The JSON, for parsing: the mark is no trouble for it. */
export function decodeText(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
}

/** The value, or undefined for what is no JSON. */
export function parseText<T>(data: Uint8Array): T | undefined {
  try {
    return JSON.parse(decodeText(data)) as T;
  } catch {
    return undefined;
  }
}

/** Whether this text was written by the commit with this mark. */
export function hasMark(data: Uint8Array, mark: string): boolean {
  return decodeText(data).endsWith(blanksOf(mark));
}

/** The JSON without the mark, for comparing. */
export function jsonOf(data: Uint8Array): string {
  return decodeText(data).trimEnd();
}
