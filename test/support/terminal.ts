// A person at a terminal: `script` gives the program one, and what is typed is typed when the program has said what it answers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.ts";

/** A machine under load takes its time to start a program. */
const promptLimitMs = 30_000;

export interface Typed {
  /** What the program has to print first. */
  readonly after: RegExp;
  readonly keys: string;
}

export interface Seen {
  readonly code: number | null;
  /** Everything on the screen, the echo of what was typed too. */
  readonly screen: string;
}

/** Runs the line for a shell on a terminal of its own and types; resolves when it has ended. */
export async function atTerminal(
  t: TestContext,
  line: string,
  env: NodeJS.ProcessEnv,
  typed: readonly Typed[],
): Promise<Seen> {
  const child = spawn("script", ["-qec", line, "/dev/null"], { env });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "close");
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    screen += more;
  });
  for (const { after, keys } of typed) {
    const isThere = () => after.test(screen) || child.exitCode !== null;
    await eventually(`the screen shows ${after}, and not only ${screen}`, isThere, promptLimitMs);
    child.stdin.write(keys);
  }
  await ended;
  return { code: child.exitCode, screen };
}
