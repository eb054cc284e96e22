// The engine is silent while its containers live on, as during an upgrade of Docker: what does not need it goes on, and others are told.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { type Log, silentLog } from "../../../src/log.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { statusesKey } from "../../../src/model/keys.ts";
import type { PodStatus } from "../../../src/model/pod.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import type { ContainerState, Runtime, RuntimeEvent } from "../../../src/worker/runtime.ts";
import { eventually } from "../../support/eventually.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { all, type Lab, workerLab } from "../../support/worker-lab.ts";

type Mood = "answers" | "refuses" | "hangs";

/** An engine in memory whose containers answer on this host, and which can fall silent while they live. */
function moodyEngine() {
  const memory = openMemory(memoryImages, systemClock);
  const watchers = new Set<(event: RuntimeEvent) => void>();
  let mood: Mood = "answers";
  let waiting: (() => void)[] = [];
  const asked: string[] = [];
  const answering = async (name: string) => {
    asked.push(name);
    if (mood === "hangs") await new Promise<void>((resolve) => waiting.push(resolve));
    if (mood !== "answers") throw new OrchestraError("unavailable", "connect ENOENT", { hint: "start the engine" });
  };
  const here = (container: ContainerState): ContainerState =>
    container.state === "running" ? { ...container, ip: "127.0.0.1" } : container;
  const runtime: Runtime = {
    info: (signal) => answering("info").then(() => memory.info(signal)),
    list: (signal) => answering("list").then(async () => (await memory.list(signal)).map(here)),
    networks: (name, signal) => answering("networks").then(() => memory.networks(name, signal)),
    createNetwork: (network, signal) => answering("createNetwork").then(() => memory.createNetwork(network, signal)),
    removeNetwork: (name, options, signal) => memory.removeNetwork(name, options, signal),
    pull: (template, onProgress, signal) => answering("pull").then(() => memory.pull(template, onProgress, signal)),
    create: (spec, signal) => answering("create").then(() => memory.create(spec, signal)),
    start: (id, signal) => answering("start").then(() => memory.start(id, signal)),
    kill: (id, name, signal) => answering("kill").then(() => memory.kill(id, name, signal)),
    remove: (id, signal) => answering("remove").then(() => memory.remove(id, signal)),
    inspect: (id, signal) => answering("inspect").then(async () => here(await memory.inspect(id, signal))),
    changed: (id, template, signal) => memory.changed(id, template, signal),
    watch(onEvent, signal) {
      watchers.add(onEvent);
      return memory.watch(onEvent, signal);
    },
    logs: (id, options, signal) => memory.logs(id, options, signal),
    exec: (id, options, signal) => answering("exec").then(() => memory.exec(id, options, signal)),
  };
  const be = (next: Mood) => {
    mood = next;
    asked.length = 0;
    for (const go of waiting) go();
    waiting = [];
    for (const tell of watchers) tell({ kind: next === "refuses" ? "lost" : "gap" });
  };
  return { runtime, be, asked };
}

/** Something that a TCP probe finds, until it is closed. */
async function answering(t: TestContext): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  const { port } = server.address() as { port: number };
  return { port, close: () => new Promise((resolve) => void server.close(() => resolve())) };
}

const engineOf = async ({ store, node }: Lab) => (await store.read(statusesKey(node)))?.value.engine;
const probed = (port: number) => ({ tcp: { port }, periodSeconds: 1, failureThreshold: 1 });
const phases = (statuses: readonly PodStatus[], pods: readonly { readonly pod: string }[]) =>
  pods.map(({ pod }) => statuses.find((status) => status.pod === pod)?.phase);

for (const mood of ["refuses", "hangs"] as const) {
  test(`an engine that ${mood}: pods are asked on, nothing is started, and what is not asked stays as it was`, async (t) => {
    const lab = await workerLab(t);
    const { runtime, be, asked } = moodyEngine();
    t.after(() => be("answers"));
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
    await lab.start({ runtime, log });
    const server = await answering(t);
    const [web] = await lab.place("web", { readiness: probed(server.port) }, 1);
    const [plain] = await lab.place("plain", {}, 1);
    const pods = [web ?? assert.fail(), plain ?? assert.fail()];
    await lab.until("ready", all(2, "ready"));

    be(mood);
    if (mood === "refuses") {
      const told = await eventually("the outage is told", () => engineOf(lab));
      assert.equal(told.reason, "connect ENOENT; start the engine");
      assert.ok(Date.parse(told.since) <= Date.now());
    } else await eventually("it is asked", () => asked.includes("list"));
    assert.deepEqual(phases(await lab.statuses(), pods), ["ready", "ready"]);
    const late = await lab.place("late", {}, 1);
    await server.close();
    await lab.until("the probe is heard", (now) => phases(now, pods).join() === "running,ready");
    assert.deepEqual(
      asked.filter((name) => name !== "info" && name !== "list"),
      [],
    );

    be("answers");
    await lab.until("the late one is ready", (now) => phases(now, late).join() === "ready");
    assert.equal(await engineOf(lab), undefined);
    const after = await lab.statuses();
    assert.deepEqual(
      after.map(({ restarts }) => restarts),
      [0, 0, 0],
    );
    assert.equal(warnings.length, mood === "refuses" ? 1 : 0, warnings.join("; "));
  });
}

test("a worker that starts beside a silent engine keeps what was told of its pods, and tells that the engine is silent", async (t) => {
  const lab = await workerLab(t);
  const { runtime, be } = moodyEngine();
  const first = await lab.start({ runtime });
  await lab.place("web", {}, 2);
  const before = await lab.until("ready", all(2, "ready"));
  await first.close();
  be("refuses");
  await lab.start({ runtime });
  await eventually("the outage is told", () => engineOf(lab));
  assert.deepEqual(await lab.statuses(), before);
  be("answers");
  await eventually("its end is told", async () => (await engineOf(lab)) === undefined);
  assert.deepEqual(await lab.statuses(), before);
});
