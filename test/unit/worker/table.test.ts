// What the table makes of the engine's news, in whatever order they come.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveTemplate } from "../../../src/model/template.ts";
import { newMemory, refused } from "../../../src/worker/history.ts";
import type { ContainerState } from "../../../src/worker/runtime.ts";
import { PodTable } from "../../../src/worker/table.ts";
import { container, placement } from "../../support/pod-views.ts";

const running = container();
const killed = container({ state: "exited", exitCode: 137, oomKilled: false });
const template = resolveTemplate({ image: "demo:1", resources: { memory: "64Mi" } });

/** The pod web-0, which runs; `told`: the ends as they are told to people. */
function runningTable() {
  const told: { readonly container: ContainerState; readonly code: string | undefined }[] = [];
  const table = new PodTable({
    recall: () => newMemory,
    sinceOf: () => 0,
    onCrash: (ended, _placement, { lastEnd }) => told.push({ container: ended, code: lastEnd?.reason.code }),
  });
  table.place([placement], () => template, true, 0);
  table.created("p1", running);
  table.looked("p1", running, table.asOf, 0);
  const event = (to: "exited" | "starved" | "running", now: number) =>
    table.event({ kind: "changed", container: running.id, to }, now);
  const look = (seen: ContainerState, now: number) => table.looked("p1", seen, table.asOf, now);
  const memory = () => table.views()[0]?.memory;
  return { table, told, event, look, memory };
}

test("the cause of an end counts when it is told before the end is looked at", () => {
  const { told, event, look, memory } = runningTable();
  event("exited", 100);
  event("starved", 101);
  look(killed, 102);
  assert.deepEqual(told, [{ container: killed, code: "OUT_OF_MEMORY" }]);
  assert.match(memory()?.lastEnd?.reason.message ?? "", /64Mi/);
});

test("the cause of an end counts when it is told after it, and after the restart", () => {
  for (const isUpAgain of [false, true]) {
    const { table, told, event, look, memory } = runningTable();
    event("exited", 100);
    look(killed, 101);
    assert.equal(memory()?.startNotBefore, 101, "nobody waits for a cause");
    if (isUpAgain) {
      table.startedNow("p1", 102);
      look(container({ startedAt: "s2" }), 103);
    }
    event("starved", 104);
    assert.deepEqual(told, [
      { container: killed, code: "CRASHED" },
      { container: killed, code: "OUT_OF_MEMORY" },
    ]);
    assert.equal(told[1]?.container, told[0]?.container, "so that its last lines are found again");
    assert.equal(memory()?.run?.starved, undefined);
    assert.deepEqual([memory()?.restarts, memory()?.crashes], [1, 1], "one end");
  }
});

test("a pod whose end was told does not become ready while the end is looked at, and one that was ready stays so", () => {
  const { table, event, look, memory } = runningTable();
  event("exited", 50);
  table.settle(150);
  assert.equal(memory()?.run?.ready, false);
  look(killed, 160);
  assert.equal(memory()?.everReady, false);
  table.startedNow("p1", 170);
  look(container({ startedAt: "s2" }), 180);
  table.settle(100_000);
  assert.equal(memory()?.run?.ready, true);
  event("exited", 100_001);
  table.settle(100_002);
  assert.equal(memory()?.run?.ready, true);
});

test("want of memory is the cause of no end that was long ago, or that came of something else", () => {
  const { table, told, event, look, memory } = runningTable();
  event("exited", 100);
  look(container({ state: "exited", exitCode: 3, oomKilled: false }), 101);
  table.startedNow("p1", 102);
  event("starved", 103);
  assert.equal(memory()?.lastEnd?.reason.code, "CRASHED");
  assert.equal(memory()?.run?.starved, true, "it is this run's");
  event("exited", 104);
  look(killed, 105);
  table.startedNow("p1", 106);
  event("starved", 60_000);
  assert.deepEqual(
    told.map(({ code }) => code),
    ["CRASHED", "OUT_OF_MEMORY"],
  );
});

