// A session over its connections: what is said on each, in which order, and how it ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { opcode } from "../../../src/zookeeper/wire.ts";
import type { SessionEvent, SessionState, ZooKeeper, ZooKeeperOptions } from "../../../src/zookeeper/zookeeper.ts";
import { clientEnds } from "../../support/client-ends.ts";
import { eventually } from "../../support/eventually.ts";
import { type FakeScript, fakeSession, fakeZooKeeper, welcomeFrame } from "../../support/fake-zookeeper.ts";

const ends = clientEnds();

async function fake(script: FakeScript = {}) {
  const server = await fakeZooKeeper(script);
  ends.onEnd(() => server[Symbol.asyncDispose]());
  return server;
}

function connect(servers: ZooKeeperOptions["servers"], options: Partial<ZooKeeperOptions> = {}) {
  const events: SessionEvent[] = [];
  const client = ends.connect({ servers, onEvent: (event) => events.push(event), ...options });
  return { client, events };
}

/** Calls `then` in the very turn in which the client gets into this state. */
function when<T>(client: ZooKeeper, wanted: SessionState, then: () => T): Promise<Awaited<T>> {
  return new Promise((resolve) => {
    const forget = client.onState((state) => {
      if (state !== wanted) return;
      forget();
      resolve(then() as Awaited<T>);
    });
  });
}

/** Answers everything with success and nothing in it. */
const yes: FakeScript = { onRequest: ({ xid }, peer) => peer.reply(xid, { zxid: 0x5_0000_0007n }) };

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: ZooKeeperError) => error.code,
  );

test("the server's word on the session's time holds", async () => {
  const server = await fake(yes);
  const { client, events } = connect([server], { sessionTimeoutMs: 9_000 });
  assert.equal(client.state, "connecting");
  assert.equal(client.sessionId, 0n);
  const before = performance.now();
  await client.ready;
  assert.equal(server.greetings[0]?.timeoutMs, 9_000);
  assert.equal(client.sessionTimeoutMs, fakeSession.timeoutMs);
  assert.equal(client.sessionId, fakeSession.id);
  assert.ok(client.aliveUntilMs >= before && client.aliveUntilMs <= performance.now() + fakeSession.timeoutMs);
  assert.deepEqual(events, [
    {
      type: "connected",
      server: `127.0.0.1:${server.port}`,
      sessionId: fakeSession.id,
      timeoutMs: fakeSession.timeoutMs,
    },
  ]);
});

test("a new connection hears of credentials, then of watches, then of what waited, and of the newest zxid at once", async () => {
  const heard: number[][] = [];
  const server = await fake({
    onRequest({ xid, type }, peer) {
      heard[peer.number] ??= [];
      heard[peer.number]?.push(type);
      peer.reply(xid, { zxid: 0x5_0000_0007n });
    },
  });
  const { client, events } = connect([server], { credentials: { user: "me", password: "secret" } });
  const first = client.sync("/");
  await client.addWatch("/a", "persistent", () => {});
  await first;
  const waiting = when(client, "disconnected", () => Promise.all([client.sync("/"), client.sync("/")]));
  server.peers[0]?.socket.destroy();
  await waiting;
  assert.deepEqual(heard, [
    [opcode.auth, opcode.sync, opcode.addWatch],
    [opcode.auth, opcode.setWatches2, opcode.sync, opcode.sync],
  ]);
  assert.equal(server.greetings[1]?.lastZxid, 0x5_0000_0007n);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["connected", "disconnected", "reconnected"],
  );
  assert.doesNotMatch(
    JSON.stringify(events, (_, value) => String(value)),
    /secret/,
  );
});

