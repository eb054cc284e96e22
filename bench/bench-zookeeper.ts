// What benchmarks of ZooKeeper share: a server, processes that work on it one at a time, and how they are told to.
import { fork } from "node:child_process";
import { once } from "node:events";
import { type RunningZooKeeper, startZooKeeper } from "../test/support/zookeeper-server.ts";

/** How many requests wait for their replies at a time. */
export const inFlight = 256;

/** A server that is as fast as it can be: what is measured is in front of it, not its disk, nor its threads that wait for each other. */
export function startBenchServer(): Promise<RunningZooKeeper> {
  const threads = ["-Dzookeeper.nio.numWorkerThreads=0", "-Dzookeeper.nio.numSelectorThreads=1"];
  return startZooKeeper({ tickMs: 2_000, java: ["-Xmx512m", "-XX:TieredStopAtLevel=4", ...threads] });
}

/** Calls `run` with 0 … count - 1, always so many at a time. */
export async function pipelined(count: number, run: (index: number) => Promise<unknown>, width = inFlight) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next += 1;
      await run(next - 1);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

export interface BenchProcess {
  /** Has it do one thing; resolves with its answer. */
  ask(order: string): Promise<number>;
  end(): Promise<void>;
}

/** Starts `file` once more, with these arguments, to `obey`. */
export async function startBenchProcess(file: string, args: readonly string[]): Promise<BenchProcess> {
  const child = fork(file, args);
  // Ends the wait for an answer that does not come.
  child.once("exit", (code) => code !== 0 && child.emit("error", new Error(`${args[0]} has ended`)));
  const answer = async () => Number((await once(child, "message"))[0]);
  await answer();
  return {
    ask(order) {
      child.send(order);
      return answer();
    },
    async end() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

/** The other end: answers each order with what `run` resolves with, and ends with its parent. */
export function obey(run: (order: string) => Promise<number>): void {
  process.on("message", async (order) => process.send?.(await run(String(order))));
  process.on("disconnect", () => process.exit());
  process.send?.(0);
}
