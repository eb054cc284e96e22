// A store that comes back older, or empty: nothing is stopped, names answer on, everybody says why, and an operator's word ends it.
import assert from "node:assert/strict";
import { copyFile, rm } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";

const manifest = `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec: { replicas: 2, image: "orchestra-demo:1", ports: [{ name: http, containerPort: 8080 }], stop: { drainSeconds: 0 } }
`;

/** A cluster that had two pods of web when the copy was made, and has four since; nothing runs but the pods and CoreDNS. */
async function grown(t: TestContext): Promise<{ cluster: TestCluster; copy: string }> {
  const cluster = await testCluster(t);
  const first = await cluster.up();
  await cluster.ok("apply", "-f", await cluster.write("web.yaml", manifest));
  await first.end("SIGTERM");
  const copy = `${cluster.folder}/copy.db`;
  await copyFile(cluster.storePath, copy);
  const second = await cluster.up();
  await cluster.ok("scale", "web", "4");
  await eventually("four addresses", async () => (await cluster.resolve("web.cluster.local")).length === 4);
  await second.end("SIGTERM");
  return { cluster, copy };
}

/** In the place of what is there, as an operator would. */
async function putBack(cluster: TestCluster, copy: string | undefined): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await rm(`${cluster.storePath}${end}`, { force: true });
  if (copy !== undefined) await copyFile(copy, cluster.storePath);
}

test("an older copy of the store is held off by worker, master and dns, and followed when that is accepted", async (t) => {
  const { cluster, copy } = await grown(t);
  await putBack(cluster, copy);
  const before = await cluster.ok("status");
  assert.match(before, /node\/\S+: its worker holds: the store is older than it was/, "also while nothing runs");
  const up = await cluster.up();
  // More is written into the copy than it lacks: it is older all the same.
  for (let round = 0; round < 12; round += 1)
    for (const word of ["cordon", "uncordon"]) await cluster.ok(word, cluster.record().node);
  const status = await cluster.ok("status");
  for (const about of ["node/\\S+: its worker", "master:", "dns:"])
    assert.match(status, new RegExp(`${about} ?holds: the store is older`));
  assert.match((await cluster.run("get", "nodes")).stdout, /present, holds/);
  assert.match(up.log(), /dns holds: names answer on as they were/);
  assert.equal((await cluster.containers()).length, 4);
  assert.equal((await cluster.resolve("web.cluster.local")).length, 4);

  const asked = await cluster.run("store", "accept-rollback");
  assert.match(asked.stdout, /^ {2}stops 2 pods: web-2, web-3$/m);
  assert.deepEqual([asked.code, /Hint: give --yes/.test(asked.stderr)], [2, true]);
  assert.match(await cluster.ok("store", "accept-rollback", "--yes"), /^Accepted, as incarnation 2/m);
  await cluster.ready("web", 2);
  await eventually("two containers", async () => (await cluster.containers()).length === 2, 30_000);
  await eventually("two addresses", async () => (await cluster.resolve("web.cluster.local")).length === 2);
  assert.match(await cluster.ok("store", "accept-rollback"), /^Nothing to accept/);
  await cluster.ok("scale", "web", "3");
});

test("an emptied store is not taken for a new cluster: what runs is kept until that is accepted", async (t) => {
  const { cluster } = await grown(t);
  const { cluster: id } = cluster.record();
  await putBack(cluster, undefined);
  const up = await cluster.up();
  assert.match(up.log(), /the store is empty, and this machine belongs to a cluster on it/);
  assert.equal(cluster.record().cluster, id);
  assert.match(await cluster.ok("status"), /its worker holds: the store is empty/);
  assert.equal((await cluster.containers()).length, 4);
  assert.match(
    await cluster.ok("store", "accept-rollback", "--yes"),
    /^ {2}stops 4 pods: web-0, web-1, web-2, web-3$/m,
  );
  await eventually("no containers", async () => (await cluster.containers()).length === 0, 30_000);
  await cluster.ok("apply", "-f", await cluster.write("web.yaml", manifest));
  assert.equal(cluster.record().cluster, id);
});
