// What goes wrong on a real engine, and what the worker makes of it.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { failuresKey } from "../../../src/model/keys.ts";
import type { PodStatus } from "../../../src/model/pod.ts";
import { eventually } from "../../support/eventually.ts";
import { all, demoImage, workerLab } from "../../support/worker-lab.ts";

const { signal } = new AbortController();
const only = (statuses: readonly PodStatus[]) => statuses[0];

test("a container that is removed or stopped by hand comes back under the same pod id", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  const [placed] = await lab.place("web", {}, 1);
  const first = only(await lab.until("ready", all(1, "ready")));
  assert.equal(first?.pod, placed?.pod);
  await lab.docker.getContainer(first?.container ?? "").remove({ force: true });
  const second = only(
    await lab.until("ready again", (now) => all(1, "ready")(now) && only(now)?.container !== first?.container),
  );
  assert.equal(second?.restarts, 1);
  await lab.docker.getContainer(second?.container ?? "").stop();
  const third = only(await lab.until("started again", (now) => only(now)?.restarts === 2 && all(1, "ready")(now)));
  assert.equal(third?.container, second?.container);
  assert.equal(third?.exitCode, 0);
});

test("a container that is paused by hand is not ready and says so, is ready again after it, and can be stopped meanwhile", async (t) => {
  const lab = await workerLab(t);
  const worker = await lab.start();
  await lab.place("web", {}, 1);
  const first = only(await lab.until("ready", all(1, "ready")));
  const container = lab.docker.getContainer(first?.container ?? "");
  await container.pause();
  const paused = only(await lab.until("not ready", all(1, "running")));
  assert.deepEqual([paused?.reason?.code, paused?.restarts, paused?.ip], ["NOT_READY", 0, first?.ip]);
  assert.match(paused?.reason?.message ?? "", new RegExp(`paused.*docker unpause ${first?.container}`));
  await container.unpause();
  assert.deepEqual(only(await lab.until("ready again", all(1, "ready"))), first);
  await worker.close();
  await container.pause();
  await lab.start();
  await lab.until("found paused", all(1, "running"));
  await lab.change((old) => old.map((placement) => ({ ...placement, stop: { reason: "delete" } })));
  await lab.until("stopped", all(1, "stopped"));
});

test("a crashing pod is restarted with back-off, never counts as ready for long, and its last words are kept", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("web", { env: { CRASH_AFTER: "20", EXIT_CODE: "3" } }, 1);
  const status = only(await lab.until("two restarts", (now) => (only(now)?.restarts ?? 0) >= 2));
  assert.equal(status?.exitCode, 3);
  assert.equal(status?.reason?.code, "CRASHED");
  assert.notEqual(status?.phase, "ready");
  const failures = async () => (await lab.store.read(failuresKey(lab.node)))?.value.failures ?? [];
  // An engine that is slow to give them loses the lines of one end, and not of each.
  const lastLine = async () => (await failures())[0]?.lines.at(-1) === "crashing, as CRASH_AFTER says";
  await eventually("its last words", lastLine, 60_000);
  assert.deepEqual(
    (await failures()).map(({ exitCode }) => exitCode),
    [3],
  );
});

test("a pod that needs more memory than its limit says so", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("web", { env: { EAT_MEMORY: "200" }, resources: { memory: "32Mi" } }, 1);
  // The engine may tell the cause only after the end.
  const status = only(await lab.until("the end and its cause", (now) => only(now)?.reason?.code === "OUT_OF_MEMORY"));
  assert.ok((status?.restarts ?? 0) >= 1, JSON.stringify(status));
  assert.match(status?.reason?.message ?? "", /32Mi/);
});

test("broken templates have a reason each and keep no other pod waiting", async (t) => {
  const lab = await workerLab(t);
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => void server.close());
  const taken = await new Promise<number>((resolve) =>
    server.on("listening", () => resolve((server.address() as { port: number }).port)),
  );
  await lab.start();
  const broken = {
    BAD_COMMAND: { command: ["/no/such/program"] },
    IMAGE_NOT_PRESENT: { image: "localhost:1/none:1", imagePullPolicy: "Never" as const },
    IMAGE_PULL_FAILED: { image: "localhost:1/none:1" },
    PORT_TAKEN: { ports: [{ containerPort: 8080, hostPort: taken, hostIP: "127.0.0.1" }] },
    BAD_TEMPLATE: { workingDir: "not/absolute" },
  };
  const ids = new Map<string, string>();
  for (const [code, template] of Object.entries(broken)) {
    const [placed] = await lab.place(code.toLowerCase().replaceAll("_", "-"), template, 1);
    ids.set(placed?.pod ?? "", code);
  }
  await lab.place("fine", {}, 2);
  const statuses = await lab.until("reasons for the broken, readiness for the fine", (now) => {
    const reasons = now.filter(({ reason }) => reason !== undefined);
    return reasons.length === ids.size && now.filter(({ phase }) => phase === "ready").length === 2;
  });
  for (const { pod, phase, reason } of statuses) {
    const code = ids.get(pod);
    if (code === undefined) continue;
    assert.equal(reason?.code, code, reason?.message);
    assert.equal(phase === "failed", code === "BAD_COMMAND" || code === "BAD_TEMPLATE", `${code} is ${phase}`);
  }
  server.close();
  await lab.until(
    "the port is free, and its pod comes up",
    (now) => now.filter(({ phase }) => phase === "ready").length === 3,
  );
});

