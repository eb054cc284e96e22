// Whether a git command is changing the files of a folder just now: a checkout of thousands of files is half old and half new until it ends.
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The lock file of the work tree that the folder lies in, if there is one. */
export function gitLockOf(folder: string): string | undefined {
  try {
    const place = gitFolderOf(folder);
    const lock = place === undefined ? undefined : join(place, "index.lock");
    return lock !== undefined && statSync(lock, { throwIfNoEntry: false }) ? lock : undefined;
  } catch {
    // What we may not look at, we cannot wait for.
    return undefined;
  }
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
