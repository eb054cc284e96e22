// A pod's life on a real engine: it starts, is taken over, is restarted, drains and leaves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { all, workerLab } from "../../support/worker-lab.ts";

test("pods are started, become ready, and are removed when they must stop", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("web", { readiness: { http: { path: "/readyz", port: 8080 } } }, 3);
  const statuses = await lab.until("three ready pods", all(3, "ready"));
  for (const status of statuses) assert.match(status.ip ?? "", /^10\.42\.\d+\.\d+$/);
  await lab.change((old) => old.map((placement) => ({ ...placement, stop: { reason: "scale-down" } })));
  await lab.until("three stopped pods", all(3, "stopped"));
  assert.deepEqual(await lab.runtime.list(new AbortController().signal), []);
  await lab.change(() => []);
  await lab.until("no status is left", (left) => left.length === 0);
});
