// Which files `-f` means: reads folders and links, never contents.
import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { Turn } from "../turn.ts";
import { filesLimit, folderDepthLimit } from "./limits.ts";
import { isManifestName, isSkipped } from "./names.ts";
import { compareText, type Problem } from "./problem.ts";

export const stdinName = "stdin";

/** A file to read: as people call it, where it is, and what its file system said of it. */
export interface Source {
  readonly name: string;
  /** Absent, as `marks` are: standard input. */
  readonly path?: string;
  readonly marks?: FileMarks;
}

/** What tells a change of a file. */
export type FileMarks = Pick<Stats, "size" | "dev" | "ino" | "mtimeMs" | "ctimeMs">;

export interface Found {
  readonly sources: readonly Source[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const expected = "name a .yaml, .yml or .json file, a folder, or - for standard input";

/** So few, because a file server may take its time for each. */
const entriesPerPiece = 4;

interface Search {
  readonly sources: Source[];
  readonly problems: Problem[];
  readonly warnings: Problem[];
  /** Real paths of folders that were met: links in a ring end. */
  readonly folders: Set<string>;
  /** Real paths of files that were named, or that links lead to: a file is read once. Those of folders are not among them, because they are many. */
  readonly files: Set<string>;
  /** A folder without manifests is no problem. */
  readonly mayBeEmpty: boolean;
}

/** Every file that the paths mean, in their order; within a folder sorted by name. */
export function findFiles(paths: readonly string[]): Found {
  const search = newSearch(false);
  for (const _piece of steps(search, paths));
  return search;
}

/**
 * Every file of a folder, by its name in it (the folder's own is `.`); there may be none. Beside the rest of the process: a file server may take its
 * time for each. Rejects with the signal's reason.
 */
export async function findFilesInTurns(folder: string, signal: AbortSignal): Promise<Found> {
  const search = newSearch(true);
  const turn = new Turn();
  for (const _piece of addPath(search, folder, ".")) {
    if (!turn.isOver) continue;
    await turn.pass();
    signal.throwIfAborted();
  }
  return search;
}

function newSearch(mayBeEmpty: boolean): Search {
  return { sources: [], problems: [], warnings: [], folders: new Set(), files: new Set(), mayBeEmpty };
}

/** A piece of work, after which others may have their turn. */
type Pieces<T = void> = Generator<void, T>;

function* steps(search: Search, paths: readonly string[]): Pieces {
  if (paths.length === 0) complain(search, "-f", "no manifests are named", expected);
  for (const path of paths) {
    if (path === "-") addNamed(search, "-", { name: stdinName });
    else yield* addPath(search, path, path);
  }
}

/** What is wrong, and what to do. */
type Reason = readonly [message: string, hint: string];
/** A pipe, a socket or a device. Reading one may never end. */
export const noFile: Reason = ["is no ordinary file", "pipe it to -f -"];

function* addPath(search: Search, path: string, name: string): Pieces {
  const reason = yield* tryPath(search, path, name);
  if (reason) complain(search, name === "" ? '""' : name, ...reason);
}

function* tryPath(search: Search, path: string, name: string): Pieces<Reason | undefined> {
  if (path === "") return ["is no path", expected];
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    if (stat.isDirectory()) return yield* addNamedFolder(search, name, real);
    if (!isManifestName(path)) return ["is not called .yaml, .yml or .json", "rename it, or pipe it to -f -"];
    if (!stat.isFile()) return noFile;
    addNamed(search, real, { name, path: real, marks: marksOf(stat) });
    return undefined;
  } catch (error) {
    return danglingLink(path) ?? reasonOf(error);
  }
}

function* addNamedFolder(search: Search, name: string, real: string): Pieces<Reason | undefined> {
  const before = search.problems.length;
  const isNew = !search.folders.has(real);
  const count = yield* addFolder(search, name, real, real, 0);
  if (count > 0 || search.mayBeEmpty || !isNew || search.problems.length > before) return undefined;
  return ["has no .yaml, .yml or .json file in it", "check the path"];
}

/** How many manifests lie in and below a folder. `root` is the one that was named: links may not lead out of it. */
function* addFolder(search: Search, name: string, folder: string, root: string, depth: number): Pieces<number> {
  if (search.folders.has(folder)) return 0;
  search.folders.add(folder);
  if (depth > folderDepthLimit) {
    complain(search, name, `is more than ${folderDepthLimit} folders deep`, "name a folder further down");
    return 0;
  }
  let count = 0;
  const [shownPrefix, prefix] = [prefixOf(name), prefixOf(folder)];
  let asked = 0;
  // Without types: where a file system does not list them, as NFS often does, Node would ask it for one after the other, in one go.
  for (const entry of readdirSync(folder).sort(compareText)) {
    if (search.sources.length > filesLimit) break;
    if (isSkipped(entry)) continue;
    const [shown, path] = [shownPrefix + entry, prefix + entry];
    asked += 1;
    if (asked % entriesPerPiece === 0) yield;
    const stats = statsOf(search, shown, path);
    if (!stats) continue;
    if (!stats.isFile()) count += yield* addEntry(search, shown, path, stats, root, depth);
    else if (isManifestName(shown)) count += addFound(search, path, { name: shown, path, marks: marksOf(stats) });
  }
  return count;
}

/** Of a link its own. Undefined: it has just gone, or what is wrong with it is told. */
function statsOf(search: Search, name: string, path: string): Stats | undefined {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    // What is asked for then is not what is there.
    if (!stats && name.includes("\ufffd")) complain(search, name, "has a name that is not UTF-8", "rename it");
    return stats;
  } catch (error) {
    complain(search, name, ...reasonOf(error));
    return undefined;
  }
}

/** What `join` puts in front of a name; asked once, because it takes longer than all else about a file. */
function prefixOf(folder: string): string {
  return join(folder, "x").slice(0, -1);
}

function* addEntry(
  search: Search,
  name: string,
  path: string,
  stats: Stats,
  root: string,
  depth: number,
): Pieces<number> {
  try {
    yield;
    if (stats.isDirectory()) return yield* addFolder(search, name, path, root, depth + 1);
    if (stats.isSymbolicLink()) return yield* addLink(search, name, path, root, depth);
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
  if (stat.isFile()) return addNamed(search, real, { name, path: real, marks: marksOf(stat) });
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

/** Of ten thousand files all that Node tells of each is much. */
function marksOf({ size, dev, ino, mtimeMs, ctimeMs }: Stats): FileMarks {
  return { size, dev, ino, mtimeMs, ctimeMs };
}

/** One that a folder brings along is read there. */
function addNamed(search: Search, key: string, source: Source): number {
  const name = basename(key);
  if (search.files.has(key)) return 0;
  if (search.folders.has(dirname(key)) && isManifestName(name) && !isSkipped(name)) return 0;
  search.files.add(key);
  return add(search, source);
}

function addFound(search: Search, path: string, source: Source): number {
  return search.files.size > 0 && search.files.has(path) ? 0 : add(search, source);
}

function add(search: Search, source: Source): number {
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
