// Waiting with a real `up` and real containers: every way in which it ends, with its exit code.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";

function manifest(name: string, fields: string): string {
  return `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { image: orchestra-demo:1, ${fields} }\n`;
}

/** A pod that runs and never becomes ready. */
const unready = "readiness: { tcp: { port: 1 } }";

async function running(t: TestContext): Promise<TestCluster> {
  const cluster = await testCluster(t);
  await cluster.up();
  return cluster;
}

test("waiting ends with what there is to say, and its exit code", async (t) => {
  const cluster = await running(t);
  const apply = async (name: string, fields: string, ...words: string[]) =>
    cluster.run("apply", "-f", await cluster.write(`${name}.yaml`, manifest(name, fields)), ...words);

  await t.test("all ready", async () => {
    const { code, stdout } = await apply("web", "replicas: 2");
    assert.equal(code, 0);
    assert.match(stdout, /^web: 2 of 2 ready\nDone: 1 created\.$/m);
  });

  await t.test("hopeless: the reason at once, and the container's last lines", async () => {
    const { code, stderr } = await apply("bad", "replicas: 1, command: [/absent]");
    assert.equal(code, 4);
    assert.match(stderr, /bad-0: .*\/absent.*\(BAD_COMMAND\)/);
    const crash = await apply("crash", "args: [exit, '3'], strategy: { progressDeadlineSeconds: 2 }");
    assert.equal(crash.code, 4);
    assert.match(crash.stderr, /no progress for 2 s/);
  });

  await t.test("several hopeless ones of a set: all are named in one run", async () => {
    const broken = ["one", "two", "three"].map((name) => manifest(name, "command: [/absent]"));
    const path = await cluster.write("set.yaml", [manifest("sound", "replicas: 1"), ...broken].join("---\n"));
    const { code, stderr } = await cluster.run("apply", "-f", path);
    assert.equal(code, 4);
    for (const name of ["one", "two", "three"])
      assert.match(stderr, new RegExp(`^ +${name}: ${name}-0: .*\\(BAD_COMMAND\\)$`, "m"));
    await cluster.ok("delete", "-f", path, "--yes");
  });

  await t.test("a taken port: hopeless at once for a change, and waited for where nothing is changed", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    t.after(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const fields = `ports: [{ containerPort: 8080, hostPort: ${port}, hostIP: 127.0.0.1 }]`;
    const first = await apply("taken", fields);
    assert.equal(first.code, 4);
    assert.match(first.stderr, new RegExp(`taken-0: .*${port}.*\\(PORT_TAKEN\\)`));

    const again = cluster.start("apply", "-f", await cluster.write("taken.yaml", manifest("taken", fields)));
    let text = "";
    again.stdout?.on("data", (chunk) => {
      text += chunk;
    });
    const ended = once(again, "exit");
    await eventually("it waits", () => /^Up to date\.\n.*taken: 0 of 1 /s.test(text));
    server.close();
    assert.deepEqual(await ended, [0, null], text);
    assert.match(text, /^taken: 1 of 1 ready$/m);
  });

  await t.test("no place", async () => {
    const { code, stdout } = await apply("big", "resources: { memory: 900Ti }", "-o", "json");
    assert.equal(code, 6);
    const document = JSON.parse(stdout);
    assert.deepEqual(
      [document.result, document.error.code, document.deployments[0].state],
      ["unplaced", "unplaced", "unplaced"],
    );
    assert.match(document.problems[0], /big-0 fits on none of 1 node: .*memory/);
  });

  await t.test("past --timeout", async () => {
    const { code, stderr } = await apply("slow", unready, "--timeout", "500ms");
    assert.equal(code, 5);
    assert.match(stderr, /slow: 0 of 1 ready/);
  });

  await t.test("superseded by someone else", async () => {
    const waiting = apply("slow", `${unready}, env: { A: a }`);
    await eventually("the change is written", async () => (await cluster.ok("describe", "slow")).includes("A:"));
    await cluster.ok("deploy", "slow", "--image", "orchestra-demo:2", "--no-wait");
    const { code, stderr } = await waiting;
    assert.equal(code, 3);
    assert.match(stderr, /slow was changed by/);
  });

  await t.test("Ctrl-C ends the waiting only", async () => {
    const path = await cluster.write("slow.yaml", manifest("slow", unready));
    const child = cluster.start("apply", "-f", path);
    const text = { out: "", err: "" };
    child.stdout?.on("data", (chunk) => {
      text.out += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      text.err += chunk;
    });
    const ended = once(child, "exit");
    await eventually("it waits", () => text.out.includes("slow: 0 of 1 "));
    child.kill("SIGINT");
    assert.deepEqual(await ended, [130, null]);
    assert.match(text.err, /^Stopped waiting\. What was written stays\.$/m);
    assert.match((await cluster.run("diff", "-f", path)).stdout, /No differences/);
  });

  await t.test("up goes away", async () => {
    const path = await cluster.write("slow.yaml", manifest("slow", `${unready}, env: { B: b }`));
    const waiting = cluster.run("apply", "-f", path);
    await eventually("the change is written", async () => (await cluster.ok("describe", "slow")).includes("B:"));
    await cluster.ok("down");
    const { code, stderr } = await waiting;
    assert.equal(code, 1);
    assert.match(stderr, /nothing runs on this store any more/);
  });

  await t.test("delete waits until the containers are gone", async () => {
    await cluster.up();
    const { code, stdout } = await cluster.run("delete", "web", "bad", "crash", "taken", "big", "slow", "--yes");
    assert.equal(code, 0);
    assert.match(stdout, /^Done: 6 deleted\.$/m);
    assert.deepEqual(await cluster.containers(), []);
  });
});