test("an unlabelled container with a pod's name is left alone, and is the reason why the pod waits", async (t) => {
  const lab = await workerLab(t);
  const pod = `aaaaaa${lab.cluster.slice(0, 6)}`;
  const name = `orchestra-web-0-${pod}`;
  const other = await lab.docker.createContainer({ name, Image: demoImage });
  t.after(() => other.remove({ force: true }).catch(() => {}));
  await other.start();
  await lab.start();
  const [placed] = await lab.place("web", {}, 1);
  assert.ok(placed);
  await lab.change(() => [{ ...placed, pod }]);
  const status = only(await lab.until("a reason", (now) => only(now)?.pod === pod && only(now)?.reason !== undefined));
  assert.match(status?.reason?.message ?? "", new RegExp(`not ours has the name ${name}`));
  await lab.change(() => [{ ...placed, pod, stop: { reason: "delete" } }]);
  await lab.until("stopped", all(1, "stopped"));
  assert.equal((await other.inspect()).State.Running, true);
});

test("a stray of this node is removed, one of another node or cluster is not, and nothing is without a placements document", async (t) => {
  const lab = await workerLab(t);
  const create = async (cluster: string, node: string) => {
    const container = await lab.docker.createContainer({
      Image: demoImage,
      Labels: {
        "orchestra.cluster": cluster,
        "orchestra.node": node,
        "orchestra.deployment": "old",
        "orchestra.slot": "0",
        "orchestra.pod": "bbbbbbbbbbbb",
        "orchestra.revision": "r",
      },
    });
    t.after(() => container.remove({ force: true }).catch(() => {}));
    await container.start();
    return container;
  };
  const stray = await create(lab.cluster, lab.node);
  const foreign = [await create(lab.cluster, "node-2"), await create("ffffffff", lab.node)];
  await lab.start();
  assert.equal((await lab.runtime.list(signal)).length, 1);
  await lab.place("web", {}, 1);
  await lab.until("ready", all(1, "ready"));
  const isGone = () =>
    stray.inspect().then(
      () => false,
      () => true,
    );
  await eventually("the stray is gone", isGone);
  for (const container of foreign) assert.equal((await container.inspect()).State.Running, true);
});

test("liveness that fails restarts the pod, and the image's own HEALTHCHECK makes it ready", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("dead", { liveness: { tcp: { port: 81 }, periodSeconds: 1, failureThreshold: 1 } }, 1);
  const status = only(await lab.until("a restart", (now) => (only(now)?.restarts ?? 0) >= 1));
  assert.equal(status?.reason?.code, "LIVENESS_FAILED");
  await lab.change(() => []);
  await lab.place("slow", { image: "orchestra-demo:healthcheck", env: { READY_AFTER: "1500" } }, 1);
  await lab.until("running, not ready", (now) => now.some(({ phase }) => phase === "running"));
  await lab.until("ready", (now) => now.some(({ phase }) => phase === "ready"));
});

test("probes by exec and http decide readiness, and a pod that stops answering leaves it", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  const probes = {
    exec: { exec: { command: ["/demo", "probe", "http://127.0.0.1:8080/readyz"] } },
    http: { http: { path: "/readyz", port: 8080 }, failureThreshold: 1 },
  };
  await lab.place("by-exec", { readiness: probes.exec, env: { READY_AFTER: "300" } }, 1);
  await lab.place("by-http", { readiness: probes.http, env: { DRAIN: "8000" } }, 1);
  const ready = await lab.until("both ready", all(2, "ready"));
  const [byHttp] = await lab.runtime
    .list(signal)
    .then((all) => all.filter(({ deployment }) => deployment === "by-http"));
  await lab.runtime.kill(byHttp?.id ?? "", "SIGTERM", signal);
  const now = await lab.until("the draining one is not ready", (now) => now.some(({ phase }) => phase === "running"));
  const draining = now.find(({ phase }) => phase === "running");
  assert.equal(draining?.reason?.code, "NOT_READY");
  assert.equal(draining?.pod, byHttp?.pod);
  assert.equal(ready.length, now.length);
});
