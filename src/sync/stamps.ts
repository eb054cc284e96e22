// Whether a folder is as it was: what a listing tells of each file, without its content. Pure.
import type { FileMarks, Problem } from "../manifest/manifest.ts";

/** A file as the listing found it. */
export interface Seen {
  readonly name: string;
  /** Where a link leads. */
  readonly path: string;
  readonly marks: FileMarks;
}

export interface Listing {
  /** The file system's own clock, in milliseconds, before the first file was looked at. */
  readonly at: number;
  readonly files: readonly Seen[];
  readonly problems: readonly Problem[];
  /** What may hold manifests and was not read. */
  readonly unread: readonly Problem[];
}

/** Times of file systems are this coarse at worst: a file that was written so shortly before it was read may change again and look the same. */
const coarseMs = 2_000;

/** Names what a file held when it was listed; one that was written just then is read once more next time. */
export function stampOf(seen: Seen, at: number): string {
  const { size, dev, ino, mtimeMs, ctimeMs } = seen.marks;
  const stamp = `${seen.path} ${size} ${dev}:${ino} ${mtimeMs} ${ctimeMs}`;
  return isRacy(seen, at) ? `${stamp} at ${at}` : stamp;
}

/** Whether its times cannot tell a change that came right after the listing. */
export function isRacy({ marks }: Seen, at: number): boolean {
  return marks.ctimeMs > at - coarseMs;
}

/** What is wrong beside the files counts too: a link that is mended changes no file. */
export function sameListing(a: Listing, b: Listing): boolean {
  return (
    sameList(a.files, b.files, sameFile) &&
    sameList(a.problems, b.problems, sameProblem) &&
    sameList(a.unread, b.unread, sameProblem)
  );
}

function sameList<T>(a: readonly T[], b: readonly T[], same: (one: T, other: T) => boolean): boolean {
  return a.length === b.length && a.every((one, index) => same(one, b[index] as T));
}

function sameProblem(a: Problem, b: Problem): boolean {
  return a.file === b.file && a.message === b.message;
}

function sameFile(one: Seen, other: Seen): boolean {
  const [a, b] = [one.marks, other.marks];
  return (
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.size === b.size &&
    a.dev === b.dev &&
    a.ino === b.ino &&
    one.name === other.name &&
    one.path === other.path
  );
}
