// A folder, or the files of a commit, read again and again: only what may have changed is read and parsed anew.
// Reads through functions that its caller gives, and remembers what each file said.
import { setImmediate } from "node:timers/promises";
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
}

interface Remembered {
  readonly stamp: string;
  readonly content: Content;
  readonly bytes: number;
}

/** A parser at work keeps everybody else waiting; after so long they get their turn. */
const turnMs = 10;

export function openTreeReader(): TreeReader {
  let known: ReadonlyMap<string, Remembered> = new Map();
  return {
    async read(files, found) {
      const now = new Map<string, Remembered>();
      let turnEnds = performance.now() + turnMs;
      for (const file of files) {
        const before = known.get(file.name);
        now.set(file.name, before?.stamp === file.stamp ? before : await remember(file));
        if (performance.now() < turnEnds) continue;
        await setImmediate();
        turnEnds = performance.now() + turnMs;
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

function treeOf(files: ReadonlyMap<string, Remembered>, found: Findings): Tree {
  const all = [...files].flatMap(([name, { content }]) => content.manifests.map((manifest) => placed(name, manifest)));
  const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes, 0);
  const problems = [
    ...found.problems,
    ...[...files.values()].flatMap(({ content }) => content.problems),
    ...repeatedNames(all),
    ...limitProblems(all.length, bytes),
  ];
  const names = Map.groupBy(all, ({ spec }) => spec.name);
  const single = all.filter(({ spec }) => names.get(spec.name)?.length === 1);
  return {
    manifests: single.sort((a, b) => compareText(a.spec.name, b.spec.name)),
    problems: sortProblems(problems),
    unread: found.unread,
  };
}

function limitProblems(documents: number, bytes: number): Problem[] {
  const problem = (message: string): Problem => ({ file: ".", path: "", message, hint: "split it in two" });
  return [
    ...(documents > documentsLimit ? [problem(`has ${documents} documents, and may have ${documentsLimit}`)] : []),
    ...(bytes > totalBytesLimit ? [problem(`has ${bytes} bytes of manifests, and may have ${totalBytesLimit}`)] : []),
  ];
}
