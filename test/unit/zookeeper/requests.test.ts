// Requests on one connection: their order, their bound, and what becomes of them when it ends.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import type { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import { opcode } from "../../../src/zookeeper/wire.ts";
import { connectZooKeeper, type ZooKeeper, type ZooKeeperOptions } from "../../../src/zookeeper/zookeeper.ts";
import { eventually } from "../../support/eventually.ts";
import {
  eventFrame,
  type FakeRequest,
  type FakeScript,
  type FakeZooKeeper,
  fakeSession,
  fakeZooKeeper,
  replyFrame,
  writeStat,
} from "../../support/fake-zookeeper.ts";

const opened: { client: ZooKeeper; server: FakeZooKeeper }[] = [];
afterEach(async () => {
  for (const { client, server } of opened.splice(0)) {
    // The fake answers no request by itself, so it goes first; the client looks for another one for a while.
    await server[Symbol.asyncDispose]();
    closing.push(client.close());
  }
});
const closing: Promise<void>[] = [];
after(() => Promise.all(closing));

async function connected(script: FakeScript, options: Partial<ZooKeeperOptions> = {}) {
  const server = await fakeZooKeeper(script);
  const client = connectZooKeeper({ servers: [server], ...options });
  opened.push({ client, server });
  await client.ready;
  return { client, server };
}

const data = Buffer.from("data");
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: ZooKeeperError) => error.code,
  );

