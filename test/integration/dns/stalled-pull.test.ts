// CoreDNS has to come as an image, and the engine says nothing more: whoever wants to end is let go, and who waits hears of it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pullImage } from "../../../src/dns/coredns-container.ts";
import { documentsOf, fill } from "../../support/builders.ts";
import { barePackage, dnsFixture } from "../../support/dns.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** An engine without images. `answer`: what comes of a pull, before it stands still or breaks. */
async function engineWith(t: TestContext, answer: string, then: "stall" | "break" | "end") {
  const socketPath = join(await tempFolder(t), "docker.sock");
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    asked.push(path);
    if (!path.endsWith("/images/create")) {
      response.writeHead(404).end(JSON.stringify({ message: "no such image" }));
      return;
    }
    response.writeHead(200).write(answer, () => {
      if (then === "break") response.destroy();
      if (then === "end") response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { socketPath, asked };
}

const progress = '{"status":"Pulling"}\n';
const { signal } = new AbortController();

for (const [what, answer, then, want] of [
  ["stands still", progress, "stall", /cannot be had: nothing came for 0\.2 s$/],
  ["breaks", progress, "break", /cannot be had: (aborted|.*hang up|.*ECONNRESET)/],
  ["is refused", `${progress}{"error":"manifest unknown"}\n`, "end", /cannot be had: manifest unknown$/],
] as const) {
  test(`a pull that ${what} is told`, { timeout: 30_000 }, async (t) => {
    const { socketPath } = await engineWith(t, answer, then);
    const pull = pullImage({ socketPath }, "coredns:1", { signal, standstillMs: 200 });
    await assert.rejects(pull, { code: "unavailable", message: want });
  });
}

test("names end at once while the image of CoreDNS is being pulled", { timeout: 60_000 }, async (t) => {
  const dns = await dnsFixture(t);
  const bare = await barePackage(dns);
  const network = { name: "n", range: "127.0.0.0/24", gateway: dns.gateway };
  await fill(dns.store, documentsOf({ nodes: { "node-1": { network } } }));
  const { socketPath, asked } = await engineWith(t, progress, "stall");
  const names = await dns.start({ image: "coredns:1", packageDir: bare, searchPath: "", engine: { socketPath } });
  await eventually("the pull", () => asked.some((path) => path.endsWith("/images/create")));
  await names.close();
});
