// Wakes when something may have changed in a folder. An event is only a hint: what is true is read from the folder.
import { basename } from "node:path";
import { watch } from "chokidar";
import { isSkipped } from "../manifest/names.ts";

export interface FolderWatch {
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly folder: string;
  readonly wake: () => void;
  /** The system has no watches left, or cannot watch such a folder: changes are not told any more. */
  readonly failed: (error: Error) => void;
}

/** Links are looked at and not followed: what they lead to within the folder is watched there, and what lies outside is not read. */
export function watchFolder({ folder, wake, failed }: WatchOptions): FolderWatch {
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
  watcher.on("error", (error) => failed(error instanceof Error ? error : new Error(String(error))));
  return { close: () => watcher.close() };
}

/** What editors leave beside a file tells nothing. A name like `..data` is how Kubernetes swaps a whole set of files. */
function mayMatter(name: string): boolean {
  return !isSkipped(name) || name.startsWith("..");
}
