// The worker's own file: the last known state. Written behind the loop's back, never more often than it can matter.
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { readIfThere, replaceFile } from "../durable-file.ts";
import type { Log } from "../log.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";
import type { LastKnown } from "./last-known.ts";

/** A start of many pods changes the memory with each of them; one write a quarter second is enough to go on from. */
const spacingMs = 250;

export interface Disk {
  /** Writes soon what the function then gives; a later one replaces one that is still waiting. */
  save(known: () => LastKnown | undefined): void;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

export function lastKnownPath(folder: string): string {
  return join(folder, "worker.json");
}

/** What the last worker of this cluster kept here; undefined at the first start. Throws `invalid` for a file that is not ours. */
export async function readLastKnown(folder: string): Promise<LastKnown | undefined> {
  const path = lastKnownPath(folder);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as LastKnown;
  } catch (error) {
    throw new OrchestraError("invalid", `${path} is damaged: ${messageOf(error)}`, {
      hint: "remove it; while the store answers nothing is lost",
      cause: error,
    });
  }
}

export function openDisk(folder: string, clock: Clock, log: Log): Disk {
  const path = lastKnownPath(folder);
  let waiting: (() => LastKnown | undefined) | undefined;
  let written = "";
  let writing: Promise<void> | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let cancel = () => {};
  let failing = false;

  const write = async () => {
    const known = waiting?.();
    waiting = undefined;
    if (known === undefined) return;
    const text = JSON.stringify(known);
    if (text === written) return;
    try {
      await replaceFile(path, text);
      written = text;
      failing = false;
    } catch (error) {
      // The store has everything while it is there; without it a full disk is the smaller trouble.
      if (!failing) log.warn("the worker cannot keep its last known state", { path, error: messageOf(error) });
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
    save(known) {
      waiting = known;
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
