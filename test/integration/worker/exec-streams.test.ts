// The stream of a command in a container, cut in every way that an engine or the network has: an error of that command, and of nothing else.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import { type TestContext, test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { openDocker } from "../../../src/worker/docker.ts";
import type { ExecOptions } from "../../../src/worker/runtime.ts";

interface Engine {
  /** What it does with the connection once the command has started. */
  readonly talk: (socket: Socket) => void;
  /** What it says of the command, the first time and so on; the last answer stays. */
  readonly codes: readonly (number | null)[];
}

/** An engine over TCP with one container and one command. */
async function engineWith(t: TestContext, { talk, codes }: Engine) {
  let asked = 0;
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "");
    const answer = (value: unknown, status = 200) => response.writeHead(status).end(JSON.stringify(value));
    if (path === "/version") return answer({ Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12" });
    if (path === "/containers/c/exec") return answer({ Id: "e" }, 201);
    const code = codes[Math.min(asked, codes.length - 1)];
    asked += 1;
    return answer({ Running: code === null, ExitCode: code });
  });
  server.on("upgrade", (_request, socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    talk(socket as Socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // The client reads an address over TCP from there. This process has no other engine.
  process.env["DOCKER_HOST"] = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const owner = { cluster: "cut", node: "node-1" };
  const runtime = openDocker({ configFolder: "/nowhere", owner, log: silentLog, host: process.env["DOCKER_HOST"] });
  const heard: string[] = [];
  const into = () =>
    new Writable({
      write(chunk, _encoding, done) {
        heard.push(String(chunk));
        done();
      },
    });
  return {
    heard,
    exec: (options: Partial<ExecOptions> = {}) =>
      runtime.exec(
        "c",
        { command: ["true"], tty: false, stdout: into(), stderr: into(), ...options },
        new AbortController().signal,
      ),
  };
}

function frame(text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** Once what was said has certainly been heard. */
const saidThen = (then: (socket: Socket) => void) => (socket: Socket) =>
  socket.write(frame("a line\n"), () => setImmediate(() => then(socket)));

for (const tty of [false, true]) {
  const kind = tty ? "with a terminal" : "without a terminal";

  test(`${kind}: a connection that is reset is an error of this command`, { timeout: 30_000 }, async (t) => {
    const { exec } = await engineWith(t, {
      talk: (socket) => setImmediate(() => socket.resetAndDestroy()),
      codes: [0],
    });
    await assert.rejects(exec({ tty }), { code: "unavailable", message: /ECONNRESET/ });
  });

  test(`${kind}: a stream that ends while its command runs on is no success`, { timeout: 30_000 }, async (t) => {
    const { exec } = await engineWith(t, { talk: saidThen((socket) => socket.end()), codes: [null] });
    await assert.rejects(exec({ tty }), { code: "unavailable", message: /while its command runs on/ });
  });

  test(`${kind}: the exit code may come a little after the end of the output`, { timeout: 30_000 }, async (t) => {
    const { exec } = await engineWith(t, { talk: saidThen((socket) => socket.end()), codes: [null, null, 3] });
    assert.equal(await exec({ tty }), 3);
  });
}

test("a command that ends before it has read its input has its exit code", { timeout: 30_000 }, async (t) => {
  const talk = (socket: Socket) => {
    socket.once("data", () => {
      socket.pause();
      saidThen((one) => setTimeout(() => one.resetAndDestroy(), 50))(socket);
    });
  };
  const { exec, heard } = await engineWith(t, { talk, codes: [0] });
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(64 * 1024);
    })(),
  );
  assert.equal(await exec({ stdin: endless }), 0);
  assert.deepEqual(heard, ["a line\n"]);
});