test("at most 256 are in flight, and the rest follows in order", async () => {
  const xids: number[] = [];
  let most = 0;
  let answered = 0;
  const { client } = await connected({
    onRequest({ xid }, peer) {
      xids.push(xid);
      most = Math.max(most, xids.length - answered);
      // Answers come late and one by one, so whatever is sent too early piles up.
      setImmediate(() => {
        answered++;
        peer.reply(xid);
      });
    },
  });
  await Promise.all(Array.from({ length: 1_000 }, () => client.sync("/")));
  assert.deepEqual(
    xids,
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
  assert.ok(most <= 256 && most > 200, `${most}`);
});

test("large requests wait earlier: no more than a few MiB are in flight", async () => {
  let received = 0;
  const { client } = await connected({ onRequest: () => void received++, answersPings: () => false });
  const large = Array.from({ length: 20 }, () => codeOf(client.setData("/a", Buffer.alloc(900_000), -1)));
  await eventually("some came", () => received >= 5);
  // They end with the connection, when the server has been silent for too long.
  const codes = await Promise.all(large.slice(0, 5));
  assert.deepEqual([...new Set(codes)], ["connection-lost"]);
  assert.equal(received, 5);
});

test("everything that one turn of the loop asks for comes in one piece", async () => {
  let chunks = 0;
  const { client, server } = await connected({ onRequest: ({ xid }, peer) => peer.reply(xid) });
  server.peers[0]?.socket.on("data", () => chunks++);
  await Promise.all(Array.from({ length: 50 }, () => client.sync("/")));
  assert.equal(chunks, 1);
});

test("a request whose answer gets lost ends the connection, although pings are answered", async () => {
  const { client } = await connected({ onRequest: () => {} });
  await assert.rejects(client.sync("/"), { code: "connection-lost", message: /answers later requests/ });
});

test("a request that is too large fails alone and before it is sent", async () => {
  const { client } = await connected({
    onRequest: ({ xid }, peer) => peer.reply(xid, { body: (writer) => writeStat(writer) }),
  });
  const [before, large, after] = await Promise.all([
    codeOf(client.setData("/a", data, -1)),
    codeOf(client.setData("/a", Buffer.alloc(1024 * 1024), -1)),
    codeOf(client.setData("/a", data, -1)),
  ]);
  assert.deepEqual([before, large, after], ["done", "too-large", "done"]);
});

test("what left without an answer is lost, what had not left was not sent, and nothing is repeated", async () => {
  const writes: FakeRequest["type"][] = [];
  const { client, server } = await connected({
    onRequest({ type, xid }, peer) {
      writes.push(type);
      if (peer.number > 0) peer.reply(xid, { body: (writer) => writeStat(writer) });
    },
  });
  const unanswered = codeOf(client.setData("/a", data, 0));
  await eventually("it left", () => writes.length === 1);
  const states: string[] = [];
  client.onState((state) => states.push(state));
  server.peers[0]?.socket.destroy();
  // Asked for in the very turn in which the connection ends: still in the writer.
  const unsent = new Promise<string>((resolve) => {
    const forget = client.onState(() => {
      forget();
      resolve(codeOf(client.setData("/b", data, 0)));
    });
  });
  assert.equal(await unanswered, "connection-lost");
  assert.equal(await unsent, "done", "asked for while disconnected: it waits");
  assert.deepEqual(states, ["disconnected", "connected"]);
  assert.deepEqual(writes, [opcode.setData, opcode.setData]);
});

test("an answer to another request ends the connection, and what is in the writer by then was not sent", async () => {
  let unsent: Promise<string> | undefined;
  const { client } = await connected({
    onRequest({ xid, type }, peer) {
      if (type === opcode.addWatch) return peer.reply(xid);
      if (peer.number === 0) peer.send(Buffer.concat([eventFrame(3, "/a"), replyFrame(xid + 9, 1n, 0)]));
    },
  });
  await client.addWatch("/", "recursive", () => {
    unsent = codeOf(client.sync("/unsent"));
  });
  await assert.rejects(client.sync("/"), { code: "connection-lost", message: /answered request 11, and 2 is next/ });
  assert.equal(await unsent, "not-sent");
});

test("an answer that cannot be read ends the connection, and its request is lost", async () => {
  const { client } = await connected({
    onRequest: ({ xid }, peer) => peer.reply(xid, { body: (writer) => writer.int(-5) }),
  });
  assert.equal(await codeOf(client.getData("/a")), "connection-lost");
});

for (const bytes of [1, 3, 4, 10, 19, 30]) {
  test(`an answer that is cut after ${bytes} bytes leaves nothing behind for the next connection`, async () => {
    const { client, server } = await connected({
      onRequest({ xid }, peer) {
        const reply = replyFrame(xid, 5n, 0, (writer) => {
          writer.bytes(data);
          writeStat(writer, 3);
        });
        if (peer.number === 0) peer.socket.end(reply.subarray(0, bytes));
        else peer.send(reply);
      },
    });
    assert.equal(await codeOf(client.getData("/a")), "connection-lost");
    const { stat } = await client.getData("/a");
    assert.equal(stat.version, 3);
    const [first, second] = server.greetings;
    assert.equal(first?.sessionId, 0n);
    assert.equal(second?.sessionId, fakeSession.id);
    assert.deepEqual(second?.password, fakeSession.password);
  });
}

test("events are told before the answers behind them and after those before them, whoever awaits those", async () => {
  const told: string[] = [];
  const { client } = await connected({
    onRequest({ xid, type }, peer) {
      if (type === opcode.addWatch) return peer.reply(xid);
      if (xid < 4) return;
      // All in one chunk: answer, event, answer, event, event, answer.
      peer.send(
        Buffer.concat([
          replyFrame(2, 1n, 0),
          eventFrame(3, "/1"),
          replyFrame(3, 2n, 0),
          eventFrame(3, "/2"),
          eventFrame(3, "/3"),
          replyFrame(4, 3n, 0),
        ]),
      );
    },
  });
  await client.addWatch("/", "recursive", ({ path }) => told.push(path));
  const deep = async (name: string) => {
    const layers = async (depth: number): Promise<void> => {
      if (depth === 0) await client.sync("/");
      else await layers(depth - 1);
    };
    await layers(20);
    told.push(name);
  };
  await Promise.all(["a", "b", "c"].map(deep));
  assert.deepEqual(told, ["a", "/1", "b", "/2", "/3", "c"]);
});

test("the error of a create names the node and how it may be the chroot's or the password's fault", async () => {
  const errors = [-101, -102];
  const { client } = await connected(
    {
      onRequest({ xid, type }, peer) {
        peer.reply(xid, { error: type === opcode.create2 ? (errors.shift() ?? 0) : 0 });
      },
    },
    { chroot: "/root", credentials: { user: "eve", password: "s3cret" } },
  );
  const create = () => client.create("/a", data, { mode: "persistent", acl: openAcl });
  await assert.rejects(create(), { code: "no-node", path: "/a", message: /^\/a: .*chroot \/root/ });
  await assert.rejects(create(), (error: ZooKeeperError) => {
    assert.equal(error.code, "no-auth");
    assert.match(error.message, /as user "eve"/);
    assert.doesNotMatch(error.stack ?? "", /s3cret/);
    return true;
  });
});
