/** Random bytes as hex digits. The global `crypto` is loaded at the first call: reading a store needs none, and node:crypto costs 6 ms. */
export function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}
