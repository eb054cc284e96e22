// A folder, or the files of a commit, read again and again: only what may have changed is read and parsed anew.
// Reads through functions that its caller gives, and remembers what each file said.
import { Turn } from "../turn.ts";
import { type Content, contentOf, placed } from "./content.ts";
import { documentsLimit, totalBytesLimit } from "./limits.ts";
import type { LoadedManifest } from "./loaded.ts";
import { compareText, type Problem, sortProblems } from "./problem.ts";
import { repeatedNames } from "./set-checks.ts";

/** A file as it was found. */
export interface TreeFile {
  /** As people call it; within a tree no two are called the same. */
  readonly name: string;
  /** Another text whenever its content may be another. */
  readonly stamp: string;
  /** Its bytes, or why there are none. */
  read(): Uint8Array | Problem | Promise<Uint8Array | Problem>;
}

/** What all the files say together. */
export interface Tree {
  /** Of files without problems, sorted by name; none whose name is used twice. */
  readonly manifests: readonly LoadedManifest[];
  /** Sorted by place. */
  readonly problems: readonly Problem[];
  /** What may hold manifests and was not read: what is behind it must not count as gone. */
  readonly unread: readonly Problem[];
}

export type Findings = Pick<Tree, "problems" | "unread">;

export interface TreeReader {
  /** Never throws for what is in the files. `found`: what was wrong with the listing already. */
  read(files: readonly TreeFile[], found: Findings): Promise<Tree>;
  /** Whether this is what the last one has read, so that it need not be given again. */
  knows(file: Pick<TreeFile, "name" | "stamp">): boolean;
}

interface Remembered {
  readonly stamp: string;
  readonly content: Content;
  readonly bytes: number;
}

export function openTreeReader(): TreeReader {
  let known: ReadonlyMap<string, Remembered> = new Map();
  return {
    knows: ({ name, stamp }) => known.get(name)?.stamp === stamp,
    async read(files, found) {
      const now = new Map<string, Remembered>();
      const sum = { bytes: 0, documents: 0 };
      const turn = new Turn();
      for (const file of files) {
        const before = known.get(file.name);
        const content = before?.stamp === file.stamp ? before : await remember(file);
        now.set(file.name, content);
        const tooMuch = passedBy(file.name, content, sum);
        if (tooMuch) {
          known = now;
          // Part of a tree is none: what comes first in it is no more wanted than the rest.
          return { manifests: [], problems: sortProblems([...found.problems, tooMuch]), unread: found.unread };
        }
        if (turn.isOver) await turn.pass();
      }
      known = now;
      return treeOf(now, found);
    },
  };
}

async function remember({ name, stamp, read }: TreeFile): Promise<Remembered> {
  const bytes = await read();
  if (!(bytes instanceof Uint8Array)) return { stamp, bytes: 0, content: { manifests: [], problems: [bytes] } };
  return { stamp, bytes: bytes.length, content: await contentOf(name, bytes) };
}

/** Counts the file. Where all together are too much with it nothing more is read: a folder may have been named by mistake. */
function passedBy(
  file: string,
  { bytes, content }: Remembered,
  sum: { bytes: number; documents: number },
): Problem | undefined {
  sum.bytes += bytes;
  sum.documents += content.manifests.length;
  const what =
    (sum.bytes > totalBytesLimit && `${totalBytesLimit} bytes`) ||
    (sum.documents > documentsLimit && `${documentsLimit} documents`);
  if (!what) return undefined;
  const message = `is where all files together pass ${what}`;
  return { file, path: "", message, hint: "follow a folder with fewer files" };
}

function treeOf(files: ReadonlyMap<string, Remembered>, found: Findings): Tree {
  const all = [...files].flatMap(([name, { content }]) => content.manifests.map((manifest) => placed(name, manifest)));
  const problems = [
    ...found.problems,
    ...[...files.values()].flatMap(({ content }) => content.problems),
    ...repeatedNames(all),
  ];
  const names = Map.groupBy(all, ({ spec }) => spec.name);
  const single = all.filter(({ spec }) => names.get(spec.name)?.length === 1);
  return {
    manifests: single.sort((a, b) => compareText(a.spec.name, b.spec.name)),
    problems: sortProblems(problems),
    unread: found.unread,
  };
}
