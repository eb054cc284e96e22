// The README's tour: every line that begins with `$` is run in one shell, and what it prints is compared with the lines below it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { testCluster } from "../support/cluster.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Step {
  readonly command: string;
  readonly expected: readonly string[];
}

test("every command of the README's tour prints what the README says", { timeout: 240_000 }, async (t) => {
  const steps = tour(await readFile(join(root, "README.md"), "utf8"));
  assert.ok(steps.length > 10, "the tour was not found");
  const cluster = await testCluster(t);
  const folder = join(cluster.folder, "checkout");
  await mkdir(join(folder, ".cache", "bin"), { recursive: true });
  await cp(join(root, "manifests"), join(folder, "manifests"), { recursive: true });
  await symlink(join(root, "bin", "dev.js"), join(folder, ".cache", "bin", "orchestra"));
  // What `make up` has done by then.
  await cluster.ok("up", "--detach");
  await cluster.ok("apply", "-f", join(folder, "manifests"));

  let settings = "";
  for (const { command, expected } of steps) {
    const { code, output } = await shell(`${settings}${command}`, folder, cluster.environment);
    assert.equal(code, 0, `${command}\n${output}`);
    if (/^export /.test(command)) settings += `${command}\n`;
    const problem = mismatch(output, expected);
    assert.equal(problem, undefined, `${command}\n${problem}\n--- printed:\n${output}`);
  }
});

function tour(readme: string): Step[] {
  const blocks = [...readme.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = ""]) => text);
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
