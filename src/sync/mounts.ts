// Which file systems a folder's files lie on, and whether one of them has been unmounted since: what then shows in its place says nothing
// about the files. Reads where things are mounted; writes nothing.
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { Turn } from "../turn.ts";
import type { Folder } from "./directory-place.ts";
import type { Listing } from "./stamps.ts";

export class Mounts {
  /** Where the file systems were mounted that the last good look has read from. */
  #points: ReadonlySet<string> = new Set();
  /** What they were found in. */
  #noted: Listing | undefined;

  /** Remembers what was read below a folder that is there. Where something could not be read, what was mounted there is not forgotten. */
  async note({ real, dev }: Pick<Folder, "real" | "dev">, listing: Listing): Promise<void> {
    if (listing === this.#noted) return;
    const { files, problems } = listing;
    const seen = files.filter(({ size }) => size >= 0);
    const isWhole = problems.length === 0 && seen.length === files.length;
    const known = new Map<string, string>();
    const points = new Set([pointOf(real, known), ...(isWhole ? [] : this.#points)]);
    const others = seen.filter((file) => file.dev !== dev);
    const turn = new Turn();
    for (const folder of new Set(others.map(({ path }) => dirname(path)))) {
      points.add(pointOf(folder, known));
      if (turn.isOver) await turn.pass();
    }
    points.delete("/");
    this.#points = points;
    this.#noted = listing;
  }

  /** One that is not mounted any more, and its folder is there; undefined: none. */
  lost(): string | undefined {
    return [...this.#points].find((point) => isMountPoint(point) === false);
  }

  /** What was lost is meant to be as it is. */
  forget(): void {
    this.#points = new Set();
    this.#noted = undefined;
  }
}

/** Where the file system is mounted that a folder lies on, as far as devices tell: one that is bound within its own looks like a plain folder. */
function pointOf(folder: string, known: Map<string, string>): string {
  const found =
    known.get(folder) ?? (folder === "/" || isMountPoint(folder) ? folder : pointOf(dirname(folder), known));
  known.set(folder, found);
  return found;
}

/** Undefined: it is not there, or cannot be looked at now, which says nothing about what is mounted. */
function isMountPoint(folder: string): boolean | undefined {
  const [own, above] = [deviceOf(folder), deviceOf(dirname(folder))];
  return own === undefined || above === undefined ? undefined : own !== above;
}

function deviceOf(folder: string): number | undefined {
  try {
    return statSync(folder).dev;
  } catch {
    return undefined;
  }
}
