// Finding a server: whatever listens where a ZooKeeper should, the reason is told in words and in time.
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import dns from "node:dns/promises";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { type AddressInfo, createServer, type Server } from "node:net";
import { test } from "node:test";
import type { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import type { ZooKeeper, ZooKeeperOptions } from "../../../src/zookeeper/zookeeper.ts";
import { clientEnds } from "../../support/client-ends.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeZooKeeper, welcomeFrame } from "../../support/fake-zookeeper.ts";

const ends = clientEnds();

async function listening(server: Server, host = "127.0.0.1") {
  server.listen(0, host);
  await once(server, "listening");
  ends.onEnd(() => server.close());
  return { host, port: (server.address() as AddressInfo).port };
}

/** Somebody listened there a moment ago. */
async function nobody() {
  const server = createServer();
  const address = await listening(server);
  server.close();
  await once(server, "close");
  return address;
}

function connect(servers: ZooKeeperOptions["servers"], options: Partial<ZooKeeperOptions> = {}): ZooKeeper {
  return ends.connect({ servers, connectLimitMs: 700, ...options });
}

async function reasonOf(client: ZooKeeper): Promise<string> {
  const error = await client.ready.then(
    () => assert.fail("it connected"),
    (reason: ZooKeeperError) => reason,
  );
  assert.equal(error.code, "unreachable");
  assert.equal(client.state, "closed");
  await assert.rejects(client.sync("/"), { code: "unreachable" });
  return error.message;
}

test("nothing listens: the reason for each server", async () => {
  const [a, b] = await Promise.all([nobody(), nobody()]);
  const client = connect([a, b]);
  const waiting = assert.rejects(client.sync("/"), { code: "not-sent" });
  const message = await reasonOf(client);
  await waiting;
  for (const { port } of [a, b]) assert.match(message, new RegExp(`127.0.0.1:${port}: nothing listens there`));
});

test("a web server is known for one at once, without waiting for the limit", async () => {
  const address = await listening(createHttpServer());
  const client = connect([address], { connectLimitMs: 60_000 });
  assert.match(await reasonOf(client), /it is no ZooKeeper server: it speaks HTTP/);
});

for (const { name, greeting, reason } of [
  { name: "SSH", greeting: "SSH-2.0-OpenSSH_9.2p1\r\n", reason: /begins with "SSH-2.0-OpenSSH_9.2p1"/ },
  { name: "a TLS alert", greeting: "\x15\x03\x01\0\x02\x02\x46", reason: /it wants TLS/ },
]) {
  test(`${name} is not taken for ZooKeeper`, async () => {
    const address = await listening(createServer((socket) => socket.on("error", () => {}).write(greeting, "latin1")));
    assert.match(await reasonOf(connect([address], { connectLimitMs: 60_000 })), reason);
  });
}

test("a server without a quorum closes each connection: that is said after the limit", async () => {
  let connections = 0;
  const address = await listening(
    createServer((socket) => {
      connections++;
      socket.on("data", () => socket.destroy()).on("error", () => {});
    }),
  );
  assert.match(await reasonOf(connect([address])), /closed the connection without an answer: has it a quorum/);
  assert.ok(connections > 1, "it was tried again");
});

test("a server that accepts and says nothing costs its share of the time only", async () => {
  const mute = await listening(createServer((socket) => ends.onEnd(() => socket.destroy())));
  const server = await fakeZooKeeper();
  ends.onEnd(() => server[Symbol.asyncDispose]());
  await connect([mute, mute, server], { connectLimitMs: 3_000 }).ready;
  assert.match(await reasonOf(connect([mute])), /does not answer within/);
});

test("what can never be a server ends the search for a session, and not a session that lives", async () => {
  const server = await fakeZooKeeper({
    onGreeting: (_greeting, peer) =>
      peer.number === 1 ? Buffer.from("HTTP/1.1 503 Starting\r\n\r\n") : welcomeFrame(),
  });
  ends.onEnd(() => server[Symbol.asyncDispose]());
  const client = connect([server]);
  await client.ready;
  const { sessionId } = client;
  server.peers[0]?.socket.destroy();
  await eventually("a third connection", () => server.peers.length === 3 && client.state === "connected");
  assert.equal(client.sessionId, sessionId);
});

test("a resolver that is silent is asked once at a time, however often a server is tried", async (t) => {
  const asked: PromiseWithResolvers<LookupAddress[]>[] = [];
  t.mock.method(dns, "lookup", () => {
    asked.push(Promise.withResolvers<LookupAddress[]>());
    return asked.at(-1)?.promise;
  });
  // What others have imported by name follows.
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const server = await fakeZooKeeper();
  ends.onEnd(() => server[Symbol.asyncDispose]());
  const host = "slow.test";
  assert.match(await reasonOf(connect([{ host, port: server.port }])), /not looked up in time/);
  const client = connect([{ host, port: server.port }], { connectLimitMs: 60_000 });
  assert.equal(asked.length, 1);
  asked[0]?.resolve([{ address: server.host, family: 4 }]);
  await client.ready;
});

test("a name that nobody knows", async () => {
  assert.match(await reasonOf(connect([{ host: "no-such-host.invalid", port: 1 }])), /its name is not known/);
});

test("a TLS client at a plain server", async () => {
  const server = await fakeZooKeeper();
  ends.onEnd(() => server[Symbol.asyncDispose]());
  assert.match(await reasonOf(connect([server], { tls: {} })), /TLS/);
});

test("IPv6 addresses are fine, and written in brackets", async (t) => {
  const server = createServer((socket) => socket.on("data", () => socket.destroy()).on("error", () => {}));
  const address = await listening(server, "::1").catch(() => undefined);
  if (!address) return t.skip("no IPv6 here");
  assert.match(await reasonOf(connect([address])), new RegExp(`\\[::1\\]:${address.port}: it closed`));
});

test("no servers at all", async () => {
  assert.match(await reasonOf(connect([])), /no ZooKeeper server/);
});
