// How many rounds a random test runs, and the seed of its choices. Both from the environment, so that a failure can be repeated.
const seedText = process.env["ORCHESTRA_TEST_SEED"] ?? `${Date.now() % 1_000_000}`;

export const rounds = Number(process.env["ORCHESTRA_TEST_ROUNDS"] ?? 10);
export const seed = Number(seedText);

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
