// A folder in a branch of a Git repository as a source: fetched now and then into a mirror of our own, and read from the commit itself,
// without a work tree. Reads the remote; writes the mirror in the state folder. Whatever fails, the last good commit stays.
import { mkdir, rm } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import { openTreeReader, type Tree, type TreeFile } from "../manifest/manifest.ts";
import type { SourceCommit } from "../model/source.ts";
import type { Followed } from "../model/sync.ts";
import { callGit, type GitCall, GitError } from "./git-call.ts";
import { gitReason, isLocked, otherFormat } from "./git-reason.ts";
import { type Blob, contentsOf, type GitListing, listingOf, noFolder, ownContent } from "./git-tree.ts";
import type { Look, Source } from "./source.ts";

export interface GitOptions {
  /** As git is called with it. */
  readonly url: string;
  readonly follows: Extract<Followed, { kind: "git" }>;
  /** A folder of this source alone. */
  readonly mirror: string;
  readonly intervalMs: number;
  readonly clock: Clock;
}

/** What lies on this machine takes no longer; a remote may be far away and slow. */
const localLimitMs = 60_000;
const remoteLimitMs = 300_000;
/** The commit that is followed, in the mirror. */
const ref = "refs/orchestra/head";

interface Good {
  readonly tree: Tree;
  readonly commit: SourceCommit;
}

export function openGit(options: GitOptions): Source {
  return new GitBranch(options);
}

class GitBranch implements Source {
  readonly follows;
  readonly #options: GitOptions;
  readonly #reader = openTreeReader();
  #good: Good | undefined;
  #names: ReadonlyMap<string, string> = new Map();
  #trouble: string | undefined;
  #nextAt = 0;
  #asked: string | undefined;
  #isReady = false;
  /** Of the hashes that name objects in the mirror; undefined: git's own choice. */
  #format: string | undefined;

  constructor(options: GitOptions) {
    this.#options = options;
    this.follows = options.follows;
  }

  async look(signal: AbortSignal, asked?: string): Promise<Look> {
    const { clock, intervalMs } = this.#options;
    if (clock.now() >= this.#nextAt || asked !== this.#asked) {
      this.#asked = asked;
      this.#trouble = await this.#update(signal);
      this.#nextAt = clock.now() + intervalMs;
    }
    const againInMs = Math.max(0, this.#nextAt - clock.now());
    if (!this.#good) return { state: "away", reason: this.#trouble ?? "nothing was fetched yet", againInMs };
    const trouble = this.#trouble === undefined ? {} : { trouble: this.#trouble };
    return { state: "read", ...this.#good, ...trouble, againInMs };
  }

  async close(): Promise<void> {}

  /** Fetches, and reads what was fetched, or what was before. Gives what is wrong. */
  async #update(signal: AbortSignal): Promise<string | undefined> {
    const trouble = await this.#told(signal, () => this.#fetchAnyhow(signal));
    const broken = await this.#told(signal, () => this.#read(signal));
    // A mirror that was damaged is made anew: it holds nothing that the remote does not.
    if (broken !== undefined && trouble === undefined) await this.#forget();
    return trouble ?? broken;
  }

  async #told(signal: AbortSignal, act: () => Promise<void>): Promise<string | undefined> {
    const { follows } = this.#options;
    try {
      await act();
      return undefined;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof GitError) return gitReason(error, follows.url, follows.branch);
      return `the mirror of ${follows.url} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /**
   * Into another mirror where this one does not serve. A git that was killed, or lost its power, leaves locks that nobody takes away, and nobody else
   * works in the mirror; a remote that names its objects by other hashes needs one that does so too.
   */
  async #fetchAnyhow(signal: AbortSignal): Promise<void> {
    try {
      await this.#fetch(signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof GitError)) throw error;
      const format = otherFormat(error);
      if (!isLocked(error) && format === undefined) throw error;
      this.#format = format ?? this.#format;
      await this.#forget();
      await this.#fetch(signal);
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const { url, follows, mirror } = this.#options;
    if (!this.#isReady) {
      await mkdir(mirror, { recursive: true, mode: 0o700 });
      const made = ["-q", "--bare", "--template=", ...(this.#format ? [`--object-format=${this.#format}`] : [])];
      await callGit({ words: ["init", ...made, "--", mirror], limitMs: localLimitMs, signal });
      this.#isReady = true;
    }
    const how = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
    const words = ["fetch", ...how, "--", url, `+refs/heads/${follows.branch}:${ref}`];
    await this.#call({ words, limitMs: remoteLimitMs, signal, sshCommand: await this.#sshCommand(signal) });
  }

  /** Undefined where the user's settings have none. */
  async #sshCommand(signal: AbortSignal): Promise<string | undefined> {
    try {
      const words = ["config", "--get", "core.sshCommand"];
      return (await this.#call({ words, limitMs: localLimitMs, signal })).toString().trimEnd();
    } catch (error) {
      if (error instanceof GitError && error.exitCode === 1) return undefined;
      throw error;
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { path } = this.follows;
    const limitMs = localLimitMs;
    if (!this.#isReady) return;
    const how = ["--no-show-signature", "--encoding=UTF-8", "--format=%H%x00%an%x00%s"];
    const log = await this.#call({ words: ["log", "-1", ...how, ref, "--"], limitMs, signal });
    const [id = "", author = "", subject = ""] = log.toString().trimEnd().split("\0");
    if (this.#good?.commit.id === id) return;
    const place = path === "" ? id : `${id}:${path}`;
    const listing = await this.#listing(place, signal);
    const contents = await this.#contents(listing.blobs, signal);
    const tree = await this.#reader.read(
      listing.blobs.map((blob) => treeFile(blob, contents)),
      listing,
    );
    this.#names = new Map(listing.blobs.map((blob) => [blob.name, blob.id]));
    this.#good = { tree, commit: { id, author: cut(author), subject: cut(subject) } };
  }

  /** A folder that the commit lacks has nothing in it, and a file is none: errors of the commit, and none of git. */
  async #listing(place: string, signal: AbortSignal): Promise<GitListing> {
    try {
      const words = ["ls-tree", "-r", "-z", "-l", place];
      return listingOf((await this.#call({ words, limitMs: localLimitMs, signal })).toString());
    } catch (error) {
      if (!(error instanceof GitError && place.includes(":"))) throw error;
      if (/not a tree object/i.test(error.stderr)) return noFolder(this.follows.path);
      if (/Not a valid object name/i.test(error.stderr)) return listingOf("");
      throw error;
    }
  }

  /** Only what was not read before. */
  async #contents(blobs: readonly Blob[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    const fresh = blobs.filter(({ name, id }) => this.#names.get(name) !== id);
    const ids = [...new Set(fresh.map(({ id }) => id))];
    if (ids.length === 0) return new Map();
    const input = `${ids.join("\n")}\n`;
    return contentsOf(await this.#call({ words: ["cat-file", "--batch"], input, limitMs: localLimitMs, signal }), ids);
  }

  async #forget(): Promise<void> {
    this.#isReady = false;
    await rm(this.#options.mirror, { recursive: true, force: true });
  }

  #call(call: GitCall): Promise<Buffer> {
    return callGit({ ...call, words: ["--git-dir", this.#options.mirror, ...call.words] });
  }
}

function treeFile({ name, id }: Blob, contents: ReadonlyMap<string, Uint8Array>): TreeFile {
  return { name, stamp: id, read: () => ownContent(name, contents.get(id) ?? new Uint8Array()) };
}

/** For people, in every Deployment. */
function cut(text: string): string {
  return [...text].slice(0, 72).join("");
}
