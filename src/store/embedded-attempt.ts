// Waiting for a lock of SQLite: outside of it, so that the event loop goes on. Touches only what the step touches.
import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "../kernel-lock.ts";
import { stillBusy, translateError } from "./embedded-errors.ts";

/** Others commit in milliseconds: who waits longer than this waits for a process that hangs. */
const busyLimitSeconds = 15;
/** The longest pause between two attempts, about one commit on a slow disk. */
export const busyPauseMs = 16;

/** Runs one step, again and again while another process holds the lock it needs. Throws OrchestraErrors only. */
export async function attempt<T>(path: string, step: () => T): Promise<T> {
  const end = performance.now() + busyLimitSeconds * 1000;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, busyPauseMs)) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error)) throw translateError(error, path);
      if (performance.now() > end) throw stillBusy(path, busyLimitSeconds);
    }
    // Random, so that processes that met once do not meet again in step.
    await delay(0.5 + Math.random() * pauseMs);
  }
}
