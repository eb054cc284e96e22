// A folder in a branch of a Git repository as a source: fetched now and then into a mirror of our own, and read from the commit itself,
// without a work tree. Reads the mirror and has it fetch the remote, both beside whoever looks; whatever fails, the last good commit stays.
import type { Clock } from "../clock.ts";
import { openTreeReader, type Tree, type TreeFile } from "../manifest/manifest.ts";
import { messageOf } from "../model/errors.ts";
import type { SourceCommit } from "../model/source.ts";
import type { Followed } from "../model/sync.ts";
import { GitError } from "./git-call.ts";
import { Mirror } from "./git-mirror.ts";
import { gitReason } from "./git-reason.ts";
import { type Blob, MirrorDamage, ownContent } from "./git-tree.ts";
import type { Look, Source } from "./source.ts";

export interface GitOptions {
  /** As git is called with it. */
  readonly url: string;
  readonly follows: Extract<Followed, { kind: "git" }>;
  /** A folder of this source alone. */
  readonly mirror: string;
  readonly intervalMs: number;
  /** Called when a look would find something else. */
  readonly wake: () => void;
  readonly clock: Clock;
  /** A remote that takes longer is given up; absent: five minutes, because one may be far away and slow. */
  readonly remoteLimitMs?: number;
}

const remoteLimitMs = 300_000;
/** Who waits for the first commit looks so often whether that has become long. */
const busyLookMs = 1_000;

interface Good {
  readonly tree: Tree;
  readonly commit: SourceCommit;
}

/** How two commits stand to each other. */
interface Succession {
  readonly before: string;
  readonly commit: string;
  readonly follows: boolean;
}

export function openGit(options: GitOptions): Source {
  return new GitBranch(options);
}

class GitBranch implements Source {
  readonly #options: GitOptions;
  readonly #mirror: Mirror;
  readonly #reader = openTreeReader();
  readonly #end = new AbortController();
  #good: Good | undefined;
  #succession: Succession | undefined;
  #trouble: string | undefined;
  /** Whether the remote has been heard of since this was opened. */
  #hasFetched = false;
  #update: Promise<void> | undefined;
  /** No trouble of the remote or the mirror: told by the next look. */
  #failure: { readonly error: unknown } | undefined;
  #nextAt = 0;
  /** What the last update was about. */
  #asked: string | undefined;
  #applied: string | undefined;

  constructor(options: GitOptions) {
    const { follows, mirror: folder, url } = options;
    this.#options = options;
    const limit = options.remoteLimitMs ?? remoteLimitMs;
    this.#mirror = new Mirror({ folder, url, branch: follows.branch, path: follows.path, remoteLimitMs: limit });
  }

