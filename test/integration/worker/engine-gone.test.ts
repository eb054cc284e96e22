// The engine is killed and restarted in the middle of a start of twenty, and while pods run: nothing is stopped, nothing counts as a crash.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../../../src/log.ts";
import { silentLog } from "../../../src/log.ts";
import { eventually } from "../../support/eventually.ts";
import { ownEngine } from "../../support/own-engine.ts";
import { all, demoImage, workerLab } from "../../support/worker-lab.ts";

const pods = 20;

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`an engine that gets ${signal} in the middle of a start comes back, and all pods with it`, async (t) => {
    const engine = await ownEngine(demoImage);
    const lab = await workerLab(t, { engine });
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
    await lab.start({ log });
    // Not from one moment to the next: an end shortly before a silence is taken back, and would hide another one.
    const crashes = async () =>
      (await lab.statuses()).filter(({ restarts, reason }) => restarts > 0 || reason?.code === "CRASHED");
    await lab.place("web", { stop: { graceSeconds: 1 } }, pods);
    await lab.until("some are ready", (now) => now.filter(({ phase }) => phase === "ready").length >= 5);
    await engine.end(signal);
    const during = await lab.statuses();
    assert.ok(
      during.every(({ phase }) => !["failed", "stopped", "stopping"].includes(phase)),
      JSON.stringify(during),
    );
    assert.equal(warnings.length <= 1, true, `said more than once: ${warnings.join("; ")}`);
    await engine.start();
    await lab.until("all are ready", all(pods, "ready"), 60_000);
    const containers = await lab.docker.listContainers({ all: true });
    assert.equal(containers.length, pods);
    assert.ok(containers.every(({ State }) => State === "running"));
    assert.deepEqual(await crashes(), [], "an end or a start with the engine counted as a crash");

    await engine.end(signal);
    await engine.start();
    const isBack = async () => (await lab.docker.listContainers()).length === pods;
    await eventually("all run again", isBack, 60_000);
    await lab.until("and are ready", (now) => all(pods, "ready")(now) && now.every(({ ip }) => ip), 60_000);
    assert.deepEqual(await crashes(), [], "an end with the engine counted as a crash");
  });
}
