// An engine that shuts down: its socket is closed, and it goes on answering whoever is connected.
import assert from "node:assert/strict";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createListener } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { openDocker } from "../../../src/worker/docker.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("nothing is started on an engine that takes no new connections, though it would answer", async (t) => {
  const folder = await tempFolder(t);
  const socket = join(folder, "docker.sock");
  let starts = 0;
  const server = createServer((request, response) => {
    if (request.url?.endsWith("/version")) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ ApiVersion: "1.41", Version: "20.10.24" }));
      return;
    }
    starts += 1;
    response.writeHead(204).end();
  });
  // A listener apart: a server of Node's would close its idle connections with itself.
  const listener = createListener((connection) => server.emit("connection", connection));
  listener.listen(socket);
  await once(listener, "listening");
  t.after(() => server.closeAllConnections());
  const owner = { cluster: "c1", node: "n1" };
  const runtime = openDocker({ host: `unix://${socket}`, configFolder: folder, owner, log: silentLog });
  const { signal } = new AbortController();
  await runtime.start("one", signal);
  assert.equal(starts, 1);
  listener.close();
  await rm(socket, { force: true });
  await assert.rejects(runtime.start("two", signal), { code: "unavailable", message: /does not answer/ });
  assert.equal(starts, 1);
});
