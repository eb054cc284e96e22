// A pod's life on a real engine: it starts, is taken over, is restarted, drains and leaves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeKey } from "../../../src/model/keys.ts";
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

test("the next worker takes over without a restart, a lost readiness or a status that changes", async (t) => {
  const lab = await workerLab(t);
  const first = await lab.start();
  await lab.place("web", { readiness: { http: { path: "/readyz", port: 8080 } } }, 3);
  await lab.place("plain", {}, 2);
  const before = await lab.until("five ready pods", all(5, "ready"));
  await first.close();
  const second = await lab.start();
  await lab.place("more", {}, 1);
  const after = await lab.until("a sixth ready pod", all(6, "ready"));
  for (const status of before)
    assert.deepEqual(
      after.find(({ pod }) => pod === status.pod),
      status,
    );
  await second.close();
});

test("a second worker of the same node is refused while the first one lives", async (t) => {
  const lab = await workerLab(t);
  const first = await lab.start();
  await assert.rejects(lab.start(), { code: "conflict" });
  await first.close();
  await lab.start();
});

test("a pod that was ready drains before its signal, and serves until then", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("web", { env: { IGNORE_SIGTERM: "1" }, stop: { drainSeconds: 1, graceSeconds: 1 } }, 1);
  const [ready] = await lab.until("ready", all(1, "ready"));
  const told = performance.now();
  await lab.change((old) => old.map((placement) => ({ ...placement, stop: { reason: "rollout" } })));
  await lab.until("stopping", all(1, "stopping"));
  assert.equal((await fetch(`http://${ready?.ip}:8080/healthz`)).status, 200);
  await lab.until("stopped", all(1, "stopped"));
  // A drain and a grace must both have passed: shorter would be wrong, longer is only slow.
  assert.ok(performance.now() - told >= 2_000);
});

test("containers find their node's resolver, their own name and the limits that the manifest gives", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  const resources = { cpu: "250m", memory: "64Mi", pids: 50 };
  await lab.place("web", { resources, labels: { "orchestra.node": "mine", team: "shop" } }, 1);
  const [status] = await lab.until("ready", all(1, "ready"));
  const { Config, HostConfig, Name } = await lab.docker.getContainer(status?.container ?? "").inspect();
  const { network } = (await lab.store.read(nodeKey(lab.node)))?.value ?? {};
  assert.equal(network?.name, `orchestra-${lab.cluster}`);
  assert.equal(Name, `/orchestra-web-0-${status?.pod}`);
  assert.equal(Config.Hostname, "web-0");
  assert.deepEqual([Config.Labels["orchestra.node"], Config.Labels["team"]], [lab.node, "shop"]);
  assert.deepEqual([HostConfig.Dns, HostConfig.DnsSearch], [[network?.gateway], ["cluster.local"]]);
  assert.deepEqual(
    [HostConfig.NanoCpus, HostConfig.Memory, HostConfig.MemorySwap, HostConfig.PidsLimit],
    [250_000_000, 64 * 1024 ** 2, 64 * 1024 ** 2, 50],
  );
  assert.deepEqual(HostConfig.LogConfig, { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } });
  assert.deepEqual(HostConfig.SecurityOpt, ["no-new-privileges"]);
  assert.equal(HostConfig.RestartPolicy?.Name, "no");
});
