// A network that resets, freezes, delays, cuts frames and swallows replies, at random: nothing is done twice, and nothing that was acknowledged is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { openAcl, type WatchEvent } from "../../../src/zookeeper/records.ts";
import type { ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { eventually } from "../../support/eventually.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";
import { type TcpProxy, tcpProxy } from "../../support/tcp-proxy.ts";
import { startClient, testClient } from "../../support/zookeeper-clients.ts";
import { zooKeeperOfFile } from "../../support/zookeeper-of-file.ts";

const zooKeeper = zooKeeperOfFile();

const data = Buffer.from("data");
const persistent = { mode: "persistent", acl: openAcl } as const;

async function behindProxy(t: Parameters<typeof testClient>[0], sessionTimeoutMs: number) {
  const [server] = zooKeeper().servers;
  assert.ok(server);
  const proxy = await tcpProxy(server);
  const proxied = startClient(t, [proxy], { sessionTimeoutMs });
  // Registered after the client, which so still has a way to say goodbye.
  t.after(() => proxy.close());
  await proxied.client.ready;
  const { client: watcher } = await testClient(t, [server], { sessionTimeoutMs: 20_000 });
  return { proxy, watcher, ...proxied };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: ZooKeeperError) => error.code,
  );

test("a reply that is swallowed: the write is done, its outcome is unknown, and it is not repeated", async (t) => {
  const { client, proxy, watcher } = await behindProxy(t, 4_000);
  await client.create("/swallowed", data, persistent);
  const sprung = proxy.swallowReply(5);
  assert.equal(await codeOf(client.setData("/swallowed", data, 0)), "connection-lost");
  await sprung;
  await client.sync("/");
  assert.equal((await watcher.getData("/swallowed")).stat.version, 1);
});

for (const bytes of [0, 2, 4, 12, 30]) {
  test(`a frame that is cut after ${bytes} bytes costs the connection, not the session`, async (t) => {
    const { client, proxy } = await behindProxy(t, 4_000);
    const { sessionId } = client;
    const sprung = proxy.cutFrame(bytes);
    assert.equal(await codeOf(client.getData("/")), "connection-lost");
    await sprung;
    await client.getData("/");
    assert.equal(client.sessionId, sessionId);
  });
}

test("a black hole is noticed while the session lives, and its end is known before the server removes its nodes", async (t) => {
  const { client, proxy, watcher, states } = await behindProxy(t, 2_000);
  await client.create("/hole", data, { mode: "ephemeral", acl: openAcl });
  let deletedMs = 0;
  await watcher.addWatch("/hole", "persistent", () => {
    deletedMs = performance.now();
  });
  proxy.freeze();
  assert.equal(await codeOf(client.getData("/hole")), "connection-lost");
  assert.equal(client.state, "disconnected");
  assert.equal(await codeOf(client.getData("/hole")), "not-sent");
  assert.deepEqual(states, ["connected", "disconnected", "expired"]);
  await eventually("the node is gone", () => deletedMs > 0);
  assert.ok(deletedMs > client.aliveUntilMs);
});

test("a black hole for less than the session's time: the session goes on", async (t) => {
  const { client, proxy } = await behindProxy(t, 6_000);
  await client.create("/short-hole", data, { mode: "ephemeral", acl: openAcl });
  proxy.freeze();
  await eventually("it is noticed", () => client.state === "disconnected");
  proxy.thaw();
  assert.equal((await client.exists("/short-hole"))?.ephemeralOwner, client.sessionId);
});

test("a slow network is no broken one", async (t) => {
  const { client, proxy, events } = await behindProxy(t, 4_000);
  proxy.delay(300);
  const end = performance.now() + 4_500;
  while (performance.now() < end) await Promise.all([client.getData("/"), client.sync("/")]);
  proxy.delay(0);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["connected"],
  );
});

type Trouble = (proxy: TcpProxy) => void | Promise<void>;
const troubles: readonly Trouble[] = [
  (proxy) => proxy.reset(),
  async (proxy) => {
    await proxy.down();
    await proxy.up();
  },
  (proxy) => void proxy.cutFrame(Math.floor(random() * 40)),
  (proxy) => void proxy.swallowReply(),
  (proxy) => proxy.delay(Math.floor(random() * 20)),
  (proxy) => proxy.delay(0),
];
const random = randomOf("bad network");

interface Tally {
  readonly done: string[];
  readonly unknown: string[];
  readonly not: string[];
}

/** Creates numbered nodes, several at a time, until told to stop; never one name twice. */
async function createOn(
  client: ZooKeeper,
  root: string,
  name: string,
  goesOn: () => boolean,
  tally: Tally,
): Promise<void> {
  for (let number = 0; goesOn(); number++) {
    const path = `${root}/${name}-${number}`;
    try {
      await client.create(path, data, persistent);
      tally.done.push(path);
    } catch (error) {
      assert.ok(error instanceof ZooKeeperError, String(error));
      if (error.code === "connection-lost") tally.unknown.push(path);
      else {
        // "node-exists" would mean that it was sent twice.
        assert.equal(error.code, "not-sent", error.message);
        tally.not.push(path);
      }
    }
  }
}

test(`random trouble (seed ${seed}): what was acknowledged is there, what was not sent is not, and watches come back`, async (t) => {
  const { client, proxy, watcher } = await behindProxy(t, 20_000);
  const root = `/trouble-${seed}`;
  await client.create(root, data, persistent);
  const told = new Set<string>();
  await client.addWatch(root, "recursive", (event: WatchEvent) => void told.add(event.path));
  const tally: Tally = { done: [], unknown: [], not: [] };
  let going = true;
  const workers = Array.from({ length: 8 }, (_, index) => createOn(client, root, `${index}`, () => going, tally));
  for (let round = 0; round < rounds; round++) {
    const before = tally.done.length;
    await troubles[Math.floor(random() * troubles.length)]?.(proxy);
    await eventually("it goes on", () => tally.done.length > before + 20, 30_000);
  }
  going = false;
  proxy.delay(0);
  await Promise.all(workers);
  const there = new Set((await watcher.getChildren(root)).children.map((name) => `${root}/${name}`));
  assert.deepEqual(
    tally.done.filter((path) => !there.has(path)),
    [],
  );
  assert.deepEqual(
    tally.not.filter((path) => there.has(path)),
    [],
  );
  assert.ok(there.size <= tally.done.length + tally.unknown.length);
  await watcher.create(`${root}/last`, data, persistent);
  // A trap that was never sprung may close one more connection.
  await eventually("the watch is still there", async () => {
    await watcher.setData(`${root}/last`, data, -1);
    return told.has(`${root}/last`);
  });
});
