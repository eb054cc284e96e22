// What the worker remembers: crashes and their back-off, probes' answers, readiness, and what survives a restart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PodTemplate, type ResolvedProbe, resolveTemplate } from "../../../src/model/template.ts";
import {
  backoffMs,
  crashed,
  endedWithHost,
  newMemory,
  type PodMemory,
  probed,
  refused,
  settled,
  silenced,
  started,
} from "../../../src/worker/history.ts";
import { kept, keptFromStatus, recalled, reconciled, restartRules } from "../../../src/worker/last-known.ts";
import { freshProbe, probeAnswered } from "../../../src/worker/probing.ts";
import { readiness } from "../../../src/worker/readiness.ts";
import type { ContainerState } from "../../../src/worker/runtime.ts";

const container: ContainerState = {
  id: "c1".padEnd(64, "0"),
  pod: "p1",
  deployment: "web",
  slot: 0,
  revision: "r1",
  state: "running",
  ip: "10.42.0.2",
  startedAt: "s1",
};
const plain = resolve({});

function resolve(fields: Partial<PodTemplate>) {
  return resolveTemplate({ image: "demo:1", ...fields });
}

function probeOf(fields: Partial<NonNullable<PodTemplate["readiness"]>>): ResolvedProbe {
  const probe = resolve({ readiness: { tcp: { port: 80 }, ...fields } }).readiness;
  assert.ok(probe);
  return probe;
}

const end = { exitCode: 1, removed: false };
const runAt = (memory: PodMemory, now: number) => started(memory, { ...container, startedAt: `s${now}` }, now);

test("the back-off begins with the second crash in a row, doubles, and has a limit", () => {
  const waits = [1, 2, 3, 4, 8, 9, 1_000].map((crashes) => backoffMs(plain, crashes));
  assert.deepEqual(waits, [0, 1_000, 2_000, 4_000, 60_000, 60_000, 60_000]);
});

test("what a registry refused is tried again within a minute, what this host refused within seconds", () => {
  const waitAfter = (code: "PORT_TAKEN" | "IMAGE_NOT_FOUND", tries: number) => {
    let memory = newMemory;
    for (let at = 0; at < tries; at += 1) memory = refused(memory, { reason: { code, message: "" }, final: false }, 0);
    return memory.refusal?.notBefore;
  };
  assert.deepEqual(
    [1, 2, 3, 4, 20].map((tries) => waitAfter("PORT_TAKEN", tries)),
    [1_000, 2_000, 4_000, 5_000, 5_000],
  );
  assert.deepEqual(
    [1, 20].map((tries) => waitAfter("IMAGE_NOT_FOUND", tries)),
    [1_000, 60_000],
  );
});

test("crashes in a row count up, and a long life makes the next one the first again", () => {
  let memory = crashed(runAt(newMemory, 0), end, plain, 500);
  memory = crashed(runAt(memory, 500), end, plain, 1_000);
  assert.deepEqual([memory.restarts, memory.crashes, memory.startNotBefore], [2, 2, 2_000]);
  memory = crashed(runAt(memory, 2_000), end, plain, 62_001);
  assert.deepEqual([memory.restarts, memory.crashes, memory.startNotBefore], [3, 1, 62_001]);
});

test("an end with the host is no crash, and what happened shortly before a silence is forgiven", () => {
  const up = runAt(newMemory, 0);
  assert.deepEqual(endedWithHost(up), { ...newMemory });
  const bad = { code: "BAD_COMMAND", message: "no" } as const;
  const memory = silenced(refused(crashed(up, end, plain, 500), { reason: bad, final: true }, 600), 1_000);
  assert.deepEqual([memory.restarts, memory.crashes, memory.startNotBefore, memory.lastEnd], [0, 0, 0, undefined]);
  assert.equal(memory.refusal, undefined);
  const old = refused(crashed(up, end, plain, 500), { reason: bad, final: true }, 600);
  assert.deepEqual(silenced(old, 30_000), old);
});

