// The epochs that this process was elected with: what a leader's commit is checked against, and that none goes out after its leadership has ended.
import { OrchestraError } from "../model/errors.ts";
import { epochKey } from "../model/keys.ts";
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { deposed } from "./encode.ts";
import { isZooKeeperError } from "./zookeeper-errors.ts";
import { pathOfKey } from "./zookeeper-paths.ts";
import { parseText } from "./zookeeper-text.ts";

export const epochPath = pathOfKey(epochKey);

export interface Leaders {
  /** `counter` is that of the epoch's node, as the election left it. */
  began(epoch: number, counter: number, signal: AbortSignal): void;
  /** The counter that must still hold for a commit with this epoch, or the conflict: another has been elected, or this leadership has ended. */
  counterOf(epoch: number, client: ZooKeeper): Promise<number | OrchestraError> | number | OrchestraError;
}

export function knownLeaders(): Leaders {
  const led = new Map<number, { readonly counter: number; readonly signal: AbortSignal }>();
  return {
    began(epoch, counter, signal) {
      // Whoever names an ended epoch gets its answer from the store, so old ones need not be kept for ever.
      for (const [old, { signal: ended }] of led) if (ended.aborted && led.size > 8) led.delete(old);
      led.set(epoch, { counter, signal });
    },
    counterOf(epoch, client) {
      const leader = led.get(epoch);
      if (!leader) return lookUp(epoch, client);
      if (leader.signal.aborted) return ended(epoch);
      return leader.counter;
    },
  };
}

/** Undefined before the first election. */
export async function readEpoch(client: ZooKeeper): Promise<{ epoch: number; counter: number } | undefined> {
  try {
    const { data, stat } = await client.getData(epochPath);
    // Should somebody have damaged it: its own counter has risen with every leader too.
    const epoch = parseText<{ readonly epoch: number }>(data)?.epoch ?? stat.version + 1;
    return { epoch, counter: stat.version };
  } catch (error) {
    if (isZooKeeperError(error, "no-node")) return undefined;
    throw error;
  }
}

async function lookUp(epoch: number, client: ZooKeeper): Promise<number | OrchestraError> {
  const found = await readEpoch(client);
  return found?.epoch === epoch ? found.counter : deposed(epoch, found?.epoch);
}

function ended(epoch: number): OrchestraError {
  return new OrchestraError("conflict", `this process no longer leads (its epoch was ${epoch})`, {
    details: { key: epochKey, expected: epoch },
  });
}
