// An engine that answers who it is and nothing else, as one does that has locked itself up: whoever gives up is let go at once.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { openDocker } from "../../../src/worker/docker.ts";
import { type Runtime, unansweredMs } from "../../../src/worker/runtime.ts";
import { tempFolder } from "../../support/temp-folder.ts";

async function silentEngine(
  t: TestContext,
  limits: { callLimitMs?: number } = {},
): Promise<{ readonly runtime: Runtime; readonly asked: string[] }> {
  const socket = join(await tempFolder(t), "docker.sock");
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "");
    if (path === "/version")
      response.end(JSON.stringify({ Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12" }));
    else asked.push(`${request.method} ${path.split("?")[0]}`);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const owner = { cluster: "silent", node: "node-1" };
  return {
    runtime: openDocker({ host: `unix://${socket}`, configFolder: "/nowhere", owner, log: silentLog, ...limits }),
    asked,
  };
}

const network = { name: "n", range: "10.42.1.0/24", gateway: "10.42.1.1" };
const calls: Readonly<Record<string, (runtime: Runtime, signal: AbortSignal) => Promise<unknown>>> = {
  "GET /info": (runtime, signal) => runtime.info(signal),
  "GET /networks": (runtime, signal) => runtime.networks("n", signal),
  "POST /networks/create": (runtime, signal) => runtime.createNetwork(network, signal),
  "GET /containers/json": (runtime, signal) => runtime.list(signal),
};

for (const [question, call] of Object.entries(calls)) {
  test(`${question} that is not answered ends when its asker gives up`, { timeout: 30_000 }, async (t) => {
    const { runtime, asked } = await silentEngine(t);
    const giveUp = new AbortController();
    const answer = assert.rejects(call(runtime, giveUp.signal));
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(asked, [question]);
    giveUp.abort();
    await answer;
  });
}

test("a call that is not answered within the limit says so, and a connection that breaks says something else", async (t) => {
  const { signal } = new AbortController();
  const { runtime } = await silentEngine(t, { callLimitMs: 100 });
  await assert.rejects(runtime.start("c1", signal), (error) => {
    assert.equal(unansweredMs(error), 100);
    assert.match(String(error), /Docker has not answered for 0\.1 s/);
    return true;
  });
  const host = `unix://${join(await tempFolder(t), "nobody.sock")}`;
  const owner = { cluster: "silent", node: "node-1" };
  const nobody = openDocker({ host, configFolder: "/nowhere", owner, log: silentLog });
  await assert.rejects(nobody.start("c1", signal), (error) => {
    assert.equal(unansweredMs(error), undefined);
    return true;
  });
});
