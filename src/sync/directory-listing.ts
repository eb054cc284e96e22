// What lies in a folder, with what tells a change of each file, but not what is in it. Reads the folder, piece by piece: a slow file server keeps nobody
// waiting for longer than one answer takes.
import { filesLimit } from "../manifest/limits.ts";
import { findFilesInTurns } from "../manifest/manifest.ts";
import type { Listing, Seen } from "./stamps.ts";

/** Rejects with the signal's reason. */
export async function listFolder(path: string, signal: AbortSignal): Promise<Listing> {
  const at = Date.now();
  const { sources, problems, warnings } = await findFilesInTurns(path, signal);
  const isSeen = (one: (typeof sources)[number]): one is Seen => one.path !== undefined && one.marks !== undefined;
  // Refused already: what the first twenty thousand say would change nothing.
  const files = sources.length > filesLimit ? [] : sources.filter(isSeen);
  return { at, files, problems, unread: warnings };
}