test("a pod that is gone, starved or dead says why", () => {
  const reasons = [
    crashed(runAt(newMemory, 0), { exitCode: 3, removed: false }, plain, 1),
    crashed(
      runAt(newMemory, 0),
      { exitCode: 137, oomKilled: true, removed: false },
      resolve({ resources: { memory: "64Mi" } }),
      1,
    ),
    crashed(runAt(newMemory, 0), { removed: true }, plain, 1),
  ].map(({ lastEnd }) => `${lastEnd?.reason.code} ${lastEnd?.reason.message}`);
  assert.match(reasons[0] ?? "", /^CRASHED ended with exit code 3/);
  assert.match(reasons[1] ?? "", /^OUT_OF_MEMORY .*64Mi;/);
  assert.match(reasons[2] ?? "", /^CRASHED its container was removed/);
});

test("a waiting pod is asked faster and faster apart, up to its period; a ready one once a period", () => {
  const probe = probeOf({ periodSeconds: 1 });
  let memory = freshProbe(0, false);
  const gaps: number[] = [];
  for (let asked = 0; asked < 7; asked += 1) {
    memory = probeAnswered(memory, probe, { ok: false, message: "no" }, 0, true);
    gaps.push(memory.nextAt);
  }
  assert.deepEqual(gaps, [50, 100, 200, 400, 800, 1_000, 1_000]);
  memory = probeAnswered(memory, probe, { ok: true, message: "" }, 0, true);
  assert.deepEqual([memory.ok, memory.nextAt], [true, 1_000]);
});

test("content probes with one period come due together, a tenth of it late at most; one that fails comes on time", () => {
  const probe = probeOf({ periodSeconds: 10 });
  const next = (ok: boolean, now: number) =>
    probeAnswered(freshProbe(0, true), probe, { ok, message: "no" }, now, true).nextAt;
  assert.deepEqual([next(true, 1), next(true, 700), next(true, 1_000)], [11_000, 11_000, 11_000]);
  assert.equal(next(false, 700), 10_700);
});

test("a probe's thresholds count answers in a row", () => {
  const probe = probeOf({ failureThreshold: 2, successThreshold: 2 });
  const answers = [true, true, false, true, false, false, true, true];
  let memory = freshProbe(0, false);
  const states = answers.map((ok) => {
    memory = probeAnswered(memory, probe, { ok, message: "no" }, 0, false);
    return memory.ok;
  });
  assert.deepEqual(states, [false, true, true, true, true, false, false, true]);
});

test("liveness that fails ends the run, which is no longer ready", () => {
  const template = resolve({ liveness: { tcp: { port: 80 }, failureThreshold: 1 } });
  assert.ok(template.liveness);
  const memory = probed(
    settled(runAt(newMemory, 0), true),
    "liveness",
    template.liveness,
    { ok: false, message: "silent" },
    5,
  );
  assert.equal(readiness(memory, container, template, 5_000).ready, false);
  const ended = crashed(memory, end, template, 6_000);
  assert.deepEqual([ended.lastEnd?.reason.code, ended.crashes], ["LIVENESS_FAILED", 1]);
});

test("without a probe a pod is ready when it has lived long enough for what it has done before", () => {
  const fresh = runAt(newMemory, 1_000);
  assert.deepEqual(readiness(fresh, container, plain, 1_050), { ready: false, from: 1_100 });
  assert.equal(readiness(fresh, container, plain, 1_100).ready, true);
  const onceReady = runAt(crashed(settled(fresh, true), end, plain, 5_000), 5_000);
  assert.equal(readiness(onceReady, container, plain, 5_000).ready, true);
  const neverReady = runAt(crashed(fresh, end, plain, 1_050), 1_050);
  assert.deepEqual(readiness(neverReady, container, plain, 1_100), { ready: false, from: 2_050 });
  const looping = runAt({ ...onceReady, crashes: 3 }, 9_000);
  const { run: _old, ...between } = looping;
  assert.deepEqual(readiness(runAt(between, 9_000), container, plain, 9_000), { ready: false, from: 11_000 });
});

