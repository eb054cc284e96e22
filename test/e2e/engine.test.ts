// The Docker engine goes away and comes back, on an engine of the test's own: nothing is lost, doubled or forgotten.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";
import { ownEngine } from "../support/own-engine.ts";

const limitMs = 90_000;

/** A cluster on an engine of its own, which has been asked for 20 pods. */
async function begun(t: TestContext) {
  const engine = await ownEngine("orchestra-demo:1");
  const cluster = await testCluster(t, { env: { DOCKER_HOST: engine.host }, enter: engine.enter });
  // After the cluster has left it.
  t.after(() => engine.close());
  const up = await cluster.up();
  const more = "  stop: { graceSeconds: 0 }";
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 20, more }));
  await cluster.ok("apply", "-f", path, "--no-wait");
  return { engine, cluster, up };
}

const containerNames = (pods: readonly { readonly name: string; readonly id: string }[]) =>
  pods.map(({ name, id }) => `orchestra-${name}-${id}`).sort();

test("Docker killed in the middle of a start of 20: 20 pods are ready, and nothing else is there", async (t) => {
  const { engine, cluster } = await begun(t);
  await eventually("some have started", async () =>
    (await cluster.pods("web")).some(({ phase }) => phase === "running" || phase === "ready"),
  );
  await engine.end("SIGKILL");
  await pause(500);
  await engine.start();
  const pods = await cluster.ready("web", 20, limitMs);
  assert.deepEqual(await cluster.containers(), containerNames(pods));
});

// On an engine apart: one that was killed in the middle of a start may keep an address in use that it gives away again when it is restarted.
test("Docker stopped while 20 pods run: the same 20 pods are ready again", async (t) => {
  const { engine, cluster, up } = await begun(t);
  const pods = await cluster.ready("web", 20, limitMs);
  await engine.end("SIGTERM");
  const refused = await cluster.run("logs", "web-0");
  assert.equal(refused.code, 1, refused.stdout);
  assert.match(refused.stderr, /Docker does not answer/);
  await engine.start();
  await eventually(
    "the containers run again",
    async () => {
      const now = await cluster.pods("web");
      return now.every(({ ready }) => ready) && now.some(({ startedAt }, at) => startedAt !== pods[at]?.startedAt);
    },
    limitMs,
  ).catch(async (error: Error) => {
    const told = (await cluster.pods("web")).map((pod) => JSON.stringify(pod));
    throw new Error(`${error.message}; ${told.join("\n")}; ${up.log().slice(-4_000)}`);
  });
  const after = await cluster.ready("web", 20, limitMs);
  assert.deepEqual(
    after.map(({ id }) => id),
    pods.map(({ id }) => id),
  );
  assert.deepEqual(await cluster.containers(), containerNames(pods));
  // The engine's end is no crash of theirs.
  assert.ok(
    after.every(({ reason }) => reason?.code !== "CRASHED"),
    up.log(),
  );
});
