// What hands do to containers on a real engine while no worker looks, and what `diff --live` says of it: all that is ours, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { docker, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";

interface Told {
  readonly kind: string;
  readonly name: string;
  readonly container?: string;
  readonly message: string;
  readonly correction: string;
}

test("diff --live names each container that a hand has changed, what mends it, and never a foreign one", async (t) => {
  const cluster = await testCluster(t);
  const up = await cluster.up();
  const more = "  resources: { memory: 64Mi }\n  stop: { graceSeconds: 2, drainSeconds: 0 }";
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 6, more }));
  await cluster.ok("apply", "-f", path);
  const pods = await cluster.ready("web", 6);
  const byHand = (...words: string[]) => docker(process.env, ...words);
  const of = (slot: number) => pods[slot]?.container ?? assert.fail(`web-${slot} has no container`);
  const network = await byHand("inspect", "--format", "{{.HostConfig.NetworkMode}}", of(0));

  // Beside ours: one that is called like them, one of another cluster, and one of another node on the same engine.
  const { cluster: id } = cluster.record();
  const label = (name: string, value: string) => ["--label", `orchestra.${name}=${value}`];
  const foreign: readonly string[][] = [
    ["--name", `orchestra-web-9-${id}`],
    [...label("cluster", "00000000"), ...label("node", "n1"), ...label("pod", "x"), ...label("deployment", "web")],
    [...label("cluster", id), ...label("node", "another"), ...label("pod", "y"), ...label("deployment", "web")],
  ];
  const others: string[] = [];
  t.after(async () => {
    for (const one of others) await byHand("rm", "-f", one);
  });
  for (const words of foreign) others.push(await byHand("run", "--detach", ...words, "orchestra-demo:1"));

  const look = async (): Promise<Told[]> => {
    const { code, stdout, stderr } = await cluster.run("diff", "-f", path, "--live", "-o", "json");
    assert.ok(code <= 1, stderr);
    return JSON.parse(stdout).drifts;
  };
  assert.deepEqual(await look(), []);
  await up.end("SIGKILL");
  await byHand("stop", "-t", "0", of(0));
  await byHand("rm", "-f", of(1));
  await byHand("rename", of(2), `mine-${id}`);
  await byHand("network", "disconnect", network, of(3));
  await byHand("pause", of(4));
  await byHand("update", "--memory", "32m", "--memory-swap", "48m", "--restart", "always", of(5));
  await byHand("update", "--cpu-shares", "512", of(2));
  for (const one of others) await byHand("stop", "-t", "0", one);
  const found = await look();
  assert.deepEqual(found.map(({ kind, name, container }) => `${kind} ${name} ${container}`).sort(), [
    `disconnected web-3 ${of(3).slice(0, 12)}`,
    `paused web-4 ${of(4).slice(0, 12)}`,
    `removed web-1 ${of(1).slice(0, 12)}`,
    `renamed web-2 ${of(2).slice(0, 12)}`,
    `stopped web-0 ${of(0).slice(0, 12)}`,
    `updated web-2 ${of(2).slice(0, 12)}`,
    `updated web-5 ${of(5).slice(0, 12)}`,
  ]);
  const told = (kind: string, name?: string) =>
    found.find((one) => one.kind === kind && (name === undefined || one.name === name)) ?? assert.fail(kind);
  assert.match(told("stopped").correction, /^no worker runs on .*: orchestra up starts it again$/);
  assert.match(told("removed").correction, /: orchestra up makes it again$/);
  assert.match(told("disconnected").correction, /: orchestra up makes it anew$/);
  assert.equal(told("renamed").message, `its container was renamed to mine-${id}`);

  const restored = told("updated", "web-5");
  assert.equal(
    restored.message,
    "its memory limit is 32Mi, not 64Mi, its swap beside it is 16Mi, not none, its restart policy is always, not no",
  );
  const anew = told("updated", "web-2");
  assert.equal(anew.message, "its share of cpu is 512, not none");
  assert.match(anew.correction, /^docker rm -f [0-9a-f]{12}; no worker runs on .*: orchestra up makes it anew$/);

  // What is left to people is done just as it says; the rest is the worker's.
  for (const { correction } of [told("renamed"), told("paused"), restored, anew]) {
    await byHand(...(correction.split(";")[0] ?? "").split(" ").slice(1));
  }
  await cluster.up();
  await eventually("nothing differs any more", async () => (await look()).length === 0, 60_000);
  await cluster.ready("web", 6);
  for (const one of others) assert.equal(await byHand("inspect", "--format", "{{.State.Status}}", one), "exited");
});
