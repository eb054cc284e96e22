// What a benchmark has started and made is ended in every case: when it is done, when it fails, and when a signal ends it.
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const open = new Set<() => Promise<void>>();

/** Gives `end` as a function that does its work once. A signal calls what has not been called by then, the newest first. */
export function ending(end: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  const once = () => {
    done ??= end().finally(() => open.delete(once));
    return done;
  };
  open.add(once);
  return once;
}

/** A folder of the benchmark's own, gone when it ends. */
export async function benchFolder(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "orchestra-bench-"));
  return { folder, remove: ending(() => rm(folder, { recursive: true, force: true })) };
}

async function endAll(signal: NodeJS.Signals): Promise<void> {
  // The benchmark goes on meanwhile, and fails for want of what is ended here: no news, and no reason to leave the rest.
  process.on("uncaughtException", () => {});
  for (const end of [...open].reverse()) {
    await end().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  }
  process.exit(128 + constants.signals[signal]);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void endAll(signal));
// Nobody reads the figures any more.
process.stdout.once("error", () => void endAll("SIGPIPE"));
