import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { eventually } from "./eventually.ts";
import { frameSplitter, typeOf, xidOf } from "./frames.ts";
import { randomOf } from "./rounds.ts";
import { type TcpProxy, tcpProxy } from "./tcp-proxy.ts";

const ping = -2;
const event = -1;
const multi = 14;
const get = 4;

test("bytes pass both ways unchanged, however they are cut", async (context) => {
  const { proxy, requests } = await serve(context);
  const random = randomOf("chunks");
  const client = await dial(context, proxy);
  const frames = Array.from({ length: 50 }, (_, index) => frame(index + 1, get, Math.floor(random() * 5_000)));
  let bytes = Buffer.concat(frames);
  while (bytes.length > 0) {
    const size = 1 + Math.floor(random() * 3_000);
    client.socket.write(bytes.subarray(0, size));
    bytes = bytes.subarray(size);
  }
  await eventually(
    "all replies",
    () =>
      client.bytes() === requests.reduce((sum, each) => sum + each.length, 0) &&
      client.bytes() > 0 &&
      requests.length === 51,
  );
  assert.deepEqual(requests.slice(1), frames);
  assert.deepEqual(client.frames.slice(1), frames);
});

test("a reset breaks what is connected, and the next connection works", async (context) => {
  const { proxy } = await serve(context);
  const client = await dial(context, proxy);
  proxy.reset();
  assert.equal(await client.ended, "ECONNRESET");
  const next = await dial(context, proxy);
  await next.ask(1, get);
  await eventually("one connection is left", () => proxy.connections === 1);
});

test("while it is down nobody connects, afterwards all do, at the same place", async (context) => {
  const { proxy } = await serve(context);
  const client = await dial(context, proxy);
  await proxy.down();
  assert.equal(await client.ended, "ECONNRESET");
  await assert.rejects(dial(context, proxy), { code: "ECONNREFUSED" });
  await proxy.up();
  await (await dial(context, proxy)).ask(1, get);
});

test("in a black hole nothing passes, not even an end, and later everything in order", async (context) => {
  const { proxy, requests, target } = await serve(context);
  const client = await dial(context, proxy);
  const leaving = await dial(context, proxy);
  proxy.freeze();
  client.socket.write(frame(1, get));
  client.socket.write(frame(2, get));
  leaving.socket.resetAndDestroy();
  const late = connect(proxy.port, proxy.host);
  context.after(() => late.destroy());
  late.write(frame(0, get));
  // Whoever goes around it has been answered many times; what could pass would have passed by then.
  const direct = await dial(context, target);
  for (let xid = 1; xid <= 50; xid += 1) await direct.ask(xid, multi);
  assert.equal(requests.filter((each) => typeOf(each) === get).length, 0);
  assert.equal(client.frames.length, 1);
  assert.equal(proxy.connections, 2);
  proxy.thaw();
  await eventually("both replies", () => client.frames.length === 3);
  assert.deepEqual(client.frames.slice(1).map(xidOf), [1, 2]);
  await once(late, "data");
  await eventually("the end is known", () => proxy.connections === 2);
});

test("a delay holds for each way, and keeps the order when it changes", async (context) => {
  const { proxy } = await serve(context);
  const client = await dial(context, proxy);
  proxy.delay(100);
  const start = performance.now();
  client.socket.write(frame(1, get));
  await eventually("the reply", () => client.frames.length === 2);
  assert.ok(performance.now() - start > 195);
  client.socket.write(frame(2, get));
  await eventually("it is on its way", () => client.frames.length >= 2);
  proxy.delay(0);
  await client.ask(3, get);
  assert.deepEqual(client.frames.slice(1).map(xidOf), [1, 2, 3]);
});

for (const passed of [0, 1, 4, 7, 11]) {
  test(`a frame is cut after ${passed} bytes, and the connection with it`, async (context) => {
    const { proxy } = await serve(context);
    const client = await dial(context, proxy);
    await client.ask(1, get);
    const before = client.bytes();
    const cut = proxy.cutFrame(passed);
    client.socket.write(frame(2, get));
    await cut;
    assert.equal(await client.ended, "end");
    assert.equal(client.bytes() - before, passed);
    await (await dial(context, proxy)).ask(3, get);
  });
}

test("a reply is swallowed: the request has arrived, what belongs to others passes, then it closes", async (context) => {
  const { proxy, requests } = await serve(context);
  const client = await dial(context, proxy);
  const other = await dial(context, proxy);
  const swallowed = proxy.swallowReply(multi);
  await client.ask(1, get);
  await client.ask(ping, 11);
  client.socket.write(frame(2, multi));
  await swallowed;
  assert.equal(await client.ended, "end");
  assert.deepEqual(client.frames.slice(1).map(xidOf), [1, ping]);
  assert.ok(requests.some((each) => xidOf(each) === 2 && typeOf(each) === multi));
  await other.ask(2, multi);
});

test("a trap whose connection breaks waits for the next request", async (context) => {
  const { proxy, answer } = await serve(context);
  const first = await dial(context, proxy);
  answer.isOn = false;
  const swallowed = proxy.swallowReply();
  first.socket.write(frame(1, get));
  await eventually("it has arrived", () => answer.withheld === 1);
  proxy.reset();
  await first.ended;
  answer.isOn = true;
  const second = await dial(context, proxy);
  await second.ask(ping, 11);
  second.socket.write(frame(1, get));
  await swallowed;
  assert.equal(await second.ended, "end");
});

test("watch events get lost, replies do not", async (context) => {
  const { proxy } = await serve(context);
  const client = await dial(context, proxy);
  proxy.loseEvents(true);
  client.socket.write(frame(event, 0));
  await client.ask(1, get);
  proxy.loseEvents(false);
  await client.ask(event, 0);
  assert.deepEqual(client.frames.slice(1).map(xidOf), [1, event]);
});

/** A server that sends each frame back, behind a proxy. */
async function serve(context: TestContext) {
  const requests: Buffer[] = [];
  const answer = { isOn: true, withheld: 0 };
  const server = createServer((socket) => {
    const split = frameSplitter();
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const each of split(chunk)) {
        requests.push(each);
        if (answer.isOn) socket.write(each);
        else answer.withheld += 1;
      }
    });
  }).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  const address = server.address();
  assert.ok(address && typeof address === "object");
  const target = { host: "127.0.0.1", port: address.port };
  const proxy = await tcpProxy(target);
  context.after(() => proxy.close());
  return { proxy, requests, answer, target };
}

/** A connection that has said what every first frame says. */
async function dial(context: TestContext, to: Pick<TcpProxy, "host" | "port">) {
  const socket: Socket = connect(to.port, to.host);
  context.after(() => socket.destroy());
  const frames: Buffer[] = [];
  const split = frameSplitter();
  let bytes = 0;
  socket.on("data", (chunk) => {
    bytes += chunk.length;
    frames.push(...split(chunk));
  });
  await once(socket, "connect");
  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("end"));
  });
  const ask = async (xid: number, type: number) => {
    const before = frames.length;
    socket.write(frame(xid, type));
    await eventually(`a reply to ${xid}`, () => frames.length > before);
  };
  await ask(0, 0);
  return { socket, frames, ended, ask, bytes: () => bytes };
}

function frame(xid: number, type: number, size = 20): Buffer {
  const body = Buffer.alloc(8 + size, "x");
  body.writeInt32BE(xid, 0);
  body.writeInt32BE(type, 4);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}
