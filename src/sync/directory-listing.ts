// What lies in a folder, with what tells a change of each file, but not what is in it. Reads the folder, piece by piece: a slow file server keeps nobody
// waiting for longer than one answer takes.
import { statSync } from "node:fs";
import { filesLimit } from "../manifest/limits.ts";
import { findFilesInTurns, type Problem } from "../manifest/manifest.ts";
import { Turn } from "../turn.ts";
import type { Listing, Seen } from "./stamps.ts";

/** Rejects with the signal's reason. */
export async function listFolder(path: string, signal: AbortSignal): Promise<Listing> {
  const at = Date.now();
  const found = await findFilesInTurns([path], { mayBeEmpty: true, signal });
  const prefix = path.endsWith("/") ? path.length : path.length + 1;
  const short = (name: string) => (name === path ? "." : name.slice(prefix));
  // Refused already: what the first twenty thousand say would change nothing.
  const sources = found.sources.length > filesLimit ? [] : found.sources;
  const files: Seen[] = [];
  const turn = new Turn();
  for (const source of sources) {
    files.push(seen(short(source.name), source.path ?? ""));
    if (!turn.isOver) continue;
    await turn.pass();
    signal.throwIfAborted();
  }
  const shorten = (all: readonly Problem[]) => all.map((one) => ({ ...one, file: short(one.file) }));
  return { at, files, problems: shorten(found.problems), unread: shorten(found.warnings) };
}

/** One that has gone since it was found, or that we may not look at, is told with its reason by whoever reads it. */
function seen(name: string, path: string): Seen {
  try {
    const { size, dev, ino, mtimeMs, ctimeMs } = statSync(path);
    return { name, path, size, dev, ino, mtimeMs, ctimeMs };
  } catch (error) {
    const { errno = -1 } = error as NodeJS.ErrnoException;
    return { name, path, size: errno, dev: 0, ino: 0, mtimeMs: 0, ctimeMs: 0 };
  }
}
