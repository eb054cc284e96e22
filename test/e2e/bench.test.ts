// A benchmark that a signal ends leaves nothing behind: no process, no container, no file.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import { whyNoLab } from "../support/lab.ts";
import { labTraces, processesOf } from "../support/leftovers.ts";
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

const noLab = whyNoLab() ?? false;

for (const [name, signal, begun, skip] of [
  ["idle", "SIGTERM", "orchestra-bench-*/state/*/dns/coredns.json", false],
  ["dns", "SIGINT", "orchestra-test-dns-*/dns/coredns.json", false],
  ["hosts", "SIGTERM", "orchestra-lab-*/host-1/state/*/dns/coredns.json", noLab],
] as const) {
  test(`bench/${name}.ts ends all that it has started when ${signal} ends it`, { skip }, async (t) => {
    const folder = await tempFolder(t);
    const bench = start(t, name, folder);
    const ended = once(bench, "exit");
    await eventually("its CoreDNS runs", () => globSync(begun, { cwd: folder }).length > 0, startLimitMs);
    assert.ok(processesOf(folder).length > 1);
    const labs = globSync("orchestra-lab-*", { cwd: folder });
    bench.kill(signal);
    assert.notDeepEqual(await ended, [0, null]);
    await eventually("no process is left", () => processesOf(folder).length === 0);
    assert.deepEqual(readdirSync(folder), []);
    for (const lab of labs) await eventually("nothing of a lab is left", () => labTraces(lab).length === 0);
  });
}
