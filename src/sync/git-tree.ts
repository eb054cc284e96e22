// The files of a commit, as git lists them: which are manifests, and which cannot be read. Pure.
import { fileBytesLimit, filesLimit, totalBytesLimit } from "../manifest/limits.ts";
import type { Problem } from "../manifest/manifest.ts";
import { isManifestName, isSkipped } from "../manifest/names.ts";

export interface Blob {
  /** Below the folder that is followed. */
  readonly name: string;
  /** Of its content. */
  readonly id: string;
}

export interface GitListing {
  readonly blobs: readonly Blob[];
  readonly problems: readonly Problem[];
  /** What may hold manifests and is not read. */
  readonly unread: readonly Problem[];
}

/** What git gives of its own mirror is not as it should be: something in it is lost, and a new one has it again. */
export class MirrorDamage extends Error {}

/** How git calls a folder, a link and a submodule. */
export const folderMode = "040000";
const linkMode = "120000";
const submoduleMode = "160000";

interface Entry extends Blob {
  readonly mode: string;
  readonly bytes: number;
}

/** Of `git ls-tree -r -z -l`. Throws `MirrorDamage` where a line cannot be read: of a file that is lost git tells no size, and calls that no error. */
export function listingOf(output: string): GitListing {
  const blobs: Blob[] = [];
  const problems: Problem[] = [];
  const unread: Problem[] = [];
  const names = new Set<string>();
  let total = 0;
  for (const { mode, id, bytes, name } of entriesOf(output)) {
    if (name.split("/").some(isSkipped)) continue;
    const problem = (message: string, hint: string): Problem => ({ file: name, path: "", message, hint });
    if (mode === submoduleMode)
      problems.push(problem("is a submodule, which is not read", "put its files into this repository"));
    else if (mode === linkMode) {
      const link = problem("is a link, which is not read from Git", "put the file itself in its place");
      (isManifestName(name) ? problems : unread).push(link);
    } else if (!isManifestName(name)) continue;
    else if (bytes > fileBytesLimit)
      problems.push(problem(`has ${bytes} bytes, and may have ${fileBytesLimit}`, "split it"));
    // Two names that are not UTF-8 may look the same, and one file would stand for both.
    else if (name.includes("\ufffd")) problems.push(problem("has a name that is not UTF-8", "rename it"));
    else if (names.has(name)) problems.push(problem("is there twice in one commit", "make the commit anew with git"));
    else {
      names.add(name);
      total += bytes;
      blobs.push({ name, id });
    }
  }
  const limit = limitProblem(blobs.length, total);
  return limit ? { blobs: [], problems: [...problems, limit], unread } : { blobs, problems, unread };
}

function* entriesOf(output: string): Generator<Entry> {
  for (const line of output.split("\0")) {
    if (line === "") continue;
    const [, mode, id, size, name] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
    if (mode === undefined || id === undefined || name === undefined) {
      throw new MirrorDamage(`git does not tell of a file in it: ${line}`);
    }
    yield { mode, id, bytes: size === "-" ? 0 : Number(size), name };
  }
}

function limitProblem(files: number, bytes: number): Problem | undefined {
  const problem = (message: string) => ({ file: ".", path: "", message, hint: "follow a folder in it" });
  if (files > filesLimit) return problem(`has ${files} manifests, and ${filesLimit} are read`);
  if (bytes > totalBytesLimit) return problem(`has ${bytes} bytes of manifests, and may have ${totalBytesLimit}`);
  return undefined;
}

/** What stands at a place in a commit: of `git ls-tree -z COMMIT PLACE`. Undefined: nothing does. */
export function entryOf(output: string): { readonly mode: string; readonly id: string } | undefined {
  if (output === "") return undefined;
  const [, mode, id] = /^(\d+) \w+ ([0-9a-f]+)\t/.exec(output) ?? [];
  if (mode === undefined || id === undefined) throw new MirrorDamage(`git does not tell what is in it: ${output}`);
  return { mode, id };
}

/** Where what is followed is no folder in the commit, but something of this mode. */
export function noFolder(path: string, mode: string): GitListing {
  const [message, hint] = noFolders[mode] ?? ["is no folder", "follow the one that it lies in"];
  return { blobs: [], problems: [{ file: path, path: "", message, hint }], unread: [] };
}

const noFolders: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  [linkMode]: ["is a link, which is not read from Git", "follow the folder that it leads to"],
  [submoduleMode]: ["is a submodule, which is not read", "follow a folder in its own repository"],
};

/** Of `git cat-file --batch`, in the order of the request. Throws `MirrorDamage` where one is missing, or cut off. */
export function contentsOf(output: Uint8Array, ids: readonly string[]): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  let at = 0;
  for (const id of ids) {
    const end = output.indexOf(0x0a, at);
    const [, found, size] = /^([0-9a-f]+) blob (\d+)$/.exec(Buffer.from(output.subarray(at, end)).toString()) ?? [];
    const begin = end + 1;
    at = begin + Number(size) + 1;
    if (end < 0 || found !== id || !(at <= output.length))
      throw new MirrorDamage(`git does not give the content of ${id}`);
    contents.set(id, output.subarray(begin, at - 1));
  }
  return contents;
}

/** The content itself, or why it is none: what Git LFS leaves in the repository only says where the content is. */
export function ownContent(name: string, bytes: Uint8Array): Uint8Array | Problem {
  if (!Buffer.from(bytes.subarray(0, 64)).toString("latin1").startsWith(lfsPointer)) return bytes;
  const hint = "keep manifests in the repository itself: git lfs untrack";
  return { file: name, path: "", message: "is kept by Git LFS, which is not read", hint };
}

const lfsPointer = "version https://git-lfs.github.com/spec/";
