// Looks whether the store behind a connection is the one that it was, before anything else is asked of it; and again and again where that
// cannot be told, or where what is there must not be used: the right store may be put back under the same connection.
import type { ZooKeeper } from "../zookeeper/zookeeper.ts";
import { isInterruption } from "./zookeeper-errors.ts";

export interface VerificationOptions {
  /** Which store it is: a number that rises with each that is not the one before. */
  readonly verify: (client: ZooKeeper) => Promise<number>;
  readonly onVerified: (client: ZooKeeper, store: number) => void;
  /** It is looked again later. `isOpen`: the servers were asked and gave no answer, which says nothing about the store. */
  readonly onFailure: (error: unknown, isOpen: boolean) => void;
}

export interface Verification {
  /** Forgets what was begun before. */
  begin(client: ZooKeeper): void;
  end(): void;
}

/** A server that is overloaded is asked again after the first, doubling up to the second; a store that must not be used is looked at as often as that. */
const againFirstMs = 50;
const againMaxMs = 1_000;

export function openVerification({ verify, onVerified, onFailure }: VerificationOptions): Verification {
  let latest: object | undefined;
  let timer: NodeJS.Timeout | undefined;

  const attempt = async (client: ZooKeeper, round: object, interruptions: number) => {
    const isCurrent = () => latest === round && client.state === "connected";
    try {
      const store = await verify(client);
      if (isCurrent()) onVerified(client, store);
    } catch (error) {
      // A connection that failed is followed by another one.
      if (!isCurrent()) return;
      const isInterrupted = isInterruption(error);
      const ms = isInterrupted ? Math.min(againMaxMs, againFirstMs * 2 ** interruptions) : againMaxMs;
      timer = setTimeout(() => void attempt(client, round, isInterrupted ? interruptions + 1 : 0), ms);
      onFailure(error, isInterrupted);
    }
  };
  return {
    begin(client) {
      clearTimeout(timer);
      latest = {};
      void attempt(client, latest, 0);
    },
    end() {
      clearTimeout(timer);
      latest = undefined;
    },
  };
}
