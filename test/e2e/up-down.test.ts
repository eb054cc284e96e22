// up, down and doctor as people use them: in the background, twice, after a crash, and when something is missing.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { DoctorDocument } from "../../src/cli/doctor/checks.ts";
import { isRunning } from "../../src/process-record.ts";
import { docker, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";

test("up --detach serves when it returns, says so once more, and down ends it", async (t) => {
  const cluster = await testCluster(t);
  const said = await cluster.ok("up", "--detach");
  assert.match(said, /orchestra is up as node e2e-[0-9a-f]+ \(pid \d+\)/);
  assert.deepEqual(await cluster.resolve("web.cluster.local"), []);
  assert.match(await cluster.ok("up", "--detach"), /already running/);
  const otherwise = await cluster.run("up", "--detach", "--node-lost-after", "2m");
  assert.equal(otherwise.code, 3);
  assert.match(
    otherwise.stderr,
    / with --node-lost-after=[0-9.]+s, not with --node-lost-after=120s\nHint: orchestra down first/,
  );
  const record = cluster.record();
  assert.ok(isRunning(record));

  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 2 }));
  await cluster.ok("apply", "-f", path);
  const before = await cluster.ready("web", 2);
  assert.match(await cluster.ok("down"), /orchestra has ended.*names.*no longer answered.*Pods run on/s);
  assert.ok(!isRunning(record));
  await assert.rejects(cluster.resolve("web.cluster.local"));
  assert.equal((await cluster.containers()).length, 2);
  assert.equal((await cluster.ok("down")).trim(), "Nothing was running.");

  await cluster.ok("up", "--detach");
  const after = await cluster.ready("web", 2);
  assert.deepEqual(
    after.map(({ container }) => container),
    before.map(({ container }) => container),
  );
});

test("down --pods ends the containers too, and the next up starts them again", async (t) => {
  const cluster = await testCluster(t);
  await cluster.ok("up", "--detach");
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 2 }));
  await cluster.ok("apply", "-f", path);
  const before = await cluster.ready("web", 2);
  const network = `orchestra-${cluster.record().cluster}`;
  const rangeOf = () => docker(cluster.environment, "network", "inspect", "-f", "{{json .IPAM.Config}}", network);
  const range = await rangeOf();
  assert.match(await cluster.ok("down", "--pods"), /2 pods have ended/);
  assert.deepEqual(await cluster.containers(), []);
  await assert.rejects(rangeOf(), /no such network|not found/i);
  const { checks } = JSON.parse(await cluster.ok("doctor", "-o", "json")) as DoctorDocument;
  assert.match(checks.find(({ name }) => name === "Network")?.message ?? "", /none of this host's routes; .* up makes/);
  assert.ok(!checks.some(({ name }) => name === "Port 53"), "no bridge, no port of it");
  assert.ok((await cluster.pods("web")).every(({ ready }) => !ready));
  assert.equal((await cluster.ok("down", "--pods")).trim(), "Nothing was running.");
  await cluster.ok("up", "--detach");
  const after = await cluster.ready("web", 2);
  assert.deepEqual(
    after.map(({ id }) => id),
    before.map(({ id }) => id),
  );
  assert.equal(await rangeOf(), range);
});

test("the state folder is deleted under up: down still finds it and CoreDNS", async (t) => {
  const cluster = await testCluster(t);
  await cluster.ok("up", "--detach");
  const record = cluster.record();
  // At one stroke: what is written meanwhile would keep a folder from being deleted.
  await rename(join(cluster.folder, "state"), join(cluster.folder, "gone"));
  await eventually("both are noted again", async () =>
    ["up.json", "dns/coredns.json"].every((file) => existsSync(join(cluster.folder, "state", record.cluster, file))),
  );
  assert.match(await cluster.ok("down"), /orchestra has ended.*CoreDNS has ended/s);
  assert.ok(!isRunning(record));
});

test("down after a crash stops CoreDNS, and a pid that is used again is not touched", async (t) => {
  const cluster = await testCluster(t);
  const up = await cluster.up();
  await up.end("SIGKILL");
  const record = cluster.record();
  const path = join(cluster.folder, "state", record.cluster, "up.json");
  await writeFile(path, JSON.stringify({ ...record, pid: process.pid }));
  assert.match(await cluster.ok("down"), /^CoreDNS has ended/);
});

test("a detached up that cannot start says why, and exits as it would have in the foreground", async (t) => {
  const cluster = await testCluster(t);
  const stateDir = join(cluster.folder, "state");
  await mkdir(stateDir);
  await writeFile(join(stateDir, "node.json"), "{");
  for (const words of [["up"], ["up", "--detach"]]) {
    const { code, stderr } = await cluster.run(...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /Error: .*node\.json is damaged.*\nHint: /);
  }
  await writeFile(cluster.storePath, "no database ".repeat(1_000));
  const { code, stderr } = await cluster.run("up", "--detach");
  assert.equal(code, 2, stderr);
  assert.match(stderr, /store\.db/);
});

test("an up without Docker serves with a warning, and doctor names what is wrong and how to mend it", async (t) => {
  const cluster = await testCluster(t, { env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
  const up = await cluster.up();
  assert.match(up.log(), /Warning: Docker does not answer/);
  const { code, stdout } = await cluster.run("doctor", "-o", "json");
  assert.equal(code, 1);
  const failed = (JSON.parse(stdout) as DoctorDocument).checks.filter(({ state }) => state === "fail");
  assert.ok(failed.some(({ name, mend }) => name === "Docker" && mend !== undefined));
  await up.end("SIGINT");
});

test("doctor on a machine that serves finds nothing wrong", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const { code, stdout } = await cluster.run("doctor", "-o", "json");
  const { checks } = JSON.parse(stdout) as DoctorDocument;
  assert.equal(code, 0, stdout);
  const names = checks.map(({ name }) => name);
  for (const name of ["Docker", "Store", "Names", "Network", "Clock", "CoreDNS"]) assert.ok(names.includes(name), name);
  assert.match((await cluster.ok("doctor")).trim(), /(Everything is fine|Everything works; .*)\.$/);
});