test("credentials that are refused end the first attempt with that reason", async () => {
  const server = await fake({ onRequest: ({ xid }, peer) => peer.reply(xid, { error: -115 }) });
  const { client } = connect([server], { credentials: { user: "me", password: "secret" } });
  await assert.rejects(client.ready, (error: ZooKeeperError) => {
    assert.equal(error.code, "auth-failed");
    assert.match(error.message, /refuses the credentials \(user "me"\)/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  assert.equal(client.state, "closed");
});

test("a server that has forgotten the session ends it", async () => {
  const server = await fake({
    ...yes,
    onGreeting: ({ sessionId }) => (sessionId === 0n ? welcomeFrame() : welcomeFrame(0n, 0)),
  });
  const { client, events } = connect([server]);
  await client.ready;
  const states: string[] = [];
  client.onState((state) => states.push(state));
  const waiting = when(client, "disconnected", () => codeOf(client.sync("/")));
  server.peers[0]?.socket.destroy();
  assert.equal(await waiting, "not-sent");
  assert.equal(client.state, "expired");
  assert.equal(await codeOf(client.sync("/")), "session-expired");
  assert.deepEqual(states, ["disconnected", "expired"]);
  assert.equal(events.at(-1)?.type, "expired");
});

test("without any server the session is over when its time is", async () => {
  const server = await fake(yes);
  const { client, events } = connect([server]);
  await client.ready;
  await server[Symbol.asyncDispose]();
  await eventually("it is lost", () => client.state === "disconnected");
  const until = client.aliveUntilMs;
  const waiting = codeOf(client.sync("/"));
  const expired = new Promise<number>((resolve) => client.onState(() => resolve(performance.now())));
  assert.ok((await expired) >= until - 1);
  assert.equal(client.state, "expired");
  assert.equal(await waiting, "not-sent");
  assert.ok(events.some((event) => event.type === "refused" && /nothing listens there/.test(event.reason)));
});

test("a server that takes the session and drops it again is not asked again without a pause", async () => {
  const server = await fake({ onGreeting: (_, peer) => void peer.socket.end(welcomeFrame()) });
  const { client } = connect([server]);
  await client.ready;
  await new Promise((resolve) => setTimeout(resolve, fakeSession.timeoutMs));
  const { length } = server.greetings;
  assert.ok(length >= 3 && length < 30, `${length} connections`);
});

test("a silent server is left while the session is certainly alive, and another one goes on with it", async () => {
  let silent = false;
  const first = await fake({ ...yes, answersPings: () => !silent });
  const { client } = connect([first]);
  await client.ready;
  await eventually("a ping was answered", () => client.aliveUntilMs > performance.now() + fakeSession.timeoutMs * 0.9);
  silent = true;
  const left = await new Promise<number>((resolve) =>
    client.onState(() => resolve(client.aliveUntilMs - performance.now())),
  );
  assert.equal(client.state, "disconnected");
  assert.ok(left > 0, `${left}`);
  await eventually("it is back", () => client.state === "connected");
  assert.equal(client.sessionId, fakeSession.id);
});

test("a loop that was busy for longer than the server may be silent first reads what came meanwhile", async () => {
  const busyMs = fakeSession.timeoutMs * 0.62;
  const server = await fake({
    onRequest({ xid }, peer) {
      peer.reply(xid);
      const end = performance.now() + busyMs;
      while (performance.now() < end);
    },
  });
  let rounds = 0;
  for (let attempt = 0; rounds < 3 && attempt < 20; attempt++) {
    const { client, events } = connect([server]);
    await client.ready;
    const sentMs = performance.now();
    const answer = await codeOf(client.sync("/"));
    const tookMs = performance.now() - sentMs;
    await client.close();
    // Where the machine kept the process waiting for longer still, the session may end with good reason.
    if (tookMs > fakeSession.timeoutMs * 0.7) continue;
    rounds += 1;
    assert.equal(answer, "done");
    assert.deepEqual(
      events.map(({ type }) => type).filter((type) => type !== "closed"),
      ["connected"],
    );
  }
  assert.equal(rounds, 3, "the machine is too busy to tell");
});

test("pings are sent when nothing else is, and hardly when much is", async () => {
  let pings = 0;
  const server = await fake({
    ...yes,
    answersPings() {
      pings++;
      return true;
    },
  });
  const { client } = connect([server]);
  await client.ready;
  const busyUntil = performance.now() + fakeSession.timeoutMs;
  while (performance.now() < busyUntil) await client.sync("/");
  assert.ok(pings <= 1, `${pings}`);
  await eventually("pings", () => pings >= 3);
});

test("a close waits for what is in flight, fails what waits, and ends the session", async () => {
  const types: number[] = [];
  const server = await fake({
    onRequest({ xid, type }, peer) {
      types.push(type);
      setTimeout(() => peer.reply(xid), 20);
    },
  });
  const { client, events } = connect([server]);
  await client.ready;
  const requests = Array.from({ length: 300 }, () => codeOf(client.sync("/")));
  await eventually("they left", () => types.length === 256);
  const closing = client.close();
  assert.equal(client.state, "closed");
  assert.equal(await codeOf(client.sync("/")), "closed");
  await Promise.all([closing, client.close()]);
  const codes = await Promise.all(requests);
  assert.deepEqual(
    [codes.filter((code) => code === "done").length, codes[255], codes[256], codes[299]],
    [256, "done", "closed", "closed"],
  );
  assert.equal(types.at(-1), opcode.closeSession);
  assert.equal(events.at(-1)?.type, "closed");
});

test("a close while disconnected still ends the session where a server comes back in time", async () => {
  const types: number[] = [];
  const server = await fake({
    onRequest({ xid, type }, peer) {
      types.push(type);
      peer.reply(xid);
    },
  });
  const { client } = connect([server]);
  await client.ready;
  const closed = when(client, "disconnected", () => client.close());
  server.peers[0]?.socket.destroy();
  await closed;
  assert.deepEqual(types, [opcode.closeSession]);
});

test("a close before the first connection is quick, and says so to who waits", async () => {
  const server = await fake({ onGreeting: () => undefined });
  const { client } = connect([server]);
  const waiting = codeOf(client.sync("/"));
  await client.close();
  assert.equal(await waiting, "closed");
  assert.equal(await codeOf(client.ready), "closed");
});

test("a listener that fails stops neither the others nor the connection", async (t) => {
  const thrown: unknown[] = [];
  // The runner's own listeners would take the error for the test's.
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  t.after(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  });
  const server = await fake(yes);
  const { client } = connect([server]);
  const states: string[] = [];
  client.onState(() => {
    throw new Error("a bug");
  });
  client.onState((state) => states.push(state));
  await client.ready;
  await client.sync("/");
  assert.deepEqual(states, ["connected"]);
  assert.deepEqual(thrown.map(String), ["Error: a bug"]);
});
