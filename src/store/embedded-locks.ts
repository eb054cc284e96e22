// Locks that the kernel frees with their process: an exclusive transaction held open on an empty database of its own.
// Each holding gets a new file, so a lock that is held always belongs to the document that names it.
import { closeSync, lstatSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { isBusy, type KernelLock, lockFile } from "../kernel-lock.ts";
import { cannotOpen } from "./embedded-errors.ts";
import { randomHex } from "./random-hex.ts";

export interface Lock {
  /** What others probe: the name of the lock's file. */
  readonly holder: string;
  /** False: the file was deleted or replaced, so others see the lock as free. */
  intact(): boolean;
  release(): void;
}

/** Takes a new lock in `folder`. Nobody else can know it yet, so there is no waiting. */
export function takeLock(folder: string, name: string): Lock {
  const holder = `${encodeURIComponent(name)}.${process.pid}-${randomHex(4)}`;
  const path = join(folder, holder);
  closeSync(openSync(path, "wx", 0o600));
  const { ino } = statSync(path);
  const lock = lockNew(path);
  return {
    holder,
    intact: () => statSync(path, { throwIfNoEntry: false })?.ino === ino,
    release() {
      rmSync(path, { force: true });
      lock.release();
    },
  };
}

function lockNew(path: string): KernelLock {
  try {
    return lockFile(path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Deletes the file that a killed process left; only for a holder that was recorded and is not held: before that it is just being taken. */
export function removeDeadLock(folder: string, holder: string): void {
  try {
    rmSync(join(folder, holder), { force: true });
  } catch {
    // It only takes room.
  }
}

/** The process that took the lock, for messages. */
export function pidOf(holder: string): number {
  return Number(/\.(\d+)-[0-9a-f]+$/.exec(holder)?.[1]);
}

/**
 * A hundred times cheaper than asking for the lock, and right as long as no process has got the number of a dead one, so the lock
 * itself is asked too, but seldom. In another process namespace everyone seems dead, and the lock is asked at once.
 */
export function isAlive(holder: string): boolean {
  try {
    return process.kill(pidOf(holder), 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Asks whether locks in `folder` are held, by this process or another; keeps the files of held ones open, because it is asked often. */
export interface Prober {
  isHeld(holder: string): boolean;
  close(): void;
}

export function openProber(folder: string): Prober {
  const opened = new Map<string, DatabaseSync>();
  const forget = (holder: string) => {
    opened.get(holder)?.close();
    opened.delete(holder);
  };
  return {
    isHeld(holder) {
      const path = join(folder, holder);
      // Its holder deletes it when it lets go, a successor when its holder was killed.
      if (!lstatSync(path, { throwIfNoEntry: false })) {
        forget(holder);
        return false;
      }
      try {
        const database = opened.get(holder) ?? openReadOnly(path);
        opened.set(holder, database);
        database.exec("SELECT 1 FROM sqlite_schema");
        forget(holder);
        return false;
      } catch (error) {
        if (isBusy(error)) return true;
        forget(holder);
        if (cannotOpen(error) && !lstatSync(path, { throwIfNoEntry: false })) return false;
        throw error;
      }
    },
    close() {
      for (const holder of [...opened.keys()]) forget(holder);
    },
  };
}

function openReadOnly(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set("mode", "ro");
  return new DatabaseSync(url, { timeout: 0, readOnly: true });
}
