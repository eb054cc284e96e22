// How much a random test tries, and the seed of its choices. All from the environment, so that a failure can be repeated.
const asked = process.env["ORCHESTRA_TEST_ROUNDS"] || undefined;

/** There is time: `make soak`. Faults then last as long as they do in earnest. */
export const isSoak = process.env["ORCHESTRA_TEST_SOAK"] === "1";

/** For a test whose rounds are dearer, or must be more, than those of most. Who asks for a number gets that many of every test. */
export function roundsOf(counts: { readonly test: number; readonly soak: number }): number {
  return asked === undefined ? counts[isSoak ? "soak" : "test"] : Number(asked);
}

export const rounds = roundsOf({ test: 10, soak: 50 });
export const seed = Number(process.env["ORCHESTRA_TEST_SEED"] ?? `${Date.now() % 1_000_000}`);

/** Numbers in [0, 1) that are the same for the same seed and name (mulberry32). */
export function randomOf(name: string): () => number {
  let state = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
