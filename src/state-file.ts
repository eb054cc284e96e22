// A role's own file in the state folder: what it goes on from when the store is away or not the one it knew.
// Written behind the loop's back, never more often than it can matter.
import type { Clock } from "./clock.ts";
import { readIfThere, replaceFile } from "./durable-file.ts";
import type { Log } from "./log.ts";
import { messageOf, OrchestraError } from "./model/errors.ts";

export interface StateFile<T> {
  /** Writes soon what the function then gives; a later one replaces one that is still waiting. */
  save(state: () => T | undefined): void;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

/** What was kept in the file; undefined when there is none yet. Throws `invalid` for a file that is not ours. */
export async function readStateFile<T>(path: string): Promise<T | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new OrchestraError("invalid", `${path} is damaged: ${messageOf(error)}`, {
      hint: "remove it; while the store answers nothing is lost",
      cause: error,
    });
  }
}

interface StateFileOptions {
  /** Two writes are at least so far apart. */
  readonly spacingMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export function openStateFile<T>(path: string, options: StateFileOptions): StateFile<T> {
  return new SpacedStateFile(path, options);
}

class SpacedStateFile<T> implements StateFile<T> {
  readonly #path: string;
  readonly #options: StateFileOptions;
  #waiting: (() => T | undefined) | undefined;
  #written = "";
  #writing: Promise<void> | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #cancel = () => {};
  #failing = false;

  constructor(path: string, options: StateFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  save(state: () => T | undefined): void {
    this.#waiting = state;
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#writing;
    this.#cancel();
    await this.#write();
  }

  #schedule(): void {
    if (this.#writing || this.#waiting === undefined) return;
    const { spacingMs, clock } = this.#options;
    this.#cancel();
    this.#cancel = clock.after(Math.max(0, this.#lastAt + spacingMs - clock.now()), () => {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
        this.#schedule();
      });
    });
  }

  async #write(): Promise<void> {
    const state = this.#waiting?.();
    this.#waiting = undefined;
    if (state === undefined) return;
    const text = JSON.stringify(state);
    if (text === this.#written) return;
    const { clock, log } = this.#options;
    try {
      await replaceFile(this.#path, text);
      this.#written = text;
      this.#failing = false;
    } catch (error) {
      // The store has everything while it is there; without it a full disk is the smaller trouble.
      if (!this.#failing)
        log.warn("the last known state cannot be kept", { path: this.#path, error: messageOf(error) });
      this.#failing = true;
    }
    this.#lastAt = clock.now();
  }
}
