// What a detached `up` gives away: neither its command line nor its log nor any error repeats a password or a node's key.
// And what it is told on the command line reaches its roles. Without Docker: nothing here needs a container.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { nodeKey, verdictsKey } from "../../src/model/keys.ts";
import { upLogPath } from "../../src/state-folder.ts";
import { openStore } from "../../src/store/open-store.ts";
import { put } from "../../src/store/store.ts";
import { node } from "../support/builders.ts";
import { type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { zooKeeperOfFile } from "../support/zookeeper-of-file.ts";

const withoutDocker = { DOCKER_HOST: "unix:///nowhere/docker.sock" };

const zooKeeper = zooKeeperOfFile();

/** The command lines of all processes of this machine, as `ps` shows them to everybody. */
async function commandLines(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.map((line) => line.replaceAll("\0", " "));
}

async function logOf(cluster: TestCluster): Promise<string> {
  return readFile(upLogPath(join(cluster.folder, "state"), cluster.record().cluster), "utf8");
}

/** Digest credentials that nothing else on this machine contains. */
async function credentials(t: TestContext, from: "file" | "environment") {
  const password = `pw-${randomBytes(12).toString("hex")}`;
  const path = join(await tempFolder(t), "password");
  await writeFile(path, `${password}\n`, { mode: 0o600 });
  const env = from === "file" ? { ORCHESTRA_STORE_PASSWORD_FILE: path } : { ORCHESTRA_STORE_PASSWORD: password };
  return { password, env: { ORCHESTRA_STORE_USER: "ann", ...env } };
}

for (const from of ["file", "environment"] as const) {
  test(`up with credentials out of the ${from} repeats them nowhere, also when the store is away`, async (t) => {
    const { password, env } = await credentials(t, from);
    const cluster = await testCluster(t, { env: { ...env, ...withoutDocker, ORCHESTRA_LOG_LEVEL: "debug" } });
    const url = `zk://${zooKeeper().connect}/${from}`;
    cluster.useStore(url);
    const said = [await cluster.ok("up", "--detach")];
    const { pid } = cluster.record();
    const { key } = JSON.parse(await readFile(join(cluster.folder, "state", "node.json"), "utf8")) as { key: string };
    const lines = await commandLines();
    assert.ok(
      lines.some((line) => line.includes(` up --store ${url} `)),
      "the detached process was looked at",
    );

    for (const words of [
      ["status"],
      ["get", "pods"],
      ["doctor"],
      ["get", "pods", "--store", `zk://ann:${password}@h/x`],
    ]) {
      const { stdout, stderr } = await cluster.run(...words);
      said.push(stdout, stderr);
    }
    assert.match(said.at(-1) ?? "", /must not hold a password/);
    const [server] = zooKeeper().servers;
    await server?.kill();
    await eventually("it has said that the store is away", async () =>
      (await logOf(cluster)).includes("nothing listens"),
    );
    const { code, stderr } = await cluster.run("get", "pods");
    assert.notEqual(code, 0);
    said.push(stderr);
    await server?.start();
    await eventually("it is there again", async () => (await cluster.run("get", "pods")).code === 0, 30_000);

    assert.ok((await logOf(cluster)).includes('"level":"debug"'));
    const all = { "command lines": [...lines, ...(await commandLines())], log: [await logOf(cluster)], output: said };
    for (const [where, texts] of Object.entries(all)) {
      for (const text of texts) {
        assert.ok(!text.includes(password), `the ${where} holds the password`);
        assert.ok(!text.includes(key), `the ${where} holds the node's key`);
        if (where === "log") assert.doesNotMatch(text, /digest|ann:/);
      }
    }
    assert.equal(cluster.record().pid, pid, "it has lived on");
  });
}

test("--node-lost-after reaches the master of a detached up, before what the environment says", async (t) => {
  const cluster = await testCluster(t, { env: { ...withoutDocker, ORCHESTRA_NODE_LOST_AFTER: "1h" } });
  const url = `zk://${zooKeeper().connect}/lost`;
  cluster.useStore(url);
  await cluster.ok("up", "--detach", "--node-lost-after", "100ms");
  const store = await openStore(url, { create: false });
  t.after(() => store.close());
  await store.commit({ changes: [put(nodeKey("n2"), node(), "absent")] });
  const stateOf = async () => (await store.read(verdictsKey))?.value.nodes["n2"]?.state;
  await eventually("lost, long before an hour", async () => (await stateOf()) === "lost");
});
