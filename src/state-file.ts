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

/** `spacingMs`: two writes are at least so far apart. */
export function openStateFile<T>(
  path: string,
  { spacingMs, clock, log }: { readonly spacingMs: number; readonly clock: Clock; readonly log: Log },
): StateFile<T> {
  let waiting: (() => T | undefined) | undefined;
  let written = "";
  let writing: Promise<void> | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let cancel = () => {};
  let failing = false;

  const write = async () => {
    const state = waiting?.();
    waiting = undefined;
    if (state === undefined) return;
    const text = JSON.stringify(state);
    if (text === written) return;
    try {
      await replaceFile(path, text);
      written = text;
      failing = false;
    } catch (error) {
      // The store has everything while it is there; without it a full disk is the smaller trouble.
      if (!failing) log.warn("the last known state cannot be kept", { path, error: messageOf(error) });
      failing = true;
    }
    lastAt = clock.now();
  };

  const schedule = () => {
    if (writing || waiting === undefined) return;
    cancel();
    cancel = clock.after(Math.max(0, lastAt + spacingMs - clock.now()), () => {
      writing ??= write().finally(() => {
        writing = undefined;
        schedule();
      });
    });
  };

  return {
    save(state) {
      waiting = state;
      schedule();
    },
    async close() {
      cancel();
      await writing;
      cancel();
      await write();
    },
  };
}
