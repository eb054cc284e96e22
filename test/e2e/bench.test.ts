// A benchmark that a signal ends leaves nothing behind: no process, no container, no file.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import { tempFolder } from "../support/temp-folder.ts";

const startLimitMs = 60_000;

/** The benchmark with its files in `folder`, which tells its processes from all others. */
function start(t: TestContext, name: string, folder: string): ChildProcess {
  const path = fileURLToPath(new URL(`../../bench/${name}.ts`, import.meta.url));
  const bench = spawn(process.execPath, [path], { env: { ...process.env, TMPDIR: folder }, stdio: "ignore" });
  t.after(() => {
    for (const pid of processesOf(folder)) process.kill(pid, "SIGKILL");
  });
  return bench;
}

/** Those that were started with the folder in their command line or environment. */
function processesOf(folder: string): number[] {
  const isOne = (pid: string) => {
    try {
      return ["cmdline", "environ"].some((file) => readFileSync(`/proc/${pid}/${file}`, "utf8").includes(folder));
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isOne(name))
    .map(Number);
}

for (const [name, signal, begun] of [
  ["idle", "SIGTERM", "orchestra-bench-*/state/*/dns/coredns.json"],
  ["dns", "SIGINT", "orchestra-test-dns-*/dns/coredns.json"],
] as const) {
  test(`bench/${name}.ts ends all that it has started when ${signal} ends it`, async (t) => {
    const folder = await tempFolder(t);
    const bench = start(t, name, folder);
    const ended = once(bench, "exit");
    await eventually("its CoreDNS runs", () => globSync(begun, { cwd: folder }).length > 0, startLimitMs);
    assert.ok(processesOf(folder).length > 1);
    bench.kill(signal);
    assert.notDeepEqual(await ended, [0, null]);
    await eventually("no process is left", () => processesOf(folder).length === 0);
    assert.deepEqual(readdirSync(folder), []);
  });
}
