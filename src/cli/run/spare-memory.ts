// Gives memory back to the system after work that needed much more of it than what stays. V8 collects when a program allocates: one that has read
// ten thousand files and then waits for the next change would keep three times what it holds, for days.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "../../clock.ts";

/** So long after the last piece of work nothing more is likely to come at once. */
const restMs = 3_000;
/**
 * A heap of less is not worth a collection: a sync of a few hundred manifests has as much. One of ten thousand has 40 MiB when it is collected, and
 * more than this after each rescan, so that it does not grow from rescan to rescan (`bench/sync.ts`).
 */
const worthBytes = 56 * 1024 * 1024;

/** To be called after each piece of work. */
export function openSpareMemory(clock: Clock): { worked(): void; close(): void } {
  let collect: ((options: object) => void) | undefined;
  let cancel = () => {};
  const rest = () => {
    if (process.memoryUsage().heapTotal < worthBytes) return;
    collect ??= collector();
    // Of the kinds of collection the only one that gives up the pages which it empties.
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
  };
  return {
    worked() {
      cancel();
      cancel = clock.after(restMs, rest);
    },
    close: () => cancel(),
  };
}

/** Node has no other way to ask for a collection than this flag, which may be set late: what it adds is seen by contexts made afterwards. */
function collector(): (options: object) => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
