// Our client and other people's on one server: each reads, changes, watches and owns what the other must understand.
import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { creatorAcl, openAcl, type WatchEvent } from "../../src/zookeeper/records.ts";
import { connectZooKeeper, type ZooKeeper } from "../../src/zookeeper/zookeeper.ts";
import { eventually } from "../support/eventually.ts";
import { type RunningZooKeeper, startZooKeeper } from "../support/zookeeper-server.ts";
import type { Peer } from "./peer.ts";
import { peerKinds } from "./peers.ts";

const values = ["plain", "ünï ¢ødé 漢字 🦑", "", `long ${"x".repeat(200_000)}`];
let server: RunningZooKeeper;

before(async () => {
  server = await startZooKeeper();
});
test.after(() => server.close());

interface Both {
  readonly zk: ZooKeeper;
  readonly peer: Peer;
  /** A node of the test's own. */
  readonly root: string;
}

const cases: Readonly<Record<string, (both: Both, context: TestContext) => Promise<void>>> = {
  "reads and sets what we write, and we what it sets": async ({ zk, peer, root }) => {
    const path = `${root}/nöde`;
    const created = await zk.create(path, bytes("first"), { mode: "persistent", acl: openAcl });
    for (const value of values) {
      await zk.setData(path, bytes(value), -1);
      assert.equal(await peer.get(path), value);
      await peer.set(path, `${value} again`);
      const { data, stat } = await zk.getData(path);
      assert.equal(text(data), `${value} again`);
      assert.equal(stat.czxid, created.stat.czxid);
    }
    const { stat } = await zk.getData(path);
    assert.equal(stat.version, 2 * values.length);
    await peer.set(path, "meanwhile");
    await assert.rejects(zk.setData(path, bytes("late"), stat.version), { code: "bad-version" });
    assert.equal(await peer.get(path), "meanwhile");
  },

  "has a part of nothing or all of our transactions": async ({ zk, peer, root }) => {
    const create = (name: string) =>
      ({ do: "create", path: `${root}/${name}`, data: bytes(name), mode: "persistent", acl: openAcl }) as const;
    await zk.multi([create("a"), create("b"), { do: "set", path: `${root}/a`, data: bytes("A"), version: 0 }]);
    await peer.set(`${root}/b`, "B");
    const stale = { do: "check", path: `${root}/b`, version: 0 } as const;
    await assert.rejects(zk.multi([create("c"), { do: "delete", path: `${root}/a`, version: 1 }, stale]), {
      code: "bad-version",
      failedIndex: 2,
    });
    assert.deepEqual((await peer.children(root)).sort(), ["a", "b"]);
    assert.equal(await peer.get(`${root}/a`), "A");
    await zk.multi([{ ...stale, version: 1 }, { do: "delete", path: `${root}/a`, version: 1 }, create("c")]);
    assert.deepEqual((await peer.children(root)).sort(), ["b", "c"]);
  },

  "sees our ephemeral nodes, and that they go with us": async ({ zk, peer, root }) => {
    const ours = await anotherClient(server);
    await ours.create(`${root}/mine`, bytes("me"), { mode: "ephemeral", acl: openAcl });
    assert.equal(BigInt(`0x${await peer.owner(`${root}/mine`)}`), BigInt.asUintN(64, ours.sessionId));
    await peer.watch(root);
    await ours.close();
    await eventually("it is told", () => peer.events.includes(`children ${root}`));
    assert.deepEqual(await peer.children(root), []);
    assert.equal(await zk.exists(`${root}/mine`), undefined);
  },

  "has its watches fired by what we do": async ({ zk, peer, root }) => {
    await zk.create(`${root}/data`, bytes("0"), { mode: "persistent", acl: openAcl });
    const fires = async (event: string, change: () => Promise<unknown>) => {
      const [, path = ""] = event.split(" ");
      await peer.watch(path);
      const count = peer.events.filter((each) => each === event).length;
      await change();
      await eventually(event, () => peer.events.filter((each) => each === event).length > count);
    };
    await fires(`changed ${root}/data`, () => zk.setData(`${root}/data`, bytes("1"), 0));
    await fires(`children ${root}`, () => zk.create(`${root}/new`, bytes(""), { mode: "persistent", acl: openAcl }));
    const both = [
      { do: "set", path: `${root}/data`, data: bytes("2"), version: 1 },
      { do: "delete", path: `${root}/new`, version: 0 },
    ] as const;
    await fires(`children ${root}`, () => zk.multi(both));
    await fires(`deleted ${root}/data`, () => zk.delete(`${root}/data`, 2));
  },

  "fires our watches, and we see its ephemeral nodes come and go": async ({ zk, peer, root }, context) => {
    const seen: string[] = [];
    const watch = await zk.addWatch(root, "recursive", ({ type, path }: WatchEvent) => seen.push(`${type} ${path}`));
    const leaving = await openPeer(context);
    await peer.create(`${root}/a`, "1", "persistent");
    await peer.create(`${root}/a/b`, "1", "persistent");
    await peer.set(`${root}/a/b`, "2");
    await peer.delete(`${root}/a/b`);
    await leaving.create(`${root}/theirs`, "me", "ephemeral");
    const { stat } = await zk.getData(`${root}/theirs`);
    assert.equal(BigInt.asUintN(64, stat.ephemeralOwner), BigInt(`0x${await leaving.owner(`${root}/theirs`)}`));
    assert.notEqual(stat.ephemeralOwner, zk.sessionId);
    await leaving.close();
    await eventually("the last event", () => seen.includes(`deleted ${root}/theirs`));
    assert.deepEqual(seen, [
      `created ${root}/a`,
      `created ${root}/a/b`,
      `changed ${root}/a/b`,
      `deleted ${root}/a/b`,
      `created ${root}/theirs`,
      `deleted ${root}/theirs`,
    ]);
    await watch.remove();
  },

  "queues up with us: sequential nodes have one order": async ({ zk, peer, root }) => {
    const makers: ((prefix: string) => Promise<unknown>)[] = [
      (prefix) => zk.create(prefix, bytes(""), { mode: "ephemeral-sequential", acl: openAcl }),
      (prefix) => peer.create(prefix, "x", "sequential"),
    ];
    for (let round = 0; round < 6; round += 1) await makers[round % 2]?.(`${root}/${round}-`);
    const names = await peer.children(root);
    assert.deepEqual(names.sort(), (await zk.getChildren(root)).children.sort());
    assert.deepEqual(
      names.map((name) => Number(name.split("-")[1])),
      [0, 1, 2, 3, 4, 5],
    );
  },

  "with our credentials reads what only their holder may, and without them does not": async ({ root }, context) => {
    const credentials = { user: "ann", password: "s3cret:with colon" };
    const ours = await anotherClient(server, credentials);
    context.after(() => ours.close());
    await ours.create(`${root}/secret`, bytes("hidden"), { mode: "persistent", acl: creatorAcl });
    const stranger = await openPeer(context);
    await assert.rejects(stranger.get(`${root}/secret`));
    await stranger.login(credentials.user, credentials.password);
    assert.equal(await stranger.get(`${root}/secret`), "hidden");
    await stranger.set(`${root}/secret`, "changed");
    assert.equal(text((await ours.getData(`${root}/secret`)).data), "changed");
  },
};

/** Another client of the kind whose turn it is. */
let openPeer: (context: TestContext) => Promise<Peer>;

for (const kind of peerKinds) {
  test(kind.name, async (context) => {
    const missing = await kind.missing();
    if (missing !== undefined) {
      context.skip(missing);
      return;
    }
    openPeer = async (inner) => {
      const peer = await kind.open(server.connect);
      inner.after(() => peer.close());
      return peer;
    };
    const peer = await openPeer(context);
    const zk = await anotherClient(server);
    context.after(() => zk.close());
    for (const [number, [name, run]] of Object.entries(cases).entries()) {
      const root = `/${kind.name.replace(" ", "-")}-${number}`;
      await zk.create(root, bytes(""), { mode: "persistent", acl: openAcl });
      await context.test(`${kind.name} ${name}`, (inner) => run({ zk, peer, root }, inner));
    }
  });
}

async function anotherClient(
  { servers }: RunningZooKeeper,
  credentials?: { readonly user: string; readonly password: string },
): Promise<ZooKeeper> {
  const zk = connectZooKeeper({ servers, sessionTimeoutMs: 10_000, ...(credentials && { credentials }) });
  await zk.ready;
  return zk;
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}
