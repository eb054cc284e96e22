// Which file systems a folder's files lie on, and whether one of them has been unmounted since: what then shows in its place says nothing
// about the files. Reads where things are mounted, and keeps that in a file: a machine may start before its mounts are there.
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { sourceId } from "../model/sync.ts";
import { openStateFile, readStateFile, type StateFile } from "../state-file.ts";
import { Turn } from "../turn.ts";
import type { Folder } from "./directory-place.ts";
import type { Listing } from "./stamps.ts";

export interface MountsOptions {
  /** Where they are kept. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is kept. */
interface Kept {
  /** Where the file systems were mounted that the last good look has read from. */
  readonly points: readonly string[];
  /** The last word of who asked for a look: heard once, it says nothing about what is unmounted later. */
  readonly asked?: string | undefined;
}

/** In the cluster's folder, beside how far the store was seen. */
export function mountsPath(folder: string, source: string): string {
  return join(folder, `mounts-${sourceId(source)}.json`);
}

export class Mounts {
  readonly #options: MountsOptions;
  #file: StateFile<Kept> | undefined;
  #points: ReadonlySet<string> = new Set();
  #asked: string | undefined;
  /** What the points were found in. */
  #noted: Listing | undefined;

  constructor(options: MountsOptions) {
    this.#options = options;
  }

  /** To be called first. Who asks for a look anew has seen what there is to see: what was lost is meant to be as it is. Throws `invalid` when the file is damaged. */
  async hear(asked: string | undefined): Promise<void> {
    this.#file ??= await this.#open(asked);
    if (asked === this.#asked) return;
    this.#points = new Set();
    this.#noted = undefined;
    this.#asked = asked;
    this.#keep();
  }

  /** One that is not mounted any more at, above or below the folder `real`, and its own folder is there; undefined: none. */
  lost(real: string): string | undefined {
    // A link may have led to other mounts before: they may go.
    const points = [...this.#points].filter((point) => isWithin(real, point) || isWithin(point, real));
    return points.find((point) => isMountPoint(point) === false);
  }

  /** Remembers what was read below a folder that is there. Where something could not be read, what was mounted there is not forgotten. */
  async note({ real, dev }: Pick<Folder, "real" | "dev">, listing: Listing): Promise<void> {
    if (listing === this.#noted) return;
    const { files, problems } = listing;
    const known = new Map<string, string>();
    const points = new Set([pointOf(real, known), ...(problems.length === 0 ? [] : this.#points)]);
    const others = files.filter(({ marks }) => marks.dev !== dev);
    const turn = new Turn();
    for (const folder of new Set(others.map(({ path }) => dirname(path)))) {
      points.add(pointOf(folder, known));
      if (turn.isOver) await turn.pass();
    }
    points.delete("/");
    this.#points = points;
    this.#noted = listing;
    this.#keep();
  }

  /** Writes what is waiting. */
  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #open(asked: string | undefined): Promise<StateFile<Kept>> {
    const { path, clock, log } = this.#options;
    const kept = await readStateFile<Partial<Kept>>(path);
    this.#points = new Set(kept?.points);
    this.#asked = kept ? kept.asked : asked;
    return openStateFile<Kept>(path, { spacingMs: 0, clock, log });
  }

  #keep(): void {
    this.#file?.save(() => ({ points: [...this.#points].sort(), asked: this.#asked }));
  }
}

/** Where the file system is mounted that a folder lies on, as far as devices tell: one that is bound within its own looks like a plain folder. */
function pointOf(folder: string, known: Map<string, string>): string {
  const found =
    known.get(folder) ?? (folder === "/" || isMountPoint(folder) ? folder : pointOf(dirname(folder), known));
  known.set(folder, found);
  return found;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? folder : `${folder}/`);
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
