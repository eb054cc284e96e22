// The disk under ZooKeeper fills up: it then serves nobody. Changes fail with the server's name, what runs stays, nothing acknowledged is lost,
// and with room, and the server started again as its supervisor does, everything goes on.
import assert from "node:assert/strict";
import { mkdtemp, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isOrchestraError, type OrchestraError } from "../../src/model/errors.ts";
import { revisionKey } from "../../src/model/keys.ts";
import { put } from "../../src/store/store.ts";
import { template } from "../support/builders.ts";
import { execute } from "../support/cluster.ts";
import { applyWish, memoryCluster } from "../support/memory-cluster.ts";
import { startZooKeeper } from "../support/zookeeper-server.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "only root can mount a file system" };
/** More than fits on the disk. */
const writesLimit = 200;

test(
  "a full disk under ZooKeeper loses nothing that was acknowledged, and ends when there is room",
  asRoot,
  async (t) => {
    const disk = await mkdtemp(join(tmpdir(), "orchestra-test-"));
    const mounted = await execute("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
    assert.equal(mounted.code, 0, mounted.stderr);
    // It takes room in small steps; usually it is 64 MiB at once.
    const zookeeper = await startZooKeeper({ config: { dataDir: disk }, java: ["-Dzookeeper.preAllocSize=64"] });
    const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/orchestra`);
    // After the cluster has closed, and in this order.
    t.after(async () => {
      await zookeeper.close();
      await execute("umount", ["-l", disk]);
      await rmdir(disk);
    });
    const host = await cluster.host("n1");
    await cluster.master();
    const wish = { replicas: 3, version: "1" };
    await applyWish(cluster.store, "web", wish, "ann");
    await cluster.settled(new Map([["web", wish]]));
    const before = await host.running();

    const ballast = join(disk, "ballast");
    await writeFile(ballast, Buffer.alloc(4 * 1024 * 1024));
    const large = template({ env: { X: "x".repeat(100_000) } });
    const acknowledged: number[] = [];
    let failure: OrchestraError | undefined;
    for (let number = 0; number < writesLimit && !failure; number += 1) {
      try {
        await cluster.store.commit({ changes: [put(revisionKey("big", `r${number}`), large, "absent")] });
        acknowledged.push(number);
      } catch (error) {
        if (!isOrchestraError(error)) throw error;
        failure = error;
      }
    }
    assert.ok(acknowledged.length > 10);
    assert.equal(failure?.code, "unavailable");
    const again = await cluster.run(["get", "pods"]);
    assert.equal(again.code, 1);
    assert.ok(again.stderr.includes(zookeeper.servers[0]?.host ?? "-"), again.stderr);
    assert.deepEqual(await host.running(), before);

    await rm(ballast);
    const [server] = zookeeper.servers;
    await server?.kill();
    await server?.start();
    await zookeeper.leader();
    const next = { replicas: 2, version: "2" };
    const path = await cluster.manifest("web", next);
    const { code, stderr } = await cluster.run(["apply", "-f", path, "--timeout", "60s"]);
    assert.equal(code, 0, stderr);
    await cluster.settled(new Map([["web", next]]));
    for (const number of acknowledged) {
      assert.ok(await cluster.store.read(revisionKey("big", `r${number}`)), `r${number} was acknowledged and is gone`);
    }
  },
);
