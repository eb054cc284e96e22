// Which file a write-ahead log belongs to. SQLite takes whatever lies beside a file for its log, and would play that of a file which was
// moved away into the one in its place; so what lay together is noted in the folder of locks.
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockFile } from "../kernel-lock.ts";

/** The folder with the locks of the store at `path`. Two names of one file lead to the same one. Throws what the file system throws where there is no file. */
export function liveFolder(path: string): string {
  return `${realpathSync(path)}-live`;
}

/**
 * Removes the log beside the store's file where it was noted beside another file: to be called before SQLite opens it. A log that came with
 * its own file stays. Throws "busy" while another process does the same.
 */
export function discardFormerLog(path: string): void {
  if (!isOfFormer(path)) return;
  const lock = lockFile(join(liveFolder(path), "log.lock"));
  try {
    // Whoever was first has opened the file since, and what lies there now is its log.
    if (!isOfFormer(path)) return;
    for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
    note(path, { file: identityOf(path), log: undefined });
  } finally {
    lock.release();
  }
}

/** Notes what lies together: to be called once SQLite has opened the file. Where that cannot be written the log is not looked after, and nothing else is worse. */
export function noteLog(path: string): void {
  const now = { file: identityOf(path), log: identityOf(`${path}-wal`) };
  const noted = read(path);
  if (noted?.file === now.file && noted?.log === now.log) return;
  note(path, now);
}

interface Pair {
  readonly file: string | undefined;
  readonly log: string | undefined;
}

function isOfFormer(path: string): boolean {
  const noted = read(path);
  if (noted?.log === undefined || noted.file === identityOf(path)) return false;
  return noted.log === identityOf(`${path}-wal`);
}

function note(path: string, pair: Pair): void {
  try {
    const record = join(liveFolder(path), "log");
    const draft = `${record}.${process.pid}.tmp`;
    writeFileSync(draft, JSON.stringify(pair), { mode: 0o600 });
    renameSync(draft, record);
  } catch {
    // A full disk, or a folder of another user: opening the store tells of those.
  }
}

function read(path: string): Pair | undefined {
  try {
    return JSON.parse(readFileSync(join(liveFolder(path), "log"), "utf8")) as Pair;
  } catch {
    return undefined;
  }
}

/** The time of its making too: an inode is used again. */
function identityOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}:${stat.birthtimeMs}`;
}
