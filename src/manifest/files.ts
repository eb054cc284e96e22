// Which files `-f` means: reads folders and links, never contents.
import { type Dirent, opendirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { Turn } from "../turn.ts";
import { filesLimit, folderDepthLimit } from "./limits.ts";
import { isManifestName, isSkipped } from "./names.ts";
import { compareText, type Problem } from "./problem.ts";

export const stdinName = "stdin";

/** A file to read: as people call it, and where it is. */
export interface Source {
  readonly name: string;
  /** Absent: standard input. */
  readonly path?: string;
}

export interface Found {
  readonly sources: readonly Source[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const expected = "name a .yaml, .yml or .json file, a folder, or - for standard input";

/** So few, because a file server may take its time for each. */
const entriesPerPiece = 8;

interface Search {
  readonly sources: Source[];
  readonly problems: Problem[];
  readonly warnings: Problem[];
  /** Real paths of files and folders that were met: named twice, a file is read once, and links in a ring end. */
  readonly seen: Set<string>;
  /** A folder without manifests is no problem. */
  readonly mayBeEmpty: boolean;
}

/** Every file that the paths mean, in their order; within a folder sorted by name. `mayBeEmpty`: a folder without any is no problem. */
export function findFiles(paths: readonly string[], { mayBeEmpty = false } = {}): Found {
  const search: Search = { sources: [], problems: [], warnings: [], seen: new Set(), mayBeEmpty };
  for (const _piece of steps(search, paths));
  return search;
}

/** The same beside the rest of the process: a file server may take its time for each folder and link. Rejects with the signal's reason. */
export async function findFilesInTurns(
  paths: readonly string[],
  { mayBeEmpty, signal }: { readonly mayBeEmpty: boolean; readonly signal: AbortSignal },
): Promise<Found> {
  const search: Search = { sources: [], problems: [], warnings: [], seen: new Set(), mayBeEmpty };
  const turn = new Turn();
  for (const _piece of steps(search, paths)) {
    if (!turn.isOver) continue;
    await turn.pass();
    signal.throwIfAborted();
  }
  return search;
}

/** A piece of work, after which others may have their turn. */
type Pieces<T = void> = Generator<void, T>;

function* steps(search: Search, paths: readonly string[]): Pieces {
  if (paths.length === 0) complain(search, "-f", "no manifests are named", expected);
  for (const path of paths) {
    if (path === "-") addOnce(search, "-", { name: stdinName });
    else yield* addPath(search, path);
  }
}

/** What is wrong, and what to do. */
type Reason = readonly [message: string, hint: string];
/** A pipe, a socket or a device. Reading one may never end. */
export const noFile: Reason = ["is no ordinary file", "pipe it to -f -"];

function* addPath(search: Search, path: string): Pieces {
  const reason = yield* tryPath(search, path);
  if (reason) complain(search, path === "" ? '""' : path, ...reason);
}

function* tryPath(search: Search, path: string): Pieces<Reason | undefined> {
  if (path === "") return ["is no path", expected];
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    if (stat.isDirectory()) return yield* addNamedFolder(search, path, real);
    if (!isManifestName(path)) return ["is not called .yaml, .yml or .json", "rename it, or pipe it to -f -"];
    if (!stat.isFile()) return noFile;
    addOnce(search, real, { name: path, path: real });
    return undefined;
  } catch (error) {
    return danglingLink(path) ?? reasonOf(error);
  }
}

function* addNamedFolder(search: Search, path: string, real: string): Pieces<Reason | undefined> {
  const before = search.problems.length;
  const isNew = !search.seen.has(real);
  const count = yield* addFolder(search, path, real, real, 0);
  if (count > 0 || search.mayBeEmpty || !isNew || search.problems.length > before) return undefined;
  return ["has no .yaml, .yml or .json file in it", "check the path"];
}

/** How many manifests lie in and below a folder. `root` is the one that was named: links may not lead out of it. */
function* addFolder(search: Search, name: string, folder: string, root: string, depth: number): Pieces<number> {
  if (search.seen.has(folder)) return 0;
  search.seen.add(folder);
  if (depth > folderDepthLimit) {
    complain(search, name, `is more than ${folderDepthLimit} folders deep`, "name a folder further down");
    return 0;
  }
  let count = 0;
  const [shownPrefix, prefix] = [prefixOf(name), prefixOf(folder)];
  for (const entry of yield* entriesOf(folder)) {
    if (search.sources.length > filesLimit) break;
    if (isSkipped(entry.name)) continue;
    const [shown, path] = [shownPrefix + entry.name, prefix + entry.name];
    if (!entry.isFile()) count += yield* addEntry(search, shown, path, entry, root, depth);
    else if (isManifestName(shown)) count += addOnce(search, path, { name: shown, path });
  }
  return count;
}

/** What `join` puts in front of a name; asked once, because it takes longer than all else about a file. */
function prefixOf(folder: string): string {
  return join(folder, "x").slice(0, -1);
}

/** Sorted by name. A file system that does not list what each is, as NFS often does, is asked for one after the other. */
function* entriesOf(folder: string): Pieces<readonly Dirent[]> {
  const entries: Dirent[] = [];
  const listed = opendirSync(folder, { bufferSize: entriesPerPiece });
  try {
    for (let entry = listed.readSync(); entry; entry = listed.readSync()) {
      if (entries.push(entry) % entriesPerPiece === 0) yield;
    }
  } finally {
    listed.closeSync();
  }
  return entries.sort((a, b) => compareText(a.name, b.name));
}

function* addEntry(
  search: Search,
  name: string,
  path: string,
  entry: Dirent,
  root: string,
  depth: number,
): Pieces<number> {
  try {
    yield;
    if (entry.isDirectory()) return yield* addFolder(search, name, path, root, depth + 1);
    if (entry.isSymbolicLink()) return yield* addLink(search, name, path, root, depth);
    if (isManifestName(name)) complain(search, name, ...noFile);
  } catch (error) {
    const dangling = danglingLink(path);
    // What it led to might have been a folder of manifests, so it is not passed over in silence; most often it is nothing to us.
    if (dangling && !isManifestName(name)) warn(search, name, `is not read: it ${dangling[0]}`, dangling[1]);
    else complain(search, name, ...(dangling ?? reasonOf(error)));
  }
  return 0;
}

function* addLink(search: Search, name: string, path: string, root: string, depth: number): Pieces<number> {
  const real = realpathSync(path);
  const stat = statSync(real);
  const mayBeManifest = !stat.isDirectory() && isManifestName(name);
  if (!mayBeManifest && !stat.isDirectory()) return 0;
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    warn(search, name, "is not read: it is a link that leads out of the folder", "name its target with -f");
    return 0;
  }
  if (!mayBeManifest) return yield* addFolder(search, name, real, root, depth + 1);
  if (stat.isFile()) return addOnce(search, real, { name, path: real });
  complain(search, name, ...noFile);
  return 0;
}

/** Undefined: it is no link, or leads somewhere. */
function danglingLink(path: string): Reason | undefined {
  try {
    statSync(path);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") return reasonOf(error);
  }
  try {
    return [`is a link to ${readlinkSync(path)}, which does not exist`, "mend the link or remove it"];
  } catch {
    return undefined;
  }
}

function addOnce(search: Search, key: string, source: Source): number {
  if (search.seen.has(key)) return 0;
  search.seen.add(key);
  search.sources.push(source);
  if (search.sources.length === filesLimit + 1)
    complain(search, source.name, `is one more than the ${filesLimit} files that are read`, "name fewer");
  return 1;
}

function complain(search: Search, file: string, message: string, hint: string): void {
  search.problems.push({ file, path: "", message, hint });
}

function warn(search: Search, file: string, message: string, hint: string): void {
  search.warnings.push({ file, path: "", message, hint });
}

/** An error of the file system in words. */
export function reasonOf(error: unknown): Reason {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
      return ["there is no such file or folder", "check the path"];
    case "EACCES":
    case "EPERM":
      return ["may not be read by this user", "check its permissions"];
    case "ELOOP":
      return ["is a link that leads to itself", "remove the link"];
    default:
      return [`cannot be read (${code ?? String(error)})`, "check the disk and the path"];
  }
}
