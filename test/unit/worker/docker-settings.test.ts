// What counts as changed of a container's limits, in whichever way an engine writes them, and what would make them as they were.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changedSettings, settingsOf } from "../../../src/worker/docker-settings.ts";

const all = { CpuCfsQuota: true, MemoryLimit: true, SwapLimit: true, PidsLimit: true };
const limited = settingsOf({ resources: { cpuMilli: 1500, memoryBytes: 64 * 1024 ** 2, pids: 50 } });
const free = settingsOf({ resources: { cpuMilli: 0, memoryBytes: 0, pids: 0 } });
/** As an engine tells what nobody has set. */
const unset = { NanoCpus: 0, CpuQuota: 0, CpuPeriod: 0, CpuShares: 0, CpusetCpus: "", CpusetMems: "", BlkioWeight: 0 };
const told = { ...unset, Memory: 0, MemorySwap: 0, MemoryReservation: 0 };
const no = { RestartPolicy: { Name: "no", MaximumRetryCount: 0 } };

test("what nobody has touched is as it was asked for", () => {
  assert.deepEqual(changedSettings(limited, { ...told, ...limited, ...no }, all), []);
  assert.deepEqual(changedSettings(free, { ...told, ...no, PidsLimit: 0 }, all), []);
  for (const RestartPolicy of [{ Name: "" }, { Name: "no" }])
    assert.deepEqual(changedSettings(free, { RestartPolicy }, all), []);
});

test("each change is told in words, with how it is taken back where an update can", () => {
  const found = { ...told, ...limited, ...no };
  const changed = (fields: object, asked = limited) =>
    changedSettings(asked, { ...found, ...fields }, all).map(
      ({ what, is, should, restore }) => `${what}: ${is}, not ${should}; ${restore?.join(" ") ?? "anew"}`,
    );
  assert.deepEqual(changed({ NanoCpus: 500_000_000 }), ["cpu limit: 500m, not 1500m; --cpus 1.5"]);
  const restore = "--memory 67108864 --memory-swap 67108864";
  const halved = { Memory: 32 * 1024 ** 2, MemorySwap: 32 * 1024 ** 2 };
  assert.deepEqual(changed(halved), [`memory limit: 32Mi, not 64Mi; ${restore}`]);
  assert.deepEqual(changed({ MemorySwap: 80 * 1024 ** 2 }), [`swap beside it: 16Mi, not none; ${restore}`]);
  assert.deepEqual(changed({ MemorySwap: -1 }), [`swap beside it: unlimited, not none; ${restore}`]);
  assert.deepEqual(changed({ PidsLimit: 10 }), ["limit of processes: 10, not 50; --pids-limit 50"]);
  assert.deepEqual(changed({ RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } }), [
    "restart policy: on-failure:3, not no; --restart no",
  ]);
  assert.deepEqual(changed({ CpuShares: 512, CpusetCpus: "0" }), [
    "share of cpu: 512, not none; anew",
    "set of cpus: 0, not none; anew",
  ]);
  // An update takes no limit of memory or cpu away.
  assert.deepEqual(changed({}, free), [
    "cpu limit: 1500m, not none; anew",
    "memory limit: 64Mi, not none; anew",
    "limit of processes: 50, not none; --pids-limit -1",
  ]);
  const byQuota = changedSettings(free, { ...told, ...no, CpuQuota: 50_000 }, all);
  assert.deepEqual(byQuota, [{ what: "cpu limit", is: "500m", should: "none" }]);
});

test("what the engine's kernel cannot limit is no difference", () => {
  const none = { CpuCfsQuota: false, MemoryLimit: false, SwapLimit: false, PidsLimit: false };
  assert.deepEqual(changedSettings(limited, { ...told, ...no, MemorySwap: -1 }, none), []);
});