test("a container that somebody removes while it is started again: that is told, and a new one is made at once", () => {
  for (const isEvent of [true, false]) {
    const { table, told, event, look, memory } = runningTable();
    event("exited", 100);
    look(killed, 101);
    const reason = { code: "ENGINE_ERROR", message: "its container is being removed" } as const;
    table.update("p1", (old) => refused(old, { reason, final: false, container: killed.id }, 102));
    if (isEvent) table.event({ kind: "changed", container: killed.id, to: "gone" }, 103);
    else table.listed([], table.asOf, false, 103);
    assert.equal(memory()?.refusal, undefined);
    assert.match(memory()?.lastEnd?.reason.message ?? "", /removed by someone else/);
    assert.equal(told.length, 2, "people hear of it, too");
    assert.equal(memory()?.restarts, 1, "one end");
  }
});

test("a container that this worker removes says nothing about how it ended, and its refusal stays", () => {
  const { table, event, look, memory } = runningTable();
  event("exited", 100);
  look(killed, 101);
  const reason = { code: "ENGINE_ERROR", message: "stuck" } as const;
  table.update("p1", (old) => refused(old, { reason, final: false, container: killed.id }, 102));
  table.begin({ do: "remove", pod: "p1", container: killed.id });
  table.event({ kind: "changed", container: killed.id, to: "gone" }, 103);
  assert.equal(memory()?.refusal?.attempts, 1, "its back-off goes on");
  assert.match(memory()?.lastEnd?.reason.message ?? "", /exit code 137/);
});

test("what ends while the engine is silent ends with it, until everything has been listed again", () => {
  const { table, told, event, look, memory } = runningTable();
  event("exited", 100);
  look(killed, 101);
  assert.equal(memory()?.restarts, 1);
  // A connection that is refused, while those that are open go on telling how the engine ends its containers.
  table.silent(200);
  assert.equal(memory()?.restarts, 0, "it was the shutdown");
  table.startedNow("p1", 201);
  event("exited", 202);
  look(killed, 203);
  assert.equal(memory()?.restarts, 0);
  assert.equal(told.length, 1, "the second end is no crash");
  table.update("p1", (old) =>
    refused(old, { reason: { code: "BAD_COMMAND", message: "shutting down" }, final: true }, 204),
  );
  table.heard(300);
  assert.equal(memory()?.refusal, undefined, "what it refused meanwhile is tried again");
  table.startedNow("p1", 301);
  event("exited", 302);
  look(killed, 303);
  assert.equal(memory()?.restarts, 1, "a crash is one again");
});

/** The engine has been silent, and lists the container without an address: this worker removes it, and makes another one. */
function foundCutOff({ table, look }: ReturnType<typeof runningTable>, seen: ContainerState) {
  table.silent(100);
  table.listed([seen], table.asOf, true, 200);
  look(seen, 201);
  table.heard(202);
  table.begin({ do: "remove", pod: "p1", container: seen.id });
  table.gone("p1", 203);
  table.end({ do: "remove", pod: "p1", container: seen.id });
}

const { ip: _address, ...cutOff } = running;

test("a process whose address went with the engine's silence has not crashed; one that was cut off by hand has lost its run", () => {
  const silent = runningTable();
  foundCutOff(silent, cutOff);
  assert.deepEqual(silent.told, []);
  assert.deepEqual([silent.memory()?.restarts, silent.memory()?.run], [0, undefined]);
  const byHand = runningTable();
  byHand.table.event({ kind: "changed", container: running.id, to: "disconnected" }, 100);
  byHand.look(cutOff, 101);
  byHand.table.gone("p1", 102);
  assert.equal(byHand.told[0]?.code, "CRASHED");
  assert.equal(byHand.memory()?.restarts, 1);
});

test("a process that an engine was killed over while it started is no run: to remove it is no crash", () => {
  const lab = runningTable();
  lab.event("exited", 50);
  lab.table.silent(60);
  lab.look({ ...running, state: "exited" }, 70);
  const { startedAt: _never, ...halfStarted } = cutOff;
  foundCutOff(lab, halfStarted);
  assert.deepEqual(lab.told, []);
  assert.equal(lab.memory()?.restarts, 0);
});

test("a start that was answered and left the container without an address counts: it is tried again with back-off", () => {
  const { table, look, memory } = runningTable();
  for (const at of [100, 200]) {
    table.created("p1", container({ state: "created" }));
    table.startedNow("p1", at);
    look(cutOff, at + 1);
    table.gone("p1", at + 2);
  }
  assert.ok((memory()?.startNotBefore ?? 0) > 202, "nobody makes containers as fast as he can");
});
