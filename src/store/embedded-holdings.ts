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
  /** Of the file that is there now: to be asked in each step. */
  readonly documents: () => DocumentTable;
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
  isLed(name: string): Promise<boolean>;
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

export function openHoldings(options: HoldingsOptions): Holdings {
  return new LockedHoldings(options);
}

class LockedHoldings implements Holdings {
  readonly #options: HoldingsOptions;
  /** By the holder that stands in the documents. */
  readonly #held = new Map<string, Holding>();
  readonly #endings = new Map<string, () => Promise<void>>();
  #looking: NodeJS.Timeout | undefined;

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  async join<T>(key: Key<T>, value: T): Promise<Presence> {
    checkKey(key);
    if (collectionOf(key) !== "presence") throw new OrchestraError("bug", `${key} cannot be joined: it is no presence`);
    const { live, documents, isHeld } = this.#options;
    const json = encodeValue(key, value);
    const { result: before, holding } = await this.#hold(key, (take) => {
      const stored = documents().storedHolder(key);
      if (stored && isHeld(stored.holder)) throw heldByOther(key, stored.holder, stored.json);
      documents().writeEphemeral(key, json, take());
      return stored?.holder;
    });
    if (before !== undefined) removeDeadLock(live, before);
    if (!holding) throw new OrchestraError("bug", `${key} was joined without a lock`);
    const leave = () => this.#leave(key, holding);
    this.#endings.set(holding.lock.holder, leave);
    return { lost: holding.lost.signal, leave };
  }

  async elect(name: string, stop: AbortSignal): Promise<Leadership> {
    checkKey(`elections/${name}`);
    for (;;) {
      stop.throwIfAborted();
      const leadership = await this.#tryElect(name);
      if (leadership && !stop.aborted) return leadership;
      await leadership?.resign();
      // An abort only ends the pause; the loop then throws the signal's own reason.
      await delay(electionPollMs, undefined, { signal: stop }).catch(() => {});
    }
  }

  async isLed(name: string): Promise<boolean> {
    checkKey(`elections/${name}`);
    return this.#options.read(() => this.#hasLeader(name));
  }

  has(holder: string): boolean {
    return this.#held.has(holder);
  }

  checkLocks(): void {
    for (const holding of [...this.#held.values()]) {
      const { lock } = holding;
      if (!lock.intact()) this.#letGo(holding, `the lock ${lock.holder} was deleted: others see it as free`);
    }
  }

  loseAll(): void {
    this.#lose("the store was deleted or replaced");
  }

  async close(): Promise<void> {
    // What cannot be removed now is dead with its lock anyhow.
    await Promise.allSettled([...this.#endings.values()].map((end) => end()));
    this.#lose("the store is closed");
  }

  async #tryElect(name: string): Promise<Leadership | undefined> {
    const { live, documents, isHeld } = this.#options;
    // Who only waits writes nothing, and wakes nobody.
    if (await this.isLed(name)) return undefined;
    const { result, holding } = await this.#hold(`elections/${name}`, (take) => {
      const before = documents().electionHolder(name);
      return before !== undefined && isHeld(before)
        ? undefined
        : { before, epoch: documents().writeElection(name, take()) };
    });
    if (result === undefined || !holding) return undefined;
    const { before, epoch } = result;
    if (before !== undefined) removeDeadLock(live, before);
    const resign = async () => this.#letGo(holding, `the leader of ${name} has resigned`);
    this.#endings.set(holding.lock.holder, resign);
    return { epoch, signal: holding.lost.signal, resign };
  }

  #hasLeader(name: string): boolean {
    const leader = this.#options.documents().electionHolder(name);
    return leader !== undefined && this.#options.isHeld(leader);
  }

  async #leave<T>(key: Key<T>, holding: Holding): Promise<void> {
    const { holder } = holding.lock;
    if (!this.#held.has(holder)) return;
    try {
      await this.#options.write(() => this.#options.documents().removeEphemeral(key, holder));
    } finally {
      this.#letGo(holding, `${key} has left`);
    }
  }

  /** Takes a lock and lets `record` write it down, in one transaction. Without a holding when `record` declines before taking. */
  async #hold<T>(name: string, record: (take: () => string) => T): Promise<{ result: T; holding?: Holding }> {
    const { live, write, look } = this.#options;
    let holding: Holding | undefined;
    const drop = () => {
      if (holding) this.#letGo(holding, "it was never recorded");
      holding = undefined;
    };
    const take = () => {
      holding = { lock: takeLock(live, name), lost: new AbortController() };
      this.#held.set(holding.lock.holder, holding);
      return holding.lock.holder;
    };
    try {
      const result = await write(() => {
        drop(); // Of an attempt that met another writer.
        return record(take);
      });
      this.#looking ??= setInterval(look, lookMs).unref();
      return holding ? { result, holding } : { result };
    } catch (error) {
      drop();
      throw error;
    }
  }

  #letGo({ lock, lost }: Holding, why: string): void {
    this.#held.delete(lock.holder);
    this.#endings.delete(lock.holder);
    lock.release();
    lost.abort(new OrchestraError("unavailable", why));
    if (this.#held.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #lose(why: string): void {
    for (const holding of [...this.#held.values()]) this.#letGo(holding, why);
  }
}

function heldByOther(key: string, holder: string, json: string): OrchestraError {
  const name = key.slice(key.indexOf("/") + 1);
  const pid = pidOf(holder);
  return new OrchestraError("conflict", `another process (pid ${pid}) runs as ${name} on this store`, {
    hint: `stop it first ("orchestra down", or kill ${pid}), or give this one another name or store`,
    details: { key, pid, holder: JSON.parse(json) },
  });
}
