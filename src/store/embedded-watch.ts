// How one process learns of another's commit: every commit touches a file, and the kernel tells (inotify). Nothing is polled but,
// rarely, whether the files are still the same ones: a touch may be lost with its process, and a folder may be deleted.
import { type FSWatcher, statSync, utimesSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The file that is touched; it stays empty. */
const touchedFile = "commits";
/** Without a touch, look this often anyhow. */
const lookMs = 1_000;
/** Where the kernel gives no watch (too many already): look this often instead. */
const lookWithoutWatchMs = 25;

/** Tells every process that watches `folder` to look. Never fails: they look by themselves too. */
export function touch(folder: string): void {
  const path = join(folder, touchedFile);
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    try {
      writeFileSync(path, "", { mode: 0o600 });
    } catch {}
  }
}

/** Calls `look` soon after a touch of `folder`, and now and then besides. The result ends it. Keeps the process alive. */
export function watchTouches(folder: string, look: () => void): () => void {
  let watcher: FSWatcher | undefined;
  let watched: number | undefined;
  let soon: NodeJS.Immediate | undefined;

  const lookSoon = () => {
    soon ??= setImmediate(() => {
      soon = undefined;
      look();
    });
  };
  const unwatch = () => {
    watcher?.close();
    watcher = undefined;
    watched = undefined;
  };
  const ensureWatching = () => {
    const ino = statSync(folder, { throwIfNoEntry: false })?.ino;
    if (ino === watched && watcher) return;
    unwatch();
    if (ino === undefined) return;
    try {
      watcher = watch(folder, lookSoon).on("error", unwatch);
      watched = ino;
    } catch {
      unwatch();
    }
  };

  let timer: NodeJS.Timeout;
  const tick = () => {
    ensureWatching();
    look();
    timer = setTimeout(tick, watcher ? lookMs : lookWithoutWatchMs);
  };
  ensureWatching();
  timer = setTimeout(tick, watcher ? lookMs : lookWithoutWatchMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(soon);
    unwatch();
  };
}
