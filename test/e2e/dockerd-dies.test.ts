// The Docker engine dies and its containers live on, on the only node: what people and names are told while nobody can start or stop anything.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import Docker from "dockerode";
import { testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";
import { ownEngine } from "../support/own-engine.ts";

const limitMs = 90_000;
/** Asks the CoreDNS of the cluster, from where the engine's networks are. */
const question = `
const { Resolver } = require("node:dns/promises");
const resolver = new Resolver({ timeout: 2000, tries: 1 });
resolver.setServers(["127.0.0.1:" + process.argv[1]]);
resolver.resolve4(process.argv[2]).catch(() => []).then((found) => console.log(found.sort().join()));`;

test("a dead dockerd is told, names answer with the pods that live, one that does not leaves, and all are ready when it is back", async (t) => {
  const engine = await ownEngine("orchestra-demo:1");
  const cluster = await testCluster(t, { env: { DOCKER_HOST: engine.host }, enter: engine.enter });
  // After the cluster has left it.
  t.after(() => engine.close());
  const [enter = "", ...words] = engine.enter;
  const resolve = async (name: string) => {
    const port = cluster.environment["ORCHESTRA_DNS_PORT"] ?? "";
    const line = [...words, process.execPath, "-e", question, port, name];
    return (await promisify(execFile)(enter, line)).stdout.trim();
  };
  await cluster.up();
  await cluster.ok("apply", "-f", await cluster.write("web.yaml", demoManifest("web", { replicas: 2 })));
  const before = await cluster.ready("web", 2);
  const both = before.map(({ ip }) => ip).sort();
  await eventually("both are in DNS", async () => (await resolve("web.cluster.local")) === both.join());
  const docker = new Docker({ socketPath: engine.host.slice("unix://".length) });
  const doomed = await docker.getContainer(`orchestra-web-1-${before[1]?.id}`).inspect();

  await engine.end("SIGKILL");
  await eventually("it is told", async () =>
    /present, engine silent for \d+s/.test((await cluster.run("get", "nodes")).stdout),
  );
  const status = await cluster.run("status");
  assert.match(status.stdout, /its engine has been silent for \d+s: Docker does not answer: .*start the engine/);
  const why = await cluster.run("why", "web-0");
  assert.match(why.stdout, /it stays as it is, and gets a successor elsewhere after a minute of silence/);
  assert.equal(await resolve("web.cluster.local"), both.join());
  process.kill(doomed.State.Pid, "SIGKILL");
  await eventually("it has left DNS", async () => (await resolve("web.cluster.local")) === before[0]?.ip, limitMs);
  assert.equal(await resolve("web-0.web.cluster.local"), before[0]?.ip);

  await engine.start();
  const after = await cluster.ready("web", 2, limitMs);
  assert.deepEqual(
    after.map(({ id }) => id),
    before.map(({ id }) => id),
  );
  await eventually("no silence is told", async () => !(await cluster.run("get", "nodes")).stdout.includes("silent"));
  await eventually("both are in DNS again", async () => (await resolve("web.cluster.local")).split(",").length === 2);
});
