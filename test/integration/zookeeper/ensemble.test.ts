// Three real servers, of which some are killed, frozen and brought back while clients go on.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import type { ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { eventually } from "../../support/eventually.ts";
import { startClient, testClient } from "../../support/zookeeper-clients.ts";
import { zooKeeperOfFile } from "../../support/zookeeper-of-file.ts";
import { readTogether } from "../../support/zookeeper-reading.ts";
import type { ZooKeeperServer } from "../../support/zookeeper-server.ts";

const zooKeeper = zooKeeperOfFile({ servers: 3 });
// Each test brings back the servers that it takes away, and the next one takes others: they are waited for.
beforeEach(() => zooKeeper().whole());

const data = Buffer.from("data");
const limitMs = 60_000;

async function restart(server: ZooKeeperServer): Promise<void> {
  await server.kill();
  await server.start();
}

/** The server that a client is connected to just now. */
function serverOf(events: readonly { readonly type: string; readonly server?: string }[]): ZooKeeperServer {
  const last = events.filter(({ type }) => type === "connected" || type === "reconnected").at(-1)?.server;
  return zooKeeper().servers.find(({ host }) => last?.startsWith(`${host}:`)) ?? assert.fail(`connected to ${last}`);
}

/** One write after another, each with the version of the one before; a lost answer is looked up. Ends with the versions that were acknowledged. */
function writer(client: ZooKeeper, path: string): { readonly acknowledged: number[]; end(): Promise<void> } {
  const acknowledged: number[] = [];
  let ended = false;
  const run = async () => {
    let version = 0;
    while (!ended) {
      try {
        version = (await client.setData(path, Buffer.from(`${version + 1}`), version)).stat.version;
        acknowledged.push(version);
      } catch (error) {
        assert.ok(error instanceof ZooKeeperError, String(error));
        assert.ok(["connection-lost", "not-sent"].includes(error.code), error.message);
        if (error.code === "connection-lost") version = await lookUp(client, path, version);
      }
    }
  };
  const running = run();
  return {
    acknowledged,
    async end() {
      ended = true;
      await running;
    },
  };
}

/** A read may meet the next disconnection. */
async function lookUp(client: ZooKeeper, path: string, known: number): Promise<number> {
  try {
    await client.sync(path);
    const found = (await client.getData(path)).stat.version;
    assert.ok(found === known || found === known + 1, `version ${found} after ${known}: a write was repeated`);
    return found;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === "connection-lost") return lookUp(client, path, known);
    throw error;
  }
}

for (const { name, victim, how } of [
  { name: "its server is killed", victim: "own", how: "kill" },
  { name: "the leader is killed", victim: "leader", how: "kill" },
  { name: "its server freezes", victim: "own", how: "freeze" },
  { name: "the leader freezes", victim: "leader", how: "freeze" },
] as const) {
  test(`${name}: the session and its nodes stay, watches too, and no write is done twice`, async (t) => {
    const path = `/${victim}-${how}`;
    const leader = await zooKeeper().leader();
    // The frozen leader is no server of theirs: they would find it out only after two thirds of their session, and the others take long
    // to elect while it accepts connections and says nothing.
    const servers = zooKeeper().servers.filter((server) => how === "kill" || server !== leader);
    // The silence of a server is noticed after two thirds; the rest has to do for an election on a busy machine.
    const sessionTimeoutMs = how === "freeze" && victim === "own" ? 24_000 : 60_000;
    const { client, events, states } = await testClient(t, servers, { sessionTimeoutMs });
    const { client: other } = await testClient(t, servers, { sessionTimeoutMs });
    await client.create(path, data, { mode: "persistent", acl: openAcl });
    await client.create(`${path}/alive`, data, { mode: "ephemeral", acl: openAcl });
    let told = 0;
    await client.addWatch(path, "recursive", () => told++);
    const writing = writer(client, path);
    await eventually("it writes", () => writing.acknowledged.length > 20);
    const server = victim === "own" ? serverOf(events) : leader;
    if (how === "kill") await server.kill();
    else server.freeze();
    t.after(() => restart(server));
    const before = writing.acknowledged.length;
    await eventually("it goes on writing", () => writing.acknowledged.length > before + 50, limitMs);
    await writing.end();
    assert.ok(!states.includes("expired"));
    const owner = (await client.exists(`${path}/alive`))?.ephemeralOwner;
    assert.equal(owner, client.sessionId);
    const seen = told;
    await eventually(
      "the other one writes",
      () =>
        other.setData(path, data, -1).then(
          () => true,
          () => false,
        ),
      limitMs,
    );
    await eventually("the watch is still there", () => told > seen);
  });
}

