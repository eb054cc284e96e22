// kill -9 of a worker at random moments of a start of twenty: no twin, no orphan, and the next one finishes the work.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { randomOf, rounds, seed } from "../../support/rounds.ts";
import { all, type Lab, workerLab } from "../../support/worker-lab.ts";

const pods = 20;
const child = new URL("../../support/worker-child.ts", import.meta.url).pathname;

test(`a worker killed at any moment of a start of ${pods} leaves no twin and no orphan (seed ${seed})`, async (t) => {
  const lab = await workerLab(t);
  const random = randomOf("killed worker");
  let worker = await startChild(lab);
  t.after(() => void worker.kill("SIGKILL"));
  for (let round = 0; round < rounds; round += 1) {
    await lab.place(`web${round}`, {}, pods);
    const kills = 1 + Math.floor(random() * 3);
    for (let kill = 0; kill < kills; kill += 1) {
      await pause(Math.floor(random() * 1_500));
      worker.kill("SIGKILL");
      await once(worker, "exit");
      worker = await startChild(lab);
    }
    await lab.until("all are ready", all(pods, "ready"), 60_000);
    await checkTwins(lab, pods);
    await lab.change((old) => old.map((placement) => ({ ...placement, stop: { reason: "delete" } })));
    await pause(Math.floor(random() * 300));
    worker.kill("SIGKILL");
    await once(worker, "exit");
    worker = await startChild(lab);
    await lab.until("all are stopped", all(pods, "stopped"), 60_000);
    await checkTwins(lab, 0);
    await lab.change(() => []);
    await lab.until("no status is left", (statuses) => statuses.length === 0);
  }
});

/** Exactly one container for each placement, and nothing else of this cluster. */
async function checkTwins(lab: Lab, count: number): Promise<void> {
  const filters = { label: [`orchestra.cluster=${lab.cluster}`] };
  const containers = await lab.docker.listContainers({ all: true, filters });
  const ids = containers.map(({ Labels }) => Labels["orchestra.pod"]);
  assert.equal(new Set(ids).size, ids.length, "a pod has two containers");
  assert.equal(ids.length, count);
}

async function startChild(lab: Lab): Promise<ChildProcess> {
  const args = [child, lab.store.url, join(lab.folder, lab.cluster)];
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(worker.stdout ?? worker, "data");
  return worker;
}
