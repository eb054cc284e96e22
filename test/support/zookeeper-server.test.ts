import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { connect } from "node:tls";
import { eventually } from "./eventually.ts";
import { modesOf, startZooKeeper } from "./zookeeper-server.ts";

test("an ensemble whose leader is killed gets another one, and takes the first back", async (context) => {
  const ensemble = await startZooKeeper({ servers: 3 });
  context.after(() => ensemble.close());
  const modes = (await modesOf(ensemble.servers)).toSorted();
  assert.deepEqual(modes, ["follower", "follower", "leader"], "all of them serve from the beginning");
  const first = await ensemble.leader();
  await first.kill();
  const second = await ensemble.leader();
  assert.notEqual(second.host, first.host);
  await first.start();
  await ensemble.whole();
  assert.equal(await first.mode(), "follower");
});

test("with TLS a client needs the certificate that comes along", async (context) => {
  const zooKeeper = await startZooKeeper({ tls: "need" });
  context.after(() => zooKeeper.close());
  const [server] = zooKeeper.servers;
  assert.ok(server && zooKeeper.certificates);
  const { ca, client } = zooKeeper.certificates;
  const ask = async (identity: { readonly cert: string; readonly key: string } | undefined): Promise<string> => {
    const socket = connect({ host: server.host, port: server.securePort, ca, ...identity });
    socket.end("ruok");
    const [answer] = await once(socket, "data");
    return String(answer);
  };
  assert.equal(await ask(client), "imok");
  await assert.rejects(ask(undefined));
});

const endings = {
  fails: "throw new Error('as if a test had failed')",
  "ends too early": "process.exit()",
  "is killed": "process.kill(process.pid, 'SIGKILL')",
};

for (const [what, ending] of Object.entries(endings)) {
  test(`a process that ${what} leaves no server behind`, async () => {
    const program = `
      const { startZooKeeper } = await import(${JSON.stringify(new URL("zookeeper-server.ts", import.meta.url))});
      const { folder, servers } = await startZooKeeper();
      process.stdout.write(JSON.stringify([folder, servers[0].pid]) + "\\n", () => { ${ending} });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const [folder, pid] = JSON.parse(String(line)) as [string, number];
    await eventually("the server has ended", () => !existsSync(`/proc/${pid}/cwd`));
    // Nobody is left who could remove it.
    if (ending.includes("SIGKILL")) rmSync(folder, { recursive: true, maxRetries: 5 });
    else await eventually("its folder is gone", () => !existsSync(folder));
  });
}
