// `orchestra sync` as a process of its own, and what it answers to those who watch over it.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

const program = fileURLToPath(new URL("../../bin/dev.js", import.meta.url));
/** Several processes on a machine under load. */
const limitMs = 60_000;

export interface SyncProcess {
  readonly pid: number;
  /** Its log. */
  log(): string;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGTERM, and its end. */
  end(): Promise<void>;
  /** SIGKILL, and its end. */
  kill(): Promise<void>;
  /** Waits until /readyz answers so: "200 synced". */
  ready(answer: RegExp): Promise<void>;
}

export interface SyncProcessOptions {
  readonly storeUrl: string;
  /** What it follows, and its flags. */
  readonly words: readonly string[];
  /** Holds its state and cache. */
  readonly folder: string;
  /** Settings besides. */
  readonly settings?: NodeJS.ProcessEnv;
  /** Words that the command line begins with, to be elsewhere or where less is allowed: `unshare …`. */
  readonly enter?: readonly string[];
}

/** What stands before a command for which the machine is called `host`: every program in between becomes the next one, under the same pid. Needs root. */
export function calledSo(host: string): string[] {
  return ["unshare", "--uts", "sh", "-c", 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"', host];
}

/** Does not wait. Killed when the test ends. */
export function syncProcess(t: TestContext, options: SyncProcessOptions): SyncProcess {
  const { storeUrl, words, folder, settings = {}, enter = [] } = options;
  const state = { ORCHESTRA_STATE_DIR: join(folder, "state"), ORCHESTRA_CACHE_DIR: join(folder, "cache") };
  const [file = "", ...line] = [...enter, process.execPath, program, "sync", ...words, "--listen", "127.0.0.1:0"];
  const child = spawn(file, line, {
    env: { ...process.env, ...state, ORCHESTRA_STORE: storeUrl, ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let isOver = false;
  child.once("close", () => {
    isOver = true;
  });
  const signalled = async (name: NodeJS.Signals) => {
    child.kill(name);
    await eventually(`it ends by ${name}`, () => isOver, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}; log: ${log.slice(-2_000)}`);
    });
  };
  t.after(() => child.kill("SIGKILL"));
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const asked = async () => {
    const url = /"url":"(http:[^"]+)"/.exec(log)?.[1];
    if (url === undefined) return "not there yet";
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return `${response.status} ${await response.text()}`;
  };
  return {
    pid: child.pid ?? 0,
    log: () => log,
    signal: (name) => void child.kill(name),
    end: () => signalled("SIGTERM"),
    kill: () => signalled("SIGKILL"),
    async ready(answer) {
      let last = "";
      const isSo = async () => {
        last = await asked().catch(String);
        return answer.test(last);
      };
      await eventually(`/readyz answers ${answer}`, isSo, limitMs).catch((error: Error) => {
        throw new Error(`${error.message}; last: ${last}; log: ${log.slice(-2_000)}`);
      });
    },
  };
}
