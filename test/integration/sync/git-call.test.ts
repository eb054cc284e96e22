// Calls of the system's git where the machine has nothing left to give, and where git gives too much.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { callGit, GitError } from "../../../src/sync/git-call.ts";

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

test("what is more than is read is refused whole, also where git was done before it could be told to end", async () => {
  const { signal } = new AbortController();
  const words = ["-c", `alias.print=!head -c ${80 * 1024 ** 2 + 1} /dev/zero`, "print"];
  await assert.rejects(
    callGit({ words, limitMs: 60_000, signal }),
    (error) => error instanceof GitError && error.tooMuch,
  );
});
