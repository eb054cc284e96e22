// ZooKeeper that has lost everything while orchestra runs: what it no longer names is not taken for deleted.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { startMaster } from "../../../src/master/master.ts";
import { deploymentKey, revisionKey } from "../../../src/model/keys.ts";
import { put } from "../../../src/store/store.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import { connectZooKeeper, type ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { deployment, revisionOf } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { all, demoImage, workerLab } from "../../support/worker-lab.ts";
import { startZooKeeper } from "../../support/zookeeper-server.ts";

const { signal } = new AbortController();

async function removeBelow(client: ZooKeeper, path: string): Promise<void> {
  const { children } = await client.getChildren(path === "" ? "/" : path);
  for (const child of children) {
    await removeBelow(client, `${path}/${child}`);
    // Who lives may have made something again meanwhile.
    await client.delete(`${path}/${child}`, -1).catch(() => {});
  }
}

test("a chroot that is emptied under them: the worker goes on with what it knew, and nobody stops anything", async (t) => {
  const servers = await startZooKeeper();
  t.after(() => servers.close());
  const lab = await workerLab(t, { storeUrl: `zk://${servers.connect}/orchestra` });
  const runtime = openMemory(memoryImages, systemClock);
  const said: string[] = [];
  const log = {
    ...silentLog,
    warn: (message: string, fields?: object) => void said.push(`${message} ${JSON.stringify(fields)}`),
  };
  await lab.start({ runtime, log });
  const stateDir = join(lab.folder, lab.cluster);
  const master = startMaster({ store: lab.store, stateDir, nodeLostAfterMs: 500, clock: systemClock, log });
  t.after(() => master.close());
  const template = { image: demoImage };
  const document = deployment({ revision: revisionOf(template), replicas: 2 });
  await lab.store.commit({
    changes: [
      put(revisionKey("web", document.revision), template, "absent"),
      put(deploymentKey("web"), document, "absent"),
    ],
  });
  await lab.until("ready", all(2, "ready"));
  const [first] = servers.servers;
  assert.ok(first);
  const client = connectZooKeeper({ servers: [{ host: first.host, port: first.port }], chroot: "/orchestra" });
  t.after(() => client.close());
  await removeBelow(client, "");
  const running = async () => (await runtime.list(signal)).filter(({ state }) => state === "running").length;
  await eventually("the worker holds", () => said.some((line) => line.startsWith("the worker holds")), 30_000);
  await eventually("the master holds or cannot lead", () => said.some((line) => line.startsWith("master ")), 30_000);
  const [pod] = await runtime.list(signal);
  runtime.end(pod?.pod ?? "", 1);
  await eventually("what crashes is started again", async () => (await running()) === 2);
});
