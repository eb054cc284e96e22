// Which version of Docker's API is spoken: the engine's own up to the one that this program was written for.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { openDocker } from "../../../src/worker/docker.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const { signal } = new AbortController();

/** Something that answers like an engine with this API, and the paths that it was asked for. */
async function engineWith(t: TestContext, apiVersion: string) {
  const folder = await tempFolder(t);
  const socket = join(folder, "docker.sock");
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ Version: "0.0.0", ApiVersion: apiVersion, NCPU: 1, MemTotal: 1 }));
  }).listen(socket);
  await once(server, "listening");
  t.after(() => server.close());
  const owner = { cluster: "0a1b2c3d", node: "node-1" };
  return { asked, docker: openDocker({ host: `unix://${socket}`, configFolder: folder, owner, log: silentLog }) };
}

for (const { engine, spoken } of [
  { engine: "1.41", spoken: "1.41" },
  { engine: "1.43", spoken: "1.43" },
  { engine: "1.44", spoken: "1.44" },
  { engine: "1.52", spoken: "1.44" },
  { engine: "2.0", spoken: "1.44" },
]) {
  test(`an engine with API ${engine} is spoken to in ${spoken}`, async (t) => {
    const { asked, docker } = await engineWith(t, engine);
    assert.equal((await docker.info(signal)).apiVersion, spoken);
    assert.deepEqual(asked, ["/version", `/v${spoken}/info`]);
  });
}

test("an engine that is too old is refused, with what to install", async (t) => {
  const { docker } = await engineWith(t, "1.40");
  await assert.rejects(docker.info(signal), {
    code: "unavailable",
    message: "Docker 0.0.0 speaks API 1.40 only",
    hint: "install Docker 20.10 or newer",
  });
});
