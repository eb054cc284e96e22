import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  isRunning,
  type ProcessRecord,
  processOf,
  readProcessRecord,
  removeProcessRecord,
  signalProcess,
  writeProcessRecord,
} from "../../src/process-record.ts";

function mine(): ProcessRecord {
  const record = processOf(process.pid);
  assert.ok(record);
  return record;
}

test("a running process is recognised, and one that got its pid later is not", () => {
  const record = mine();
  assert.equal(isRunning(record), true);
  assert.equal(isRunning({ ...record, start: `${record.start}0` }), false);
});

test("a signal reaches the process on record only, and a killed process is gone", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  try {
    const record = processOf(child.pid ?? 0);
    assert.ok(record);
    assert.equal(signalProcess({ ...record, start: "earlier" }, "SIGKILL"), false);
    assert.equal(isRunning(record), true);
    const exit = once(child, "exit");
    assert.equal(signalProcess(record, "SIGKILL"), true);
    await exit;
    assert.equal(isRunning(record), false);
    assert.equal(signalProcess(record, "SIGKILL"), false);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a record is read as it was written; a file that is none counts as absent", () => {
  const folder = mkdtempSync(join(tmpdir(), "orchestra-record-"));
  try {
    const path = join(folder, "deeper", "up.json");
    assert.equal(readProcessRecord(path), undefined);
    const record = mine();
    writeProcessRecord(path, record);
    assert.deepEqual(readProcessRecord(path), record);
    removeProcessRecord(path, { ...record, start: "another" });
    assert.deepEqual(readProcessRecord(path), record);
    removeProcessRecord(path, record);
    assert.equal(readProcessRecord(path), undefined);
    for (const text of ["", "null", "[]", '{"pid":"1","start":"x"}', '{"pid":1}', "{"]) {
      writeFileSync(path, text);
      assert.equal(readProcessRecord(path), undefined, text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
