// Pages that are run: every line of a console block that begins with `$` is a command, and the lines below it are what it prints.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Step {
  readonly command: string;
  readonly expected: readonly string[];
}

/** The commands of a page, in their order. */
export function tourOf(page: string): Step[] {
  const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = "", ...expected] = part.trimEnd().split("\n");
        return { command, expected };
      }),
  );
}

/** Runs them in one folder, as if in one shell; a command that fails, or prints something else, fails the test. */
export async function takeTour(steps: readonly Step[], folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  let settings = "";
  for (const { command, expected } of steps) {
    const { code, output } = await shell(`${settings}${command}`, folder, env);
    assert.equal(code, 0, `${command}\n${output}`);
    if (/^export /.test(command)) settings += `${command}\n`;
    const problem = mismatch(output, expected);
    assert.equal(problem, undefined, `${command}\n${problem}\n--- printed:\n${output}`);
  }
}

/** What does not agree; a line `…` stands for any lines, `…` inside a line for any text, and any white space for any other. */
function mismatch(output: string, expected: readonly string[]): string | undefined {
  const lines = output.split("\n").map(folded).filter(Boolean);
  let at = 0;
  let anyLines = false;
  for (const line of expected.map(folded).filter(Boolean)) {
    if (line === "…") {
      anyLines = true;
      continue;
    }
    const found = lines.findIndex((candidate, index) => index >= at && pattern(line).test(candidate));
    if (found < 0) return `no line like: ${line}`;
    if (!anyLines && found !== at) return `before "${line}" stands: ${lines[at]}`;
    at = found + 1;
    anyLines = false;
  }
  return at < lines.length && !anyLines ? `not expected: ${lines[at]}` : undefined;
}

function folded(line: string): string {
  return line.trim().replace(/\s+/g, " ");
}

function pattern(line: string): RegExp {
  const text = line
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${text}$`);
}

async function shell(command: string, cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn("sh", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
