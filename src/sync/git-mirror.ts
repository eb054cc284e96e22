// A mirror of one branch of a Git repository, in a folder of our own: bare, and no deeper than is needed. Nobody else works in it, and all that it
// holds can be fetched again. Reads the remote; writes the mirror.
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SourceCommit } from "../model/source.ts";
import { callGit, type GitCall, GitError } from "./git-call.ts";
import { isDamaged, isLocked, otherFormat } from "./git-reason.ts";
import { contentsOf, entryOf, folderMode, type GitListing, listingOf, MirrorDamage, noFolder } from "./git-tree.ts";

export interface MirrorOptions {
  readonly folder: string;
  /** As git is called with it. */
  readonly url: string;
  readonly branch: string;
  /** What is read of a commit, without slashes around it; empty: all. */
  readonly path: string;
  /** A remote that takes longer is given up. */
  readonly remoteLimitMs: number;
}

/** What lies on this machine takes no longer. */
const localLimitMs = 60_000;
/** The commit that is followed. */
const head = "refs/orchestra/head";
/** The commits before it, while somebody looks for one among them. */
const past = "refs/orchestra/past";
/** So many commits may come in one push, or while nobody looked; the second look goes further. */
const pastDepths = [50, 1_000] as const;

/** Every method throws `GitError`, `MirrorDamage`, what the file system says, or the signal's reason. */
export class Mirror {
  readonly #options: MirrorOptions;
  #isReady = false;
  /** Of the hashes that name objects; undefined: git's own choice. */
  #format: string | undefined;
  #isAnew = false;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  /** Whether it was made anew since it was last whole: what is broken then is the remote. */
  get isAnew(): boolean {
    return this.#isAnew;
  }

  /**
   * The newest commit of the branch, into another mirror where this one does not serve. A git that was killed, or lost its power, leaves locks and
   * half an object behind that nobody takes away; a remote that names its objects by other hashes needs a mirror that does so too.
   */
  async fetch(signal: AbortSignal): Promise<void> {
    try {
      await this.#fetch(signal);
    } catch (error) {
      await this.#fetchAnew(error, signal);
    }
  }

  /** Forgets all that it holds. */
  async makeAnew(): Promise<void> {
    this.#isAnew = true;
    this.#isReady = false;
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  /** The commit that was fetched last. */
  async commit(signal: AbortSignal): Promise<SourceCommit> {
    const how = ["--no-show-signature", "--encoding=UTF-8", "--format=%H%x00%an%x00%s"];
    const log = await this.#read(["log", "-1", ...how, head, "--"], signal);
    const [id = "", author = "", subject = ""] = log.toString().trimEnd().split("\0");
    return { id, author: cut(author), subject: cut(subject) };
  }

  /** A folder that the commit lacks has nothing in it, and a file is none: errors of the commit, and none of git. */
  async listing(commit: string, signal: AbortSignal): Promise<GitListing> {
    const { path } = this.#options;
    const list = async (tree: string) =>
      listingOf((await this.#read(["ls-tree", "-r", "-z", "-l", tree], signal)).toString());
    if (path === "") return this.#whole(await list(commit));
    const entry = entryOf((await this.#read(["ls-tree", "-z", commit, "--", path], signal)).toString());
    if (!entry) return listingOf("");
    return entry.mode === folderMode ? this.#whole(await list(entry.id)) : noFolder(path, entry.mode);
  }

  async contents(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    if (ids.length === 0) return new Map();
    const input = `${ids.join("\n")}\n`;
    return contentsOf(await this.#read(["cat-file", "--batch"], signal, input), ids);
  }

  /** Whether `commit` comes after `before`: of a branch that was pushed by force it does not. Asks the remote where more than one commit came. */
  async follows(before: string, commit: string, signal: AbortSignal): Promise<boolean> {
    const raw = (await this.#read(["cat-file", "commit", commit], signal)).toString();
    const [header = ""] = raw.split("\n\n");
    if (header.split("\n").includes(`parent ${before}`)) return true;
    try {
      return await this.#isInPast(before, commit, signal);
    } catch (error) {
      // Of a repository that is too large for that it is not known, and a person looks.
      if (error instanceof GitError && (error.late || error.tooMuch)) return false;
      await this.#fetchAnew(error, signal);
      return this.#isInPast(before, commit, signal);
    }
  }

  async #isInPast(before: string, commit: string, signal: AbortSignal): Promise<boolean> {
    try {
      for (const depth of pastDepths) {
        await this.#fetchDeep(depth, past, signal);
        if (await this.#isAncestor(before, commit, signal)) return true;
      }
      return false;
    } finally {
      await this.#call({ words: ["update-ref", "-d", past], limitMs: localLimitMs, signal });
    }
  }

  async #isAncestor(before: string, commit: string, signal: AbortSignal): Promise<boolean> {
    try {
      const words = ["merge-base", "--is-ancestor", before, commit];
      await this.#call({ words, limitMs: localLimitMs, signal });
      return true;
    } catch (error) {
      // 128: it has never heard of it.
      if (error instanceof GitError && (error.exitCode === 1 || error.exitCode === 128)) return false;
      throw error;
    }
  }

  /** Once more after `error`, into another mirror; throws the error where that would not help. */
  async #fetchAnew(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted || !(error instanceof GitError)) throw error;
    const format = otherFormat(error);
    if (!isLocked(error) && format === undefined && !(isDamaged(error) && !this.#isAnew)) throw error;
    this.#format = format ?? this.#format;
    await this.makeAnew();
    await this.#fetch(signal);
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const { folder } = this.#options;
    if (!this.#isReady) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const made = ["-q", "--bare", "--template=", ...(this.#format ? [`--object-format=${this.#format}`] : [])];
      await callGit({ words: ["init", ...made, "--", folder], limitMs: localLimitMs, signal });
      this.#isReady = true;
    }
    await this.#sweep();
    await this.#fetchDeep(1, head, signal);
  }

  async #fetchDeep(depth: number, into: string, signal: AbortSignal): Promise<void> {
    const { url, branch, remoteLimitMs } = this.#options;
    const how = ["--quiet", `--depth=${depth}`, "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
    const words = ["fetch", ...how, "--", url, `+refs/heads/${branch}:${into}`];
    await this.#call({ words, limitMs: remoteLimitMs, signal, sshCommand: await this.#sshCommand(signal) });
  }

  /** A fetch that is broken off leaves what it has got so far, and git itself looks for that only after one that succeeds. */
  async #sweep(): Promise<void> {
    const folder = join(this.#options.folder, "objects", "pack");
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((one) => one.startsWith("tmp_"))) await rm(join(folder, name), { force: true });
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

  /** What was listed without a loss is all there. */
  #whole(listing: GitListing): GitListing {
    this.#isAnew = false;
    return listing;
  }

  /** Of what is in the mirror: git refuses only where something is lost. */
  async #read(words: readonly string[], signal: AbortSignal, input?: string): Promise<Buffer> {
    try {
      return await this.#call({ words, limitMs: localLimitMs, signal, ...(input === undefined ? {} : { input }) });
    } catch (error) {
      if (!(error instanceof GitError) || error.exitCode === undefined || error.tooMuch || error.late) throw error;
      throw new MirrorDamage(error.stderr.trim().split("\n").at(-1) ?? "", { cause: error });
    }
  }

  #call(call: GitCall): Promise<Buffer> {
    return callGit({ ...call, words: ["--git-dir", this.#options.folder, "--literal-pathspecs", ...call.words] });
  }
}

/** For people, in every Deployment. */
function cut(text: string): string {
  return [...text].slice(0, 72).join("");
}
