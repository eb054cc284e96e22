// What a client of CoreDNS would have seen while something else went on.
import { setTimeout as pause } from "node:timers/promises";
import type { Test, TestCluster } from "./cluster.ts";

/** Asks CoreDNS again and again; the result tells every set of addresses that was answered, in order, without repetitions. */
export function watchAnswers(test: Test, cluster: TestCluster, name: string): () => Promise<string[]> {
  const stop = new AbortController();
  test.after(async () => stop.abort());
  const seen: string[] = [];
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const answer = await cluster.resolve(name).then(
        (addresses) => addresses.join(),
        (error: NodeJS.ErrnoException) => `no answer: ${error.code}`,
      );
      if (seen.at(-1) !== answer) seen.push(answer);
      await pause(20);
    }
  })();
  return async () => {
    stop.abort();
    await watching;
    return seen;
  };
}
