// `exec`: a command in a pod's container, with this process's own streams. On a terminal every key goes through as it is.
import type { JoinedPod } from "../../model/joined-pod.ts";
import type { Runtime } from "../../worker/runtime.ts";
import { ExecOutput } from "./exec-output.ts";
import { runningContainer } from "./logs.ts";

export interface ExecInPod {
  readonly runtime: Runtime;
  readonly pod: JoinedPod;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** Resolves with the command's exit code. Throws `invalid`, with the exit code in its details, where the command cannot be started. */
export async function runInPod({ runtime, pod, command, stdin, tty }: ExecInPod): Promise<number> {
  const { signal } = new AbortController();
  const container = await runningContainer(runtime, pod, signal);
  const raw = stdin && tty && process.stdin.isTTY;
  if (raw) process.stdin.setRawMode(true);
  try {
    const stdout = new ExecOutput(process.stdout);
    const streams = { stdout, stderr: process.stderr, ...(stdin ? { stdin: process.stdin } : {}) };
    let exitCode = 0;
    try {
      exitCode = await runtime.exec(container.id, { command, tty, ...streams }, signal);
    } finally {
      stdout.finish(exitCode, command[0] ?? "", pod.name);
    }
    return exitCode;
  } finally {
    if (raw) process.stdin.setRawMode(false);
    // A pipe that stays open would keep this process waiting for input that nobody reads any more.
    if (stdin) process.stdin.destroy();
  }
}
