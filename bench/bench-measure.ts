// What all benchmarks share: medians, and one JSON line for each figure with its baseline from the same run beside it.

/** Milliseconds that `run` took. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Milliseconds that two processes of one machine count alike. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}

/** The value below which `share` (0…1) of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export interface Figure {
  readonly what: string;
  readonly unit: "ms" | "s" | "per second" | "MB" | "% of a core" | "writes";
  readonly ours: number;
  /** Each measured in the same run, on the same engine. */
  readonly baselines?: Readonly<Record<string, number>>;
  /** Which baseline the target speaks of, and the ratio (ours / baseline) that must not be passed. */
  readonly target?: { readonly baseline: string; readonly atMost: number };
  /** Or an absolute bound, where there is no peer to compare with. */
  readonly bound?: number;
  readonly samples: readonly number[];
}

/** Prints one figure as a JSON line. `met` tells whether its target holds in this run. */
export function report(figure: Figure): void {
  const reference = figure.target && figure.baselines?.[figure.target.baseline];
  const ratio = reference === undefined ? undefined : figure.ours / reference;
  const met =
    figure.target && ratio !== undefined
      ? ratio <= figure.target.atMost
      : figure.bound === undefined
        ? undefined
        : figure.ours <= figure.bound;
  process.stdout.write(`${JSON.stringify({ ...figure, ...(ratio === undefined ? {} : { ratio }), met }, round)}\n`);
}

export interface Samples {
  readonly what: string;
  readonly ours: readonly number[];
  readonly baselines: Readonly<Record<string, readonly number[]>>;
  readonly target: NonNullable<Figure["target"]>;
}

/** Prints the medians of milliseconds. */
export function reportMedians({ what, ours, baselines, target }: Samples): void {
  const medians = Object.fromEntries(Object.entries(baselines).map(([name, samples]) => [name, median(samples)]));
  report({ what, unit: "ms", ours: median(ours), baselines: medians, target, samples: ours });
}

/** Gives the milliseconds of what counts; what it makes ready and clears away around that does not. */
export type Sample = (round: number) => Promise<number>;

export interface Comparison {
  readonly what: string;
  readonly rounds: number;
  readonly ours: Sample;
  readonly baselines: Readonly<Record<string, Sample>>;
  readonly target: Samples["target"];
}

/** Measures every side once in each round, so that what disturbs the machine disturbs all of them, and reports the medians. */
export async function compare({ what, rounds, ours, baselines, target }: Comparison): Promise<void> {
  const samples: number[] = [];
  const theirs = new Map(Object.keys(baselines).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    samples.push(await ours(round));
    for (const [name, sample] of Object.entries(baselines)) theirs.get(name)?.push(await sample(round));
  }
  reportMedians({ what, ours: samples, baselines: Object.fromEntries(theirs), target });
}

/** Reads a whole number from the environment, for counts of rounds. */
export function rounds(fallback: number): number {
  const value = Number(process.env["ORCHESTRA_BENCH_ROUNDS"] ?? fallback);
  return Number.isInteger(value) && value > 0 ? value : fallback;
}

function round(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
