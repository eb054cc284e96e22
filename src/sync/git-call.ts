// Calls the system's git, with the keys and helpers of who runs the sync, and never a question to anybody.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { childEnvironment } from "../config.ts";
import { gitEnvironment } from "./git-environment.ts";
import type { GitFailure } from "./git-reason.ts";

/** A failed call; whoever made it finds the words. */
export class GitError extends Error implements GitFailure {
  readonly stderr: string;
  readonly exitCode: number | undefined;
  readonly late: boolean;
  readonly missing: boolean;
  readonly tooMuch: boolean;

  constructor(failure: GitFailure) {
    super("git failed");
    this.stderr = failure.stderr;
    this.exitCode = failure.exitCode;
    this.late = failure.late;
    this.missing = failure.missing;
    this.tooMuch = failure.tooMuch;
  }
}

export interface GitCall {
  readonly words: readonly string[];
  readonly input?: string;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** As the user has it in git's settings; for calls that may need it. */
  readonly sshCommand?: string | undefined;
}

/** All manifests that a source may have, and their headers. */
const outputLimit = 80 * 1024 ** 2;

/** What keeps git from running what it finds in folders, and from going on behind our back. */
const always = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.autoDetach=false"];
const sparing = ["-c", "maintenance.autoDetach=false", "-c", "gc.pruneExpire=now", "-c", "core.quotePath=false"];
/** What is fetched stays in packs, which git writes through to the disk: of loose files a power cut leaves empty ones. */
const lasting = ["-c", "fetch.unpackLimit=1"];
/** A remote that has gone silent is given up. */
const patience = ["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"];

/** What was begun in the background may hold what git has printed into open for as long as it lives. */
const restLimitMs = 1_000;
/** Who is asked to end, and does not, is ended. */
const endLimitMs = 5_000;

/** Gives standard output. Throws a `GitError`, or the signal's reason. */
export async function callGit({ words, input, limitMs, signal, sshCommand }: GitCall): Promise<Buffer> {
  signal.throwIfAborted();
  // A session of its own has no terminal on which ssh could ask, and ends as a whole: with the ssh that git has called.
  const env = childEnvironment((own) => gitEnvironment(own, sshCommand));
  const child = spawn("git", [...always, ...sparing, ...lasting, ...patience, ...words], { env, detached: true });
  // Where this process has no files left to open there are no pipes either, and the error comes later.
  if (!child.stdin) throw (await once(child, "error"))[0];
  const timers: NodeJS.Timeout[] = [];
  const end = () => {
    endSession(child.pid, "SIGTERM");
    timers.push(setTimeout(() => endSession(child.pid, "SIGKILL"), endLimitMs));
  };
  let late = false;
  let tooMuch = false;
  const giveUp = () => {
    late = true;
    end();
  };
  const overflow = () => {
    tooMuch = true;
    end();
  };
  timers.push(setTimeout(giveUp, limitMs));
  signal.addEventListener("abort", end, { once: true });
  // A git that ends before it has read all says why on standard error.
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  try {
    const printed = [collected(child.stdout, overflow), collected(child.stderr, overflow)] as const;
    const [exitCode] = (await once(child, "exit")) as [number | null];
    timers.push(setTimeout(() => [child.stdout, child.stderr].map((stream) => stream.destroy()), restLimitMs));
    const [stdout, stderr] = await Promise.all(printed);
    // Of what is too much the end is missing, also where git was done before it could be told to end.
    if (exitCode === 0 && !tooMuch) return stdout;
    if (signal.aborted) throw signal.reason;
    throw new GitError({ stderr: stderr.toString(), exitCode: exitCode ?? undefined, late, missing: false, tooMuch });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new GitError({ stderr: "", exitCode: undefined, late, missing: true, tooMuch });
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

/** All that comes, as far as it may go; `tooMuch` is called where it goes further. */
function collected(stream: Readable, tooMuch: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= outputLimit) chunks.push(chunk);
    else if (bytes - chunk.length <= outputLimit) tooMuch();
  });
  stream.on("error", () => {});
  return new Promise((resolve) => stream.once("close", () => resolve(Buffer.concat(chunks))));
}

function endSession(pid: number | undefined, how: "SIGTERM" | "SIGKILL"): void {
  try {
    if (pid !== undefined) process.kill(-pid, how);
  } catch {
    // It has ended by itself.
  }
}
