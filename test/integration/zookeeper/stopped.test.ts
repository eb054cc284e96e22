// A client whose whole process is stopped for shorter and for longer than its session lasts.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openAcl } from "../../../src/zookeeper/records.ts";
import { eventually } from "../../support/eventually.ts";
import { testClient } from "../../support/zookeeper-clients.ts";
import { zooKeeperOfFile } from "../../support/zookeeper-of-file.ts";

const zooKeeper = zooKeeperOfFile();

/** A process with a session of 2 s and an ephemeral node. */
async function sessionProcess(t: TestContext, path: string) {
  const program = fileURLToPath(new URL("../../support/zookeeper-session-process.ts", import.meta.url));
  const child = fork(program, [zooKeeper().connect, path], { execArgv: [] });
  const gone = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await gone;
  });
  const said: string[] = [];
  child.on("message", (word) => said.push(String(word)));
  await eventually("the node was created", () => said.includes("created"));
  return { child, said };
}

test("stopped for shorter than the session: its node stays, and it goes on with the same session", async (t) => {
  const { client } = await testClient(t, zooKeeper().servers);
  const { child, said } = await sessionProcess(t, "/short");
  const owner = (await client.exists("/short"))?.ephemeralOwner;
  child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 900));
  child.kill("SIGCONT");
  child.send("write");
  await eventually("it writes", async () => ((await client.exists("/short"))?.version ?? 0) > 5);
  assert.equal((await client.exists("/short"))?.ephemeralOwner, owner);
  assert.deepEqual(
    said.filter((word) => word === "expired" || word === "over"),
    [],
  );
});

test("stopped for longer than the session: it knows by its own clock, and none of its writes is done", async (t) => {
  const { client } = await testClient(t, zooKeeper().servers);
  const { child, said } = await sessionProcess(t, "/long");
  child.send("write");
  await eventually("it writes", async () => ((await client.exists("/long"))?.version ?? 0) > 5);
  child.kill("SIGSTOP");
  await eventually("its node is gone", async () => (await client.exists("/long")) === undefined);
  // Another one takes the name, as the next leader does.
  await client.create("/long", Buffer.from("mine"), { mode: "persistent", acl: openAcl });
  child.kill("SIGCONT");
  await eventually("it gave up", () => said.includes("over"));
  assert.deepEqual(said.slice(said.indexOf("created") + 1).slice(0, 2), ["disconnected", "expired"]);
  assert.equal((await client.exists("/long"))?.version, 0);
});
