// Whether a git command is changing the files of a folder just now: a checkout of thousands of files is half old and half new until it ends.
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** A command that waits for a person in the middle of its work (a conflict) leaves one of these until it is continued or given up. */
const halfDone = ["rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];

/** The sign of a git command at work in the work tree that the folder lies in, if there is one: its path, and how it goes away. */
export function gitWorkIn(folder: string): { readonly path: string; readonly remedy: string } | undefined {
  try {
    // A link may lead into a work tree from elsewhere.
    const place = gitFolderOf(realpathSync(folder));
    if (place === undefined) return undefined;
    const lock = join(place, "index.lock");
    if (isThere(lock)) return { path: lock, remedy: "if none is, remove that file" };
    const path = halfDone.map((name) => join(place, name)).find(isThere);
    return path === undefined ? undefined : { path, remedy: "continue it or abort it: git status tells how" };
  } catch {
    // What we may not look at, we cannot wait for.
    return undefined;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function gitFolderOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const place = join(at, ".git");
    const stats = statSync(place, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return place;
    if (stats?.isFile()) return linkedFolder(at, place);
    if (at === dirname(at)) return undefined;
  }
}

/** Of a work tree beside the repository: a file says where its own part lies. */
function linkedFolder(at: string, place: string): string | undefined {
  const [, named] = /^gitdir: (.+)$/m.exec(readFileSync(place, "utf8")) ?? [];
  return named === undefined ? undefined : resolve(at, named);
}
