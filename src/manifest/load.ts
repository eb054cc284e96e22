// Files → manifests and problems: reads bytes, asks the cache, and has the rest parsed and checked.
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type CachedManifest, contentKey, noCache, openCache, type ParseCache } from "./cache.ts";
import { contentOf, placed } from "./content.ts";
import { findFiles, noFile, reasonOf, type Source, stdinName } from "./files.ts";
import { documentsLimit, fileBytesLimit, filesLimit, totalBytesLimit } from "./limits.ts";
import type { LoadedManifest, LoadOptions } from "./loaded.ts";
import type { Problem } from "./problem.ts";

export interface LoadedFiles {
  readonly manifests: readonly LoadedManifest[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Files are read one after another, faster than the engine's thread pool does it; after so many others get their turn. */
const filesPerTurn = 200;

interface Reading {
  readonly cache: ParseCache;
  readonly manifests: LoadedManifest[];
  readonly problems: Problem[];
  readonly onRead: LoadOptions["onRead"];
  bytes: number;
}

export async function loadFiles(
  paths: readonly string[],
  { stdin, cacheDir, onRead }: LoadOptions,
): Promise<LoadedFiles> {
  const found = findFiles(paths);
  // Refused already: what the first twenty thousand say would change nothing.
  const sources = found.sources.length > filesLimit ? [] : found.sources;
  const cache = cacheDir === undefined ? noCache : openCache(cacheDir);
  const reading: Reading = { cache, manifests: [], problems: [...found.problems], onRead, bytes: 0 };
  for (const [index, source] of sources.entries()) {
    if (index % filesPerTurn === filesPerTurn - 1) await setImmediate();
    const bytes = source.path === undefined ? await readStdin(reading, stdin) : readSource(reading, source);
    if (bytes && !(await loadBytes(reading, source.name, bytes))) break;
  }
  cache.save();
  return { manifests: reading.manifests, problems: reading.problems, warnings: found.warnings };
}

function readSource(reading: Reading, { name, path = "" }: Source): Uint8Array | undefined {
  const bytes = readManifestFile(name, path);
  if (bytes instanceof Uint8Array) return bytes;
  reading.problems.push(bytes);
  return undefined;
}

/** The bytes at `path`, or why there are none. */
export function readManifestFile(name: string, path: string): Uint8Array | Problem {
  let file: number | undefined;
  try {
    // Opening a pipe that has taken the file's place since it was found would wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) return { file: name, path: "", message: noFile[0], hint: noFile[1] };
    return stats.size <= fileBytesLimit ? readFileSync(file) : tooLarge(name, stats.size);
  } catch (error) {
    const [message, hint] = reasonOf(error);
    return { file: name, path: "", message, hint };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A file of so many bytes is not read. */
export function tooLarge(file: string, size: number): Problem {
  return { file, path: "", message: `has ${size} bytes, and may have ${fileBytesLimit}`, hint: "split it" };
}

async function readStdin(reading: Reading, stdin: LoadOptions["stdin"]): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stdin ?? []) {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    bytes += chunk.length;
    if (bytes <= fileBytesLimit) continue;
    complain(reading, stdinName, `has more than ${fileBytesLimit} bytes`, "split it");
    return undefined;
  }
  return Buffer.concat(chunks);
}

/** False when no more should be read. */
async function loadBytes(reading: Reading, file: string, bytes: Uint8Array): Promise<boolean> {
  reading.bytes += bytes.length;
  const key = contentKey(bytes);
  reading.onRead?.({ file, sha256: Buffer.from(key, "base64url").toString("hex") });
  const kept = reading.cache.get(key);
  const manifests = kept ?? (await parsed(reading, file, bytes));
  for (const manifest of manifests) reading.manifests.push(placed(file, manifest));
  if (!kept && manifests.length > 0) reading.cache.put(key, manifests);
  if (reading.bytes > totalBytesLimit)
    complain(reading, file, `is where all files together pass ${totalBytesLimit} bytes`, "name fewer files");
  else if (reading.manifests.length > documentsLimit)
    complain(reading, file, `is where all files together pass ${documentsLimit} documents`, "name fewer files");
  else return true;
  return false;
}

/** Nothing of a file with problems. */
async function parsed(reading: Reading, file: string, bytes: Uint8Array): Promise<readonly CachedManifest[]> {
  const { manifests, problems } = await contentOf(file, bytes);
  reading.problems.push(...problems);
  return manifests;
}

function complain(reading: Reading, file: string, message: string, hint: string): void {
  reading.problems.push({ file, path: "", message, hint });
}