test("nodes that are read together are as they were told to be when the answer came, whichever server is asked", async (t) => {
  for (const [index, server] of zooKeeper().servers.entries()) {
    const { client: writer } = await testClient(t, zooKeeper().servers);
    const { client: reader } = await testClient(t, [server]);
    await readTogether(writer, reader, `/together-${index}`);
  }
});

test("a follower that has lost its leader is left while the session is certainly alive, though it answers what is read", async (t) => {
  const leader = await zooKeeper().leader();
  const followers = zooKeeper().servers.filter((server) => server !== leader);
  // It holds on to its silent leader for 3 s, which is longer than this session.
  const { client, states } = await testClient(t, followers.slice(0, 1), { sessionTimeoutMs: 1_500 });
  await client.create("/cut-off", data, { mode: "ephemeral", acl: openAcl });
  t.after(() => leader.thaw());
  const frozenAt = performance.now();
  const left = new Promise<number>((resolve) => client.onState(() => resolve(performance.now())));
  leader.freeze();
  while (states.at(-1) === "connected") await client.exists("/cut-off").catch(() => {});
  assert.ok((await left) < frozenAt + client.sessionTimeoutMs, "it was held for alive when it may have ended");
  assert.equal(states.at(-1), "disconnected");
});

test("quorum lost and back within the session: writes are done again, and the session is the same", async (t) => {
  const { client, states } = await testClient(t, zooKeeper().servers, { sessionTimeoutMs: 30_000 });
  await client.create("/quorum", data, { mode: "ephemeral", acl: openAcl });
  const { sessionId } = client;
  const [first, second] = zooKeeper().servers as [ZooKeeperServer, ZooKeeperServer];
  t.after(() => Promise.all([restart(first), restart(second)]));
  await Promise.all([first.kill(), second.kill()]);
  await eventually("it is lost", () => states.includes("disconnected"), limitMs);
  const written = eventually(
    "it is written",
    () => client.setData("/quorum", data, -1).catch(() => undefined),
    limitMs,
  );
  await Promise.all([first.start(), second.start()]);
  assert.equal((await written).stat.ephemeralOwner, sessionId);
  assert.equal(client.sessionId, sessionId);
});

test("quorum lost for longer than the session: over by the local clock; a new client says why, and comes when it is back", async (t) => {
  const { client, states } = await testClient(t, zooKeeper().servers, { sessionTimeoutMs: 2_000 });
  const [first, second] = zooKeeper().servers as [ZooKeeperServer, ZooKeeperServer];
  await Promise.all([first.kill(), second.kill()]);
  await eventually("it is over", () => client.state === "expired", limitMs);
  assert.deepEqual(states.slice(-2), ["disconnected", "expired"]);
  const { client: hasty } = startClient(t, zooKeeper().servers, { connectLimitMs: 2_000 });
  await assert.rejects(hasty.ready, (error: ZooKeeperError) => {
    assert.equal(error.code, "unreachable");
    assert.match(error.message, /nothing listens there/);
    assert.match(error.message, /has it a quorum|does not answer/);
    return true;
  });
  const { client: patient } = startClient(t, zooKeeper().servers, { connectLimitMs: limitMs });
  await Promise.all([first.start(), second.start()]);
  await patient.ready;
  await patient.sync("/");
});
