// Who watches what. The server knows one watch for each path and forgets it with the connection; here are all listeners, and what to set again.
import { ZooKeeperError } from "./errors.ts";
import { Listeners } from "./listeners.ts";
import { addWatch, type Operation, removeWatches } from "./operations.ts";
import type { Paths } from "./paths.ts";
import type { WatchEvent, WatchMode } from "./records.ts";
import type { Writer } from "./writer.ts";

export interface Watch {
  /** The listener is not called any more from now on. Resolves when the server has forgotten the watch; never throws. */
  remove(): Promise<void>;
}

interface Watched {
  readonly mode: WatchMode;
  readonly listeners: Listeners<WatchEvent>;
  /** Settles with the server's word on the first of them. */
  readonly added: Promise<void>;
  /** Before that, a new connection need not set it: the request for it waits, or has failed. */
  isSet: boolean;
}

const eventTypes: Readonly<Record<number, WatchEvent["type"]>> = {
  1: "created",
  2: "deleted",
  3: "changed",
  4: "children",
};

/** A request larger than `jute.maxbuffer` would end each new connection, so many watches are set again in several. */
const chunkBytes = 128 * 1024;

export class Watches {
  readonly #paths: Paths;
  readonly #submit: (operation: Operation<void>) => Promise<void>;
  /** By the path that the server knows. */
  readonly #watched = new Map<string, Watched>();

  constructor(paths: Paths, submit: (operation: Operation<void>) => Promise<void>) {
    this.#paths = paths;
    this.#submit = submit;
  }

  async add(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): Promise<Watch> {
    const full = this.#paths.full(path);
    const watched = this.#watched.get(full) ?? this.#begin(full, path, mode);
    if (watched.mode !== mode) {
      throw new ZooKeeperError(
        "bad-arguments",
        `${path}: there is a ${watched.mode} watch already, and the server keeps one for each path`,
        {
          path,
        },
      );
    }
    const unlisten = watched.listeners.add(listener);
    const remove = () => {
      unlisten();
      return this.#endIfIdle(full, path, watched);
    };
    try {
      await watched.added;
      watched.isSet = true;
    } catch (error) {
      unlisten();
      if (this.#watched.get(full) === watched) this.#watched.delete(full);
      throw error;
    }
    return { remove };
  }

  #begin(full: string, path: string, mode: WatchMode): Watched {
    // Listening begins now: events may stand right behind the answer.
    const added = this.#submit(addWatch(this.#paths, path, mode));
    const watched = { mode, listeners: new Listeners<WatchEvent>(), added, isSet: false };
    this.#watched.set(full, watched);
    return watched;
  }

  async #endIfIdle(full: string, path: string, watched: Watched): Promise<void> {
    if (watched.listeners.size > 0 || this.#watched.get(full) !== watched) return;
    this.#watched.delete(full);
    try {
      await this.#submit(removeWatches(this.#paths, path));
    } catch {
      // The watch is gone with its connection, and no new one will set it again.
    }
  }

  /** The session is over, and the watches with it. */
  clear(): void {
    this.#watched.clear();
  }

  /** Tells the listeners of the path, and those that watch recursively from above it. */
  dispatch(type: number, full: string): void {
    const name = eventTypes[type];
    const path = this.#paths.given(full);
    if (name === undefined || path === undefined) return;
    const event: WatchEvent = { type: name, path };
    const own = this.#watched.get(full);
    // Lists of children are for persistent watches: a recursive one hears of each child, and gets these only because another watch asked for them.
    if (name === "children") {
      if (own?.mode === "persistent") own.listeners.tell(event);
      return;
    }
    own?.listeners.tell(event);
    for (let end = full.length; end > 0; ) {
      end = full.lastIndexOf("/", end - 1);
      const ancestor = end > 0 ? full.slice(0, end) : "/";
      if (ancestor === full) return;
      const watched = this.#watched.get(ancestor);
      if (watched?.mode === "recursive") watched.listeners.tell(event);
    }
  }

  /** The bodies of the requests that set all watches again. */
  bodies(lastZxid: bigint): ((writer: Writer) => void)[] {
    return this.#chunks().map((chunk) => (writer) => {
      const paths = (wanted: WatchMode) => chunk.filter(({ mode }) => mode === wanted).map(({ full }) => full);
      writer.long(lastZxid);
      // Three kinds that fire once come first; there are none of them.
      for (const list of [[], [], [], paths("persistent"), paths("recursive")]) {
        writer.int(list.length);
        for (const full of list) writer.string(full);
      }
    });
  }

  #chunks(): { readonly full: string; readonly mode: WatchMode }[][] {
    const chunks: { readonly full: string; readonly mode: WatchMode }[][] = [];
    let room = 0;
    for (const [full, { mode, isSet }] of this.#watched) {
      if (!isSet) continue;
      const bytes = 4 + Buffer.byteLength(full);
      if (bytes > room) {
        chunks.push([]);
        room = chunkBytes;
      }
      chunks.at(-1)?.push({ full, mode });
      room -= bytes;
    }
    return chunks;
  }
}
