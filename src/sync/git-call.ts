// Calls the system's git, with the keys and helpers of who runs the sync, and never a question to anybody.
import { execFile } from "node:child_process";
import { childEnvironment } from "../config.ts";
import type { GitFailure } from "./git-reason.ts";

/** A failed call; whoever made it finds the words. */
export class GitError extends Error implements GitFailure {
  readonly stderr: string;
  readonly exitCode: number | undefined;
  readonly late: boolean;
  readonly missing: boolean;

  constructor(failure: GitFailure) {
    super("git failed");
    this.stderr = failure.stderr;
    this.exitCode = failure.exitCode;
    this.late = failure.late;
    this.missing = failure.missing;
  }
}

export interface GitCall {
  readonly words: readonly string[];
  readonly input?: string;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** All manifests that a source may have, and their headers. */
const outputLimit = 80 * 1024 ** 2;

/** What keeps git from running what it finds in folders, and from going on behind our back. */
const always = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.autoDetach=false"];
const sparing = ["-c", "maintenance.autoDetach=false", "-c", "gc.pruneExpire=now", "-c", "core.quotePath=false"];
/** A remote that has gone silent is given up. */
const patience = ["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"];

/** Gives standard output. Throws a `GitError`, or the signal's reason. */
export function callGit({ words, input, limitMs, signal }: GitCall): Promise<Buffer> {
  const environment = childEnvironment(
    { GIT_TERMINAL_PROMPT: "0", LC_ALL: "C", GIT_NO_LAZY_FETCH: "1" },
    // Of a hook that started us, and of the repository that it belongs to.
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"],
    { GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o ConnectTimeout=15" },
  );
  return new Promise((resolve, reject) => {
    const options = { env: environment, maxBuffer: outputLimit, encoding: "buffer", timeout: limitMs, signal } as const;
    const child = execFile("git", [...always, ...sparing, ...patience, ...words], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if (signal.aborted) return reject(signal.reason);
      const { code, killed } = error;
      const exitCode = typeof code === "number" ? code : undefined;
      const missing = (code as unknown) === "ENOENT";
      reject(new GitError({ stderr: stderr.toString(), exitCode, late: killed === true, missing }));
    });
    // A git that ends before it has read all says why on standard error.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input ?? "");
  });
}
