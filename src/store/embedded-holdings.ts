// Presence and leadership in the embedded store: a lock held open for as long as the process lives and wants it.
// Who may hold is decided inside the store's own write transaction, so two that come at once cannot both succeed.
import { setTimeout as delay } from "node:timers/promises";
import { OrchestraError } from "../model/errors.ts";
import { collectionOf, type Key } from "../model/keys.ts";
import type { DocumentTable } from "./embedded-documents.ts";
import { type Lock, pidOf, removeDeadLock, takeLock } from "./embedded-locks.ts";
import { checkKey, encodeValue } from "./encode.ts";
import type { Leadership, Presence } from "./store.ts";

/** How often one that waits to be elected asks whether the leader still lives. */
const electionPollMs = 50;
/** How often what is held is looked after. */
const lookMs = 500;

export interface HoldingsOptions {
  readonly live: string;
  readonly documents: DocumentTable;
  readonly isHeld: (holder: string) => boolean;
  /** Runs a step in a read transaction, as `write` does in a writing one; both reject with an OrchestraError. */
  readonly read: <T>(step: () => T) => Promise<T>;
  readonly write: <T>(step: () => T) => Promise<T>;
  /** Called now and then while anything is held: whether it still means something. */
  readonly look: () => void;
}

export interface Holdings {
  join<T>(key: Key<T>, value: T): Promise<Presence>;
  elect(name: string, stop: AbortSignal): Promise<Leadership>;
  /** Whether this is one of our own locks. */
  has(holder: string): boolean;
  /** Gives up what others can no longer see. */
  checkLocks(): void;
  /** The store under us is another one: what we hold means nothing there. */
  loseAll(): void;
  close(): Promise<void>;
}

interface Holding {
  readonly lock: Lock;
  readonly lost: AbortController;
}

export function openHoldings({ live, documents, isHeld, read, write, look }: HoldingsOptions): Holdings {
  const held = new Map<string, Holding>();
  const endings = new Map<string, () => Promise<void>>();
  let looking: NodeJS.Timeout | undefined;

  /** Takes a lock and lets `record` write it down, in one transaction. Undefined when `record` declines before taking. */
  const hold = async <T>(
    name: string,
    record: (take: () => string) => T,
  ): Promise<{ result: T; holding?: Holding }> => {
    let holding: Holding | undefined;
    const drop = () => {
      if (holding) letGo(holding, "it was never recorded");
      holding = undefined;
    };
    const take = () => {
      holding = { lock: takeLock(live, name), lost: new AbortController() };
      held.set(holding.lock.holder, holding);
      return holding.lock.holder;
    };
    try {
      const result = await write(() => {
        drop(); // Of an attempt that met another writer.
        return record(take);
      });
      looking ??= setInterval(look, lookMs).unref();
      return holding ? { result, holding } : { result };
    } catch (error) {
      drop();
      throw error;
    }
  };

  const letGo = ({ lock, lost }: Holding, why: string) => {
    held.delete(lock.holder);
    endings.delete(lock.holder);
    lock.release();
    lost.abort(new OrchestraError("unavailable", why));
    if (held.size > 0) return;
    clearInterval(looking);
    looking = undefined;
  };

  const join = async <T>(key: Key<T>, value: T): Promise<Presence> => {
    checkKey(key);
    if (collectionOf(key) !== "presence") throw new OrchestraError("bug", `${key} cannot be joined: it is no presence`);
    const json = encodeValue(key, value);
    const { result: before, holding } = await hold(key, (take) => {
      const stored = documents.storedHolder(key);
      if (stored && isHeld(stored.holder)) throw heldByOther(key, stored.holder, stored.json);
      documents.writeEphemeral(key, json, take());
      return stored?.holder;
    });
    if (before !== undefined) removeDeadLock(live, before);
    if (!holding) throw new OrchestraError("bug", `${key} was joined without a lock`);
    const { lock, lost } = holding;
    const leave = async () => {
      if (!held.has(lock.holder)) return;
      try {
        await write(() => documents.removeEphemeral(key, lock.holder));
      } finally {
        letGo(holding, `${key} has left`);
      }
    };
    endings.set(lock.holder, leave);
    return { lost: lost.signal, leave };
  };

  const hasLeader = (name: string) => {
    const leader = documents.electionHolder(name);
    return leader !== undefined && isHeld(leader);
  };

  const tryElect = async (name: string): Promise<Leadership | undefined> => {
    // Who only waits writes nothing, and wakes nobody.
    if (await read(() => hasLeader(name))) return undefined;
    const { result, holding } = await hold(`elections/${name}`, (take) => {
      const before = documents.electionHolder(name);
      return before !== undefined && isHeld(before)
        ? undefined
        : { before, epoch: documents.writeElection(name, take()) };
    });
    if (result === undefined || !holding) return undefined;
    const { before, epoch } = result;
    if (before !== undefined) removeDeadLock(live, before);
    const resign = async () => letGo(holding, `the leader of ${name} has resigned`);
    endings.set(holding.lock.holder, resign);
    return { epoch, signal: holding.lost.signal, resign };
  };

  const lose = (why: string) => {
    for (const holding of [...held.values()]) letGo(holding, why);
  };

  return {
    join,
    async elect(name, stop) {
      checkKey(`elections/${name}`);
      for (;;) {
        stop.throwIfAborted();
        const leadership = await tryElect(name);
        if (leadership && !stop.aborted) return leadership;
        await leadership?.resign();
        // An abort only ends the pause; the loop then throws the signal's own reason.
        await delay(electionPollMs, undefined, { signal: stop }).catch(() => {});
      }
    },
    has: (holder) => held.has(holder),
    checkLocks() {
      for (const holding of [...held.values()]) {
        if (!holding.lock.intact())
          letGo(holding, `the lock ${holding.lock.holder} was deleted: others see it as free`);
      }
    },
    loseAll: () => lose("the store was deleted or replaced"),
    async close() {
      // What cannot be removed now is dead with its lock anyhow.
      await Promise.allSettled([...endings.values()].map((end) => end()));
      lose("the store is closed");
    },
  };
}

function heldByOther(key: string, holder: string, json: string): OrchestraError {
  const name = key.slice(key.indexOf("/") + 1);
  const pid = pidOf(holder);
  return new OrchestraError("conflict", `another process (pid ${pid}) runs as ${name} on this store`, {
    hint: `stop it first ("orchestra down", or kill ${pid}), or give this one another name or store`,
    details: { key, pid, holder: JSON.parse(json) },
  });
}
