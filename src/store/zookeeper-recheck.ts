// Makes up for events of watches that never came, whoever lost them: now and then it is looked whether anything was written, and only then
// everything is read again. While nothing is written that costs one small request for each collection that is followed.
import { isInterruption } from "./zookeeper-errors.ts";
import { commitsPath, pathOfKey } from "./zookeeper-paths.ts";
import type { Session } from "./zookeeper-session.ts";

export interface RecheckOptions {
  readonly session: Session;
  readonly everyMs: number | undefined;
  /** What is followed: collections and single documents. */
  readonly names: () => readonly string[];
  /** Something was written since the last look, and may have been missed. */
  readonly relist: (name: string) => void;
}

export interface Recheck {
  forget(name: string): void;
  close(): void;
}

const shortestMs = 30_000;

/** Calls `run` later, not for all processes of a cluster at once: nothing that was missed stays so for more than a minute. */
export function recheckLater(everyMs: number | undefined, run: () => void): NodeJS.Timeout {
  return setTimeout(run, (everyMs ?? shortestMs) * (1 + Math.random())).unref();
}

export function openRecheck({ session, everyMs, names, relist }: RecheckOptions): Recheck {
  const seen = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const look = async () => {
    const followed = names();
    if (!session.isUp || followed.length === 0) return;
    const { client } = session;
    const [commits, ...stats] = await Promise.all([
      client.exists(commitsPath),
      ...followed.map((name) => client.exists(pathOfKey(name))),
    ]);
    followed.forEach((name, index) => {
      const stat = stats[index];
      // Every commit is counted; what comes and goes with sessions shows in its collection, what a hand has written in its document.
      const now = [commits?.mzxid, stat?.mzxid, stat?.pzxid].join();
      if (seen.get(name) === now) return;
      seen.set(name, now);
      relist(name);
    });
  };

  const schedule = () => {
    if (isClosed) return;
    timer = recheckLater(everyMs, () => {
      look()
        .catch((error: unknown) => {
          // With the next connection everything is read again anyhow.
          if (!isInterruption(error)) seen.clear();
        })
        .finally(schedule);
    });
  };
  schedule();
  return {
    forget: (name) => void seen.delete(name),
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
