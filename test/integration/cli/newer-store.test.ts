// A store that a newer release has changed for good: every command of this one refuses it, says what to do, and writes nothing.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { storeLayout } from "../../../src/model/cluster.ts";
import { clusterKey } from "../../../src/model/keys.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put } from "../../../src/store/store.ts";
import { act } from "../../support/builders.ts";
import { openDesk } from "../../support/desk.ts";
import { demoManifest } from "../../support/manifest-text.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

after(endServer);

for (const kind of ["a file", "ZooKeeper"] as const) {
  test(`a newer layout is refused by every command: ${kind}`, async (t) => {
    const desk = await openDesk(t, { DOCKER_HOST: "unix:///nowhere/docker.sock" });
    await mkdir(dirname(desk.storePath), { recursive: true });
    const url = kind === "a file" ? `file:${desk.storePath}` : (await storeLab(t)).url;
    const store = await openStore(url, { create: true });
    t.after(() => store.close());
    const cluster = await ensureCluster(store, { now: act.at });
    const exported = join(desk.folder, "export.jsonl");
    assert.equal((await desk.run("store", "export", "--out", exported, "--store", url)).code, 0);
    const { version } = (await store.read(clusterKey)) ?? assert.fail("no cluster");
    const newer = { ...cluster, layout: storeLayout + 1 };
    const position = await store.commit({ changes: [put(clusterKey, newer, version)] });
    const manifest = join(desk.folder, "web.yaml");
    await writeFile(manifest, demoManifest("web", { replicas: 1 }));
    const lines = [
      ["get", "pods"],
      ["status"],
      ["apply", "-f", manifest],
      ["delete", "web", "--yes"],
      ["cordon", "n1"],
      ["store", "export"],
      ["store", "import", exported, "--replace", "--accept-rollback", "--yes"],
      ["store", "accept-rollback", "--yes"],
      ["up"],
      ["up", "--detach"],
    ];
    for (const line of lines) {
      const { code, stderr } = await desk.run(...line, "--store", url);
      assert.equal(code, 2, `${line.join(" ")}: ${stderr}`);
      const told = `Error: the store ${url} has layout ${storeLayout + 1}; this orchestra knows layout ${storeLayout}\n`;
      assert.ok(stderr.includes(`${told}Hint: use the newer orchestra that wrote it.`), stderr);
    }
    assert.match((await desk.run("doctor", "--store", url)).stdout, /^fail +Store +.* has layout /m);
    // The one that was open already can still look.
    assert.equal((await store.list([])).position, position, "nothing was written");
  });
}
