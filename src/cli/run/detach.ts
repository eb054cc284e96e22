// `up --detach`: the same command again in the background, and a first word from it over a channel between parent and child.
// Reads and writes the log file of `up`.
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import type { ErrorCode } from "../../model/errors.ts";
import { OrchestraError } from "../../model/errors.ts";

export interface Serving {
  readonly pid: number;
  readonly node: string;
  /** What does not work yet. */
  readonly warnings: readonly string[];
}

/** What the child tells: that it serves, or why it does not. */
export type FirstWord =
  | { readonly serving: Serving }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } };

/** Docker's first answer, an election after a crash and the first zone take seconds; a pull of CoreDNS's image may take longer. */
const firstWordLimitMs = 120_000;
/** Two files of this size are all that the log ever takes. */
const logBytesLimit = 10 * 1024 * 1024;
const logLookMs = 60_000;
const shownLogLines = 10;

/** Starts this program again with `args`, detached and with its output in `logPath`; resolves when it serves, and throws what it failed with. */
export async function startDetached(args: readonly string[], logPath: string): Promise<Serving> {
  mkdirSync(dirname(logPath), { recursive: true, mode: 0o700 });
  const log = openSync(logPath, "a", 0o600);
  const logStart = fstatSync(log).size;
  const script = process.argv[1] ?? "";
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    // The folder it was called from may be removed, or be what keeps a file system from being unmounted.
    cwd: "/",
  });
  closeSync(log);
  try {
    const word = await firstWord(child, logPath, logStart);
    if ("serving" in word) return word.serving;
    const { code, message, hint } = word.failed;
    throw new OrchestraError(code, message, hint === undefined ? {} : { hint });
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function firstWord(child: ChildProcess, logPath: string, logStart: number): Promise<FirstWord> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    const fail = (message: string, hint: string) =>
      settle(() => reject(new OrchestraError("unavailable", message, { hint })));
    const timer = setTimeout(() => {
      const seconds = firstWordLimitMs / 1000;
      fail(`orchestra runs (pid ${child.pid}) but does not serve after ${seconds} s`, `read ${logPath}`);
    }, firstWordLimitMs);
    child.once("message", (word) => settle(() => resolve(word as FirstWord)));
    child.once("error", (error) => fail(`orchestra cannot be started: ${error.message}`, "see doctor"));
    child.once("exit", (code, signal) => {
      const lines = lastLines(logPath, logStart);
      const why = lines === "" ? "" : `: ${lines}`;
      fail(`orchestra ended at its start (${signal ?? `exit code ${code}`})${why}`, `read ${logPath}`);
    });
  });
}

/** In the child: tells the parent, which then leaves. Nothing happens where there is none. */
export function tellParent(word: FirstWord): void {
  if (!process.send || !process.connected) return;
  process.send(word);
  // Disconnecting waits for what was sent.
  process.disconnect();
}

/**
 * In the child: keeps the log below its limit. The descriptor stays the same one, because a crash writes there too:
 * what is there is copied aside, and the file begins anew. Does nothing when standard error is another file.
 */
export function keepLogSmall(logPath: string): () => void {
  const look = () => {
    const mine = fstatSync(2);
    const there = statSync(logPath, { throwIfNoEntry: false });
    if (there?.ino !== mine.ino || mine.size < logBytesLimit) return;
    try {
      copyFileSync(logPath, `${logPath}.1`);
      ftruncateSync(2);
    } catch {
      // A disk that is full or read-only now; it is tried again.
    }
  };
  look();
  const timer = setInterval(look, logLookMs);
  timer.unref();
  return () => clearInterval(timer);
}

function lastLines(path: string, from: number): string {
  const text = readFileSync(path).subarray(from).toString("utf8").trim();
  return text.split("\n").slice(-shownLogLines).join("\n");
}
