// Law 6: a successor is ready before its predecessor leaves, and a pod leaves DNS before it gets its signal.
// Clients that keep an answer for as long as its TTL allows, and ask all the time, must not notice a rollout.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";

const ttlMs = 2_000;
const clients = 4;

interface Traffic {
  /** Ends the clients; tells how many requests were answered by which version, and what went wrong. */
  stop(): Promise<{ readonly answers: ReadonlyMap<string, number>; readonly failures: readonly string[] }>;
}

function startTraffic(cluster: TestCluster, name: string): Traffic {
  const stop = new AbortController();
  const answers = new Map<string, number>();
  const failures: string[] = [];
  const client = async () => {
    let addresses: string[] = [];
    let askedAt = Number.NEGATIVE_INFINITY;
    for (let turn = 0; !stop.signal.aborted; turn += 1) {
      try {
        if (performance.now() - askedAt >= ttlMs) {
          askedAt = performance.now();
          addresses = await cluster.resolve(name);
        }
        const address = addresses[turn % addresses.length];
        if (address === undefined) throw new Error(`${name} has no address`);
        const response = await fetch(`http://${address}:8080/`, {
          headers: { connection: "close" },
          signal: AbortSignal.timeout(5_000),
        });
        const version = /version (\S+)/.exec(await response.text())?.[1] ?? `status ${response.status}`;
        answers.set(version, (answers.get(version) ?? 0) + 1);
      } catch (error) {
        const { message, cause } = error as Error;
        failures.push(`${new Date().toISOString()} ${message} ${cause instanceof Error ? cause.message : ""}`);
        askedAt = Number.NEGATIVE_INFINITY;
      }
      await pause(10);
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    async stop() {
      stop.abort();
      await running;
      return { answers, failures };
    },
  };
}

test("no request fails and no name is empty while the image changes and the count falls", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  // No wait of their own after the signal: only orchestra's order of things protects the requests.
  const manifest = (replicas: number, image: string) =>
    cluster.write("web.yaml", demoManifest("web", { replicas, image, more: "  stop: { graceSeconds: 2 }" }));
  const path = await manifest(3, "orchestra-demo:1");
  await cluster.ok("apply", "-f", path);
  await cluster.ready("web", 3);
  await eventually("names are answered", async () => (await cluster.resolve("web.cluster.local")).length === 3);

  const traffic = startTraffic(cluster, "web.cluster.local");
  await manifest(3, "orchestra-demo:2");
  await cluster.ok("apply", "-f", path);
  const pods = await cluster.ready("web", 3);
  assert.ok(pods.every(({ image }) => image === "orchestra-demo:2"));
  await manifest(1, "orchestra-demo:2");
  await cluster.ok("apply", "-f", path);
  await cluster.ready("web", 1);
  const { answers, failures } = await traffic.stop();
  assert.deepEqual(failures, []);
  assert.ok((answers.get("1") ?? 0) > 20 && (answers.get("2") ?? 0) > 20, JSON.stringify([...answers]));
});

test("a rollout whose successor never gets ready stops there, and what runs goes on answering", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const more = "  stop: { graceSeconds: 2, drainSeconds: 0 }\n  strategy: { progressDeadlineSeconds: 3 }";
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 2, more }));
  await cluster.ok("apply", "-f", path);
  const before = await cluster.ready("web", 2);
  await eventually("names are answered", async () => (await cluster.resolve("web.cluster.local")).length === 2);
  const traffic = startTraffic(cluster, "web.cluster.local");
  await cluster.write("web.yaml", demoManifest("web", { replicas: 2, more, env: { READY_AFTER: "3600000" } }));
  const { code, stderr, stdout } = await cluster.run("apply", "-f", path);
  assert.equal(code, 4, stdout + stderr);
  const ready = (await cluster.pods("web")).filter((pod) => pod.ready);
  assert.deepEqual(
    ready.map(({ id }) => id),
    before.map(({ id }) => id),
  );
  assert.deepEqual((await traffic.stop()).failures, []);
  // The way back: the manifest as it was.
  await cluster.write("web.yaml", demoManifest("web", { replicas: 2, more }));
  await cluster.ok("apply", "-f", path);
  assert.deepEqual(
    (await cluster.ready("web", 2)).map(({ id }) => id),
    before.map(({ id }) => id),
  );
});
