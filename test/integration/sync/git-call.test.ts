// Calls of the system's git where the machine has nothing left to give.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const call = new URL("../../../src/sync/git-call.ts", import.meta.url);

test("a process that has no files left to open gets an error of git's, and lives on", async () => {
  const script = `
    import { openSync, closeSync } from "node:fs";
    const { callGit } = await import(${JSON.stringify(call)});
    const git = () => callGit({ words: ["version"], limitMs: 60_000, signal: new AbortController().signal });
    await git();
    const held = [];
    try { for (;;) held.push(openSync("/dev/null")); } catch {}
    console.log(await git().catch(({ code }) => code));
    for (const one of held) closeSync(one);
    console.log(String(await git()).slice(0, 11));`;
  const words = ["-c", 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script];
  const { stdout } = await promisify(execFile)("sh", words);
  assert.deepEqual(stdout.trim().split("\n"), ["EMFILE", "git version"]);
});
