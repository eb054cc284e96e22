// The test's side of `store-process.ts`.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { deploymentKey } from "../../src/model/keys.ts";
import type { StoreOrder } from "./store-process.ts";

/** The document that every counting or writing process raises. */
export const totalKey = deploymentKey("total");

export interface StoreChild {
  readonly pid: number;
  /** Gives an order and waits for its answer; rejects with what the process could not do. */
  tell(order: StoreOrder): Promise<unknown>;
  /** Sends a signal; after SIGKILL waits until the process is gone. */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** What it wrote to standard output so far, as lines. */
  lines(): string[];
}

/** What `node:test` hands to a test, as far as it is needed here. */
interface Test {
  after(clean: () => Promise<void>): void;
}

/** Starts a process that has opened the store at `url`; it is killed when the test ends. */
export async function startStoreProcess(test: Test, url: string): Promise<StoreChild> {
  const program = fileURLToPath(new URL("store-process.ts", import.meta.url));
  const child = fork(program, [url], { stdio: ["ignore", "pipe", "inherit", "ipc"], execArgv: [] });
  const gone = once(child, "close");
  test.after(async () => {
    child.kill("SIGKILL");
    await gone;
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await answerOf(child);
  return {
    pid: child.pid ?? -1,
    async tell(order) {
      const answer = answerOf(child);
      child.send(order);
      return answer;
    },
    async signal(name) {
      child.kill(name);
      if (name === "SIGKILL") await gone;
    },
    lines: () => output.split("\n").slice(0, -1),
  };
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const left = new AbortController();
  child.once("close", () => left.abort(new Error("the process has ended")));
  const [message] = (await once(child, "message", { signal: left.signal })) as [{ answer?: unknown; error?: string }];
  if (message.error !== undefined) throw new Error(message.error);
  return message.answer;
}
