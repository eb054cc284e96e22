// The files of a commit, as git lists them: which are manifests, and which cannot be read. Pure.
import { fileBytesLimit, filesLimit } from "../manifest/limits.ts";
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

/** Of `git ls-tree -r -z -l`. */
export function listingOf(output: string): GitListing {
  const blobs: Blob[] = [];
  const problems: Problem[] = [];
  const unread: Problem[] = [];
  for (const line of output.split("\0")) {
    const [, mode, id = "", size, name = ""] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
    if (mode === undefined || name.split("/").some(isSkipped)) continue;
    const problem = (message: string, hint: string): Problem => ({ file: name, path: "", message, hint });
    if (mode === "160000")
      problems.push(problem("is a submodule, which is not read", "put its files into this repository"));
    else if (mode === "120000") {
      const link = problem("is a link, which is not read from Git", "put the file itself in its place");
      (isManifestName(name) ? problems : unread).push(link);
    } else if (!isManifestName(name)) continue;
    else if (Number(size) > fileBytesLimit) {
      problems.push(problem(`has ${size} bytes, and may have ${fileBytesLimit}`, "split it"));
    } else blobs.push({ name, id });
  }
  if (blobs.length <= filesLimit) return { blobs, problems, unread };
  const message = `has ${blobs.length} manifests, and ${filesLimit} are read`;
  return {
    blobs: [],
    problems: [...problems, { file: ".", path: "", message, hint: "follow a folder in it" }],
    unread,
  };
}

/** Where what is followed is a file in the commit. */
export function noFolder(path: string): GitListing {
  const problem = { file: path, path: "", message: "is no folder", hint: "follow the one that it lies in" };
  return { blobs: [], problems: [problem], unread: [] };
}

/** Of `git cat-file --batch`, in the order of the request. Throws where it is cut off. */
export function contentsOf(output: Uint8Array, ids: readonly string[]): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  let at = 0;
  for (const id of ids) {
    const end = output.indexOf(0x0a, at);
    const [, found, size] = /^([0-9a-f]+) blob (\d+)$/.exec(Buffer.from(output.subarray(at, end)).toString()) ?? [];
    const begin = end + 1;
    at = begin + Number(size) + 1;
    if (end < 0 || found !== id || !(at <= output.length)) throw new Error(`git did not give the content of ${id}`);
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