test("the image's own HEALTHCHECK decides only where there is no readiness probe", () => {
  const memory = runAt(newMemory, 0);
  const unhealthy = { ...container, health: "unhealthy" as const };
  assert.equal(readiness(memory, unhealthy, plain, 60_000).ready, false);
  assert.equal(readiness(memory, { ...container, health: "healthy" }, plain, 0).ready, true);
  const probing = resolve({ readiness: { tcp: { port: 80 } } });
  const passed = probed(memory, "readiness", probeOf({}), { ok: true, message: "" }, 1);
  assert.equal(readiness(passed, unhealthy, probing, 1).ready, true);
});

test("a restart of the worker keeps readiness and counts of the same process, and waits anew", () => {
  const memory = settled(runAt({ ...newMemory, restarts: 4, crashes: 3 }, 7), true);
  const again = recalled(JSON.parse(JSON.stringify(kept(memory))), undefined, 100);
  assert.deepEqual([again.run?.ready, again.run?.container, again.restarts, again.crashes], [true, container.id, 4, 3]);
  assert.equal(started(again, { ...container, startedAt: "s7" }, 100).run?.ready, true);
  assert.equal(started(again, { ...container, startedAt: "later" }, 100).run?.ready, false);
  const slow = { revision: "r1", deployment: "web", slot: 0 };
  const restartOf = restartRules({
    placements: [{ ...slow, pod: "p1" }],
    templates: { "web/r1": { image: "demo:1", restart: { backoffSeconds: 30 } } },
  });
  const crash = kept(crashed(memory, end, plain, 10));
  assert.equal(recalled(crash, restartOf("p1"), 100).startNotBefore, 100 + 60_000);
  assert.equal(recalled(crash, restartOf("p2"), 100).startNotBefore, 100 + backoffMs(plain, 4));
});

test("where the disk has nothing, the store's status of the same container counts", () => {
  const status = {
    pod: "p1",
    phase: "ready" as const,
    restarts: 2,
    container: container.id.slice(0, 12),
    startedAt: "s1",
  };
  assert.equal(recalled(keptFromStatus(status, container.id), undefined, 0).run?.ready, true);
  assert.equal(recalled(keptFromStatus(status, "d".repeat(64)), undefined, 0).run, undefined);
  const crashing = keptFromStatus({ ...status, phase: "starting", restarts: 3 }, undefined);
  assert.equal(recalled(crashing, undefined, 100).startNotBefore, 100 + backoffMs(plain, 3));
});

test("a kill between the store's word and the disk's loses no readiness", () => {
  const calm = { restarts: 0, crashes: 0, everReady: false };
  const run = (ready: boolean, startedAt?: string) => ({
    run: { container: "c1", ready, ...(startedAt === undefined ? {} : { startedAt }) },
  });
  const isReady = (disk: object, store: object) =>
    reconciled({ ...calm, ...disk }, { ...calm, ...store })?.run?.ready ?? "no run";
  assert.equal(isReady(run(false), run(true, "t1")), true, "the disk is behind");
  assert.equal(isReady({}, run(true, "t1")), true, "the disk is further behind");
  assert.equal(isReady(run(true, "t1"), run(false, "t1")), true, "the store is behind");
  assert.equal(isReady(run(false, "t2"), run(true, "t1")), false, "it has restarted since the store's word");
  assert.equal(reconciled(undefined, undefined), undefined);
});

test("all ends of an engine's shutdown are taken back, not only the last, and none from before it", () => {
  const old = crashed(runAt(newMemory, 0), end, plain, 1_000);
  const again = crashed(started(old, container, 30_000), end, plain, 31_000);
  const last = crashed(started(again, container, 31_500), end, plain, 32_000);
  assert.equal(last.restarts, 3);
  const { restarts, crashes, startNotBefore } = silenced(last, 33_000);
  assert.deepEqual({ restarts, crashes, startNotBefore }, { restarts: 1, crashes: 1, startNotBefore: 0 });
});