  async look(_signal: AbortSignal, asked?: string, applied?: string): Promise<Look> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    const { clock } = this.#options;
    const isAsked = asked !== this.#asked || (applied !== this.#applied && this.#isOpen(applied));
    if (!this.#update && (isAsked || clock.now() >= this.#nextAt)) {
      this.#asked = asked;
      this.#applied = applied;
      this.#update = this.#updated(applied);
    }
    return this.#shown(applied);
  }

  async close(): Promise<void> {
    this.#end.abort(new Error("the source is closed"));
    await this.#update;
  }

  #shown(applied: string | undefined): Look {
    const { url } = this.#options.follows;
    const againInMs = this.#update ? busyLookMs : Math.max(0, this.#nextAt - this.#options.clock.now());
    const good = this.#good;
    // What was fetched by an earlier process may be long past, or never have been applied: only the remote knows.
    const isKnown = good !== undefined && (this.#hasFetched || good.commit.id === applied);
    if (!isKnown || this.#isOpen(applied)) {
      if (this.#trouble !== undefined) return { state: "away", reason: this.#trouble, againInMs };
      return { state: "busy", reason: `${url} is being fetched`, againInMs };
    }
    const trouble = this.#trouble === undefined ? {} : { trouble: this.#trouble };
    const rewritten = applied !== undefined && good.commit.id !== applied && !this.#succession?.follows;
    const again = this.#update ? {} : { againInMs };
    return {
      state: "read",
      ...good,
      ...trouble,
      ...(rewritten ? { rewritten: this.#rewrittenText(applied, good) } : {}),
      ...again,
    };
  }

  /** Whether it is not known yet that the commit comes after the one that was applied last. */
  #isOpen(applied: string | undefined): boolean {
    const commit = this.#good?.commit.id;
    if (applied === undefined || commit === undefined || commit === applied) return false;
    return this.#succession?.before !== applied || this.#succession.commit !== commit;
  }

  #rewrittenText(applied: string, { commit }: Good): string {
    const { branch } = this.#options.follows;
    return `${branch} was pushed by force: ${applied.slice(0, 12)}, which was applied last, is not among the commits before ${commit.id.slice(0, 12)}`;
  }

  /** Never rejects. */
  async #updated(applied: string | undefined): Promise<void> {
    const { clock, intervalMs, wake } = this.#options;
    try {
      if (!this.#good) await this.#recall();
      this.#trouble = await this.#fetched(applied);
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failure = { error };
    } finally {
      this.#update = undefined;
      this.#nextAt = clock.now() + intervalMs;
      if (!this.#end.signal.aborted) wake();
    }
  }

  /** What an earlier process has fetched is there at once, however long the remote takes. */
  async #recall(): Promise<void> {
    try {
      this.#good = await this.#read();
      this.#options.wake();
    } catch (error) {
      // The first time there is none, and what is damaged is mended with the remote's help.
      if (!(error instanceof MirrorDamage || error instanceof GitError)) throw error;
    }
  }

  /** Gives what is wrong. */
  async #fetched(applied: string | undefined): Promise<string | undefined> {
    const { signal } = this.#end;
    const { url, branch } = this.#options.follows;
    try {
      await this.#mirror.fetch(signal);
      const good = await this.#readAnyhow();
      const succession = await this.#successionOf(applied, good.commit.id);
      // All at once: until it is known how the new commit stands to the one that was applied, the one before it is kept up.
      this.#good = good;
      this.#succession = succession;
      this.#hasFetched = true;
      return undefined;
    } catch (error) {
      if (error instanceof GitError) return gitReason(error, url, branch);
      if (error instanceof MirrorDamage) return `what git has fetched of ${url} is damaged: ${error.message}`;
      if (isSystemError(error)) return `the mirror of ${url} cannot be used: ${messageOf(error)}`;
      throw error;
    }
  }

  async #successionOf(applied: string | undefined, commit: string): Promise<Succession | undefined> {
    const known = this.#succession;
    if (applied === undefined || applied === commit) return known;
    if (known?.before === applied && known.commit === commit) return known;
    const follows = await this.#mirror.follows(applied, commit, this.#end.signal);
    return { before: applied, commit, follows };
  }

  /** A mirror that is damaged holds nothing that the remote does not. */
  async #readAnyhow(): Promise<Good> {
    try {
      return await this.#read();
    } catch (error) {
      if (!(error instanceof MirrorDamage) || this.#mirror.isAnew) throw error;
      await this.#mirror.makeAnew();
      await this.#mirror.fetch(this.#end.signal);
      return this.#read();
    }
  }

  async #read(): Promise<Good> {
    const { signal } = this.#end;
    const commit = await this.#mirror.commit(signal);
    if (this.#good?.commit.id === commit.id) return this.#good;
    const listing = await this.#mirror.listing(commit.id, signal);
    // Only what was not read before.
    const fresh = listing.blobs.filter(({ name, id }) => !this.#reader.knows({ name, stamp: id }));
    const contents = await this.#mirror.contents([...new Set(fresh.map(({ id }) => id))], signal);
    const files = listing.blobs.map((blob) => treeFile(blob, contents));
    const tree = await this.#reader.read(files, listing);
    return { tree, commit };
  }
}

function treeFile({ name, id }: Blob, contents: ReadonlyMap<string, Uint8Array>): TreeFile {
  return { name, stamp: id, read: () => ownContent(name, contents.get(id) ?? new Uint8Array()) };
}

/** No disk, no right, no file left to open: nothing that a look at our own code would mend. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
