// Wakes when something may have changed in a folder. An event is only a hint: what is true is read from the folder.
import { watch as watchNames } from "node:fs";
import { basename } from "node:path";
import { watch } from "chokidar";
import { isSkipped } from "../manifest/names.ts";
import { messageOf } from "../model/errors.ts";
import type { Link } from "./directory-place.ts";

export interface FolderWatch {
  close(): Promise<void>;
}

export interface WatchOptions {
  /** By the path that no link is in: what a link leads to is not watched with it. */
  readonly folder: string;
  /** The links that lead to it: each may lead elsewhere later. */
  readonly links: readonly Link[];
  readonly wake: () => void;
  /** The system has no watches left, or cannot watch such a folder: changes are not told any more. */
  readonly failed: (error: Error) => void;
}

/** Links in it are looked at and not followed: what they lead to within the folder is watched there, and what lies outside is not read. */
export function watchFolder({ folder, links, wake, failed }: WatchOptions): FolderWatch {
  const watcher = watch(folder, {
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignored: (path) => path !== folder && !mayMatter(basename(path)),
  });
  // The raw ones too: of several changes of a file within 50 ms only the first comes as an event.
  watcher.on("raw", (_event, path) => {
    if (path === null || mayMatter(basename(path))) wake();
  });
  // Changes are told raw, each at once; these come one by one after chokidar has looked at each file, long after ten thousand were written.
  for (const event of ["add", "addDir", "unlink", "unlinkDir"] as const) watcher.on(event, wake);
  // What changed while the watches were being set up was told by nobody.
  watcher.on("ready", wake);
  watcher.on("error", (error) => failed(asError(error)));
  const unwatchLinks = watchLinks({ links, wake, failed });
  return {
    close() {
      unwatchLinks();
      return watcher.close();
    },
  };
}

/** A link is watched by its name in the folder that it lies in: a watch of the link itself is one of what it leads to. */
function watchLinks({ links, wake, failed }: Pick<WatchOptions, "links" | "wake" | "failed">): () => void {
  const watchers = [...Map.groupBy(links, ({ folder }) => folder)].flatMap(([folder, inIt]) => {
    const names = new Set(inIt.map(({ name }) => name));
    try {
      const watcher = watchNames(folder, (_event, name) => {
        if (name === null || names.has(name)) wake();
      });
      watcher.on("error", failed);
      return [watcher];
    } catch (error) {
      // Told when there is somebody who could be told.
      setImmediate(failed, asError(error));
      return [];
    }
  });
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}

/** What editors leave beside a file tells nothing. A name like `..data` is how Kubernetes swaps a whole set of files. */
function mayMatter(name: string): boolean {
  return !isSkipped(name) || name.startsWith("..");
}
