// Which file systems a folder's files lie on, and whether one of them has been unmounted since: what then shows in its place says nothing
// about the files. Reads where things are mounted; writes nothing.
import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Seen } from "./stamps.ts";

export class Mounts {
  /** Where the file systems were mounted that the last good look has read from. */
  #points: ReadonlySet<string> = new Set();

  /** Remembers what `files` were read from, all of them below `folder`, which is there. */
  note(folder: string, files: readonly Seen[]): void {
    const real = realpathSync(folder);
    const { dev } = statSync(real);
    const points = new Set([pointOf(real)]);
    const folders = new Set(files.filter((file) => file.ino > 0 && file.dev !== dev).map(({ path }) => dirname(path)));
    for (const other of folders) points.add(pointOf(other));
    points.delete("/");
    this.#points = points;
  }

  /** One that is not mounted any more, and its folder is there; undefined: none. */
  lost(): string | undefined {
    return [...this.#points].find((point) => deviceOf(point) !== undefined && !isMountPoint(point));
  }

  /** What was lost is meant to be as it is. */
  forget(): void {
    this.#points = new Set();
  }
}

/** Where the file system is mounted that a folder lies on, as far as devices tell: one that is bound within its own looks like a plain folder. */
function pointOf(folder: string): string {
  let point = folder;
  while (point !== "/" && !isMountPoint(point)) point = dirname(point);
  return point;
}

function isMountPoint(folder: string): boolean {
  return deviceOf(folder) !== deviceOf(dirname(folder));
}

function deviceOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.dev;
}
