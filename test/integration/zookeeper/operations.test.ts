// Every operation, against one real server.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { creatorAcl, type Op, openAcl, type WatchEvent } from "../../../src/zookeeper/records.ts";
import { eventually } from "../../support/eventually.ts";
import { testClient } from "../../support/zookeeper-clients.ts";
import { zooKeeperOfFile } from "../../support/zookeeper-of-file.ts";
import { readTogether } from "../../support/zookeeper-reading.ts";

const zooKeeper = zooKeeperOfFile();

const data = Buffer.from("data");
const persistent = { mode: "persistent", acl: openAcl } as const;

/** A client below a node of its own. */
async function below(t: Parameters<typeof testClient>[0]) {
  const root = `/test-${randomUUID()}`;
  const { client: admin } = await testClient(t, zooKeeper().servers);
  await admin.create(root, data, persistent);
  const { client } = await testClient(t, zooKeeper().servers, { chroot: root });
  return { client, admin, root };
}

test("a node is created, read, written and deleted, and its versions count", async (t) => {
  const { client, admin, root } = await below(t);
  const created = await client.create("/a", data, persistent);
  assert.equal(created.path, "/a");
  assert.equal(created.stat.czxid, created.zxid);
  assert.equal(created.stat.dataLength, 4);
  const written = await client.setData("/a", Buffer.from("ü"), 0);
  assert.equal(written.stat.version, 1);
  assert.ok(written.zxid > created.zxid);
  const read = await client.getData("/a");
  assert.deepEqual(read.stat, written.stat);
  assert.equal(Buffer.from(read.data).toString(), "ü");
  assert.ok(Math.abs(read.stat.mtime - Date.now()) < 60_000);
  await assert.rejects(client.setData("/a", data, 0), { code: "bad-version", path: "/a" });
  await assert.rejects(client.delete("/a", 0), { code: "bad-version", path: "/a" });
  await assert.rejects(client.create("/a", data, persistent), { code: "node-exists", path: "/a" });
  await client.create("/a/b", new Uint8Array(0), persistent);
  await assert.rejects(client.delete("/a", -1), { code: "not-empty", path: "/a" });
  const { children, stat } = await client.getChildren("/a");
  assert.deepEqual([children, stat.numChildren], [["b"], 1]);
  assert.equal((await client.getData("/a/b")).data.length, 0);
  await client.delete("/a/b", -1);
  assert.equal(await client.exists("/a/b"), undefined);
  assert.equal((await client.exists("/a"))?.version, 1);
  assert.equal((await admin.getData(`${root}/a`)).stat.version, 1);
  for (const read of [client.getData("/x"), client.getChildren("/x"), client.getAcl("/x"), client.delete("/x", -1)]) {
    await assert.rejects(read, { code: "no-node", path: "/x" });
  }
  await assert.rejects(client.getData("x"), { code: "bad-arguments" });
});

test("many nodes are read in one request, each by itself", async (t) => {
  const { client } = await below(t);
  const letters = [..."äbc😀"];
  await client.multi(
    letters.map((letter, index) => ({ do: "create", path: `/${index}`, data: [letter, "!"], ...persistent })),
  );
  const { nodes, zxid } = await client.getMany(["/0", "/x", "/3"]);
  const [first, missing, last] = nodes;
  assert.ok(first && "data" in first && last && "data" in last && missing instanceof ZooKeeperError);
  assert.deepEqual([first.stat, last.stat], [await client.exists("/0"), await client.exists("/3")]);
  assert.deepEqual(
    [first, last].map((node) => Buffer.from(node.data).toString()),
    ["ä!", "😀!"],
  );
  assert.deepEqual([missing.code, missing.path], ["no-node", "/x"]);
  assert.ok(zxid >= last.stat.mzxid);
  assert.deepEqual((await client.getMany([])).nodes, []);
  await assert.rejects(client.getMany(["/0", "x"]), { code: "bad-arguments", path: "x" });
});

test("ephemeral nodes go with their session, at once when it is closed, and have no children", async (t) => {
  const { client, root } = await below(t);
  const { client: owner } = await testClient(t, zooKeeper().servers, { chroot: root });
  const { stat } = await owner.create("/e", data, { mode: "ephemeral", acl: openAcl });
  assert.equal(stat.ephemeralOwner, owner.sessionId);
  await assert.rejects(client.create("/e/child", data, persistent), { code: "no-children-for-ephemerals" });
  const names = await Promise.all(
    Array.from({ length: 3 }, () => owner.create("/s-", data, { mode: "ephemeral-sequential", acl: openAcl })),
  );
  assert.deepEqual(
    names.map(({ path }) => path),
    ["/s-0000000001", "/s-0000000002", "/s-0000000003"],
  );
  await client.create("/s-", data, { mode: "sequential", acl: openAcl });
  await owner.close();
  assert.deepEqual((await client.getChildren("/")).children, ["s-0000000004"]);
});

test("a transaction is done whole or not at all, and says which operation it failed by", async (t) => {
  const { client } = await below(t);
  await client.create("/a", data, persistent);
  const done = await client.multi([
    { do: "check", path: "/a", version: 0 },
    { do: "create", path: "/b", data, ...persistent },
    { do: "create", path: "/n-", data, mode: "sequential", acl: openAcl },
    { do: "set", path: "/a", data: Buffer.from("2"), version: 0 },
    { do: "delete", path: "/b", version: 0 },
  ]);
  assert.deepEqual(
    done.results.map(({ did }) => did),
    ["check", "create", "create", "set", "delete"],
  );
  const [, , numbered, set] = done.results;
  assert.ok(numbered?.did === "create" && set?.did === "set");
  assert.equal(numbered.path, "/n-0000000002");
  assert.equal(set.stat.mzxid, done.zxid);
  const failures: { ops: Op[]; code: string; failedIndex: number; path: string }[] = [
    { ops: [{ do: "check", path: "/a", version: 0 }], code: "bad-version", failedIndex: 0, path: "/a" },
    {
      ops: [
        { do: "create", path: "/c", data, ...persistent },
        { do: "delete", path: "/x", version: -1 },
      ],
      code: "no-node",
      failedIndex: 1,
      path: "/x",
    },
    {
      ops: [
        { do: "delete", path: "/a", version: 1 },
        { do: "create", path: numbered.path, data, ...persistent },
      ],
      code: "node-exists",
      failedIndex: 1,
      path: numbered.path,
    },
  ];
  for (const { ops, ...error } of failures) await assert.rejects(client.multi(ops), error);
  assert.equal(await client.exists("/c"), undefined);
  assert.equal((await client.exists("/a"))?.version, 1);
  assert.deepEqual((await client.multi([])).results, []);
});

test("a thousand nodes in one transaction; what is over a server's limit is never sent", async (t) => {
  const { client } = await below(t);
  const create = (count: number, size: number): Op[] =>
    Array.from({ length: count }, (_, index) => ({
      do: "create",
      path: `/n${index}`,
      data: Buffer.alloc(size),
      ...persistent,
    }));
  await assert.rejects(client.multi(create(1_000, 2_000)), { code: "too-large" });
  assert.equal((await client.multi(create(1_000, 300))).results.length, 1_000);
  assert.equal((await client.getChildren("/")).children.length, 1_000);
  // Exactly the limit: 1 MiB less one byte for the whole request, of which 22 are not data.
  const most = 1024 * 1024 - 1 - 8 - 4 - 3 - 4 - 4;
  await client.setData("/n1", Buffer.alloc(most), -1).catch((error) => assert.match(error.message, /n1/));
  await assert.rejects(client.setData("/n1", Buffer.alloc(most + 100), -1), { code: "too-large" });
  assert.equal(client.state, "connected");
});

test("watches hear of everything below, in order, and until they are removed", async (t) => {
  const { client, admin, root } = await below(t);
  const recursive: string[] = [];
  const single: string[] = [];
  const note = (list: string[]) => (event: WatchEvent) => void list.push(`${event.type} ${event.path}`);
  const watch = await client.addWatch("/", "recursive", note(recursive));
  await client.addWatch("/a", "persistent", note(single));
  await admin.create(`${root}/a`, data, persistent);
  await admin.create(`${root}/a/b`, data, persistent);
  await admin.setData(`${root}/a`, data, -1);
  await admin.delete(`${root}/a/b`, -1);
  await admin.delete(`${root}/a`, -1);
  await client.sync("/");
  assert.deepEqual(recursive, ["created /a", "created /a/b", "changed /a", "deleted /a/b", "deleted /a"]);
  assert.deepEqual(single, ["created /a", "children /a", "changed /a", "children /a", "deleted /a"]);
  await watch.remove();
  await admin.create(`${root}/c`, data, persistent);
  await client.sync("/");
  assert.equal(recursive.length, 5);
});

test("a change is told before the answer of whoever sees it", async (t) => {
  const { client, admin, root } = await below(t);
  await client.create("/a", data, persistent);
  let told = 0;
  await client.addWatch("/", "recursive", () => told++);
  const writes = (async () => {
    for (let index = 0; index < 300; index++) await admin.setData(`${root}/a`, data, -1);
  })();
  let seen = 0;
  while (seen < 300) {
    seen = (await client.getData("/a")).stat.version;
    assert.ok(told >= seen, `${told} events at version ${seen}`);
  }
  await writes;
  await eventually("all events", () => told === 300);
});

test("nodes that are read together are as they were told to be when the answer came", async (t) => {
  const { client: writer } = await testClient(t, zooKeeper().servers);
  const { client: reader } = await testClient(t, zooKeeper().servers);
  await readTogether(writer, reader, `/test-${randomUUID()}`);
});

test("what belongs to one user is closed to another, and the error says who asked", async (t) => {
  const { root } = await below(t);
  const as = async (user: string, password: string) =>
    (await testClient(t, zooKeeper().servers, { chroot: root, credentials: { user, password } })).client;
  const me = await as("me", "right");
  await me.create("/mine", data, { mode: "persistent", acl: creatorAcl });
  const { acl } = await me.getAcl("/mine");
  assert.deepEqual(
    acl.map(({ scheme, permissions, id }) => [scheme, permissions, id.split(":")[0]]),
    [["digest", 31, "me"]],
  );
  assert.equal((await (await as("me", "right")).getData("/mine")).stat.version, 0);
  await assert.rejects((await as("me", "wrong")).getData("/mine"), { code: "no-auth", message: /as user "me"/ });
  const { nodes } = await (await as("me", "wrong")).getMany(["/mine", "/"]);
  assert.ok(nodes[0] instanceof ZooKeeperError && nodes[0].code === "no-auth" && !(nodes[1] instanceof Error));
  const { client: nobody } = await testClient(t, zooKeeper().servers, { chroot: root });
  await assert.rejects(nobody.setData("/mine", data, -1), { code: "no-auth", message: /without credentials/ });
  await assert.rejects(nobody.create("/x", data, { mode: "persistent", acl: creatorAcl }), { code: "invalid-acl" });
});

test("a chroot that is not there is named, and can be created", async (t) => {
  const { client } = await testClient(t, zooKeeper().servers, { chroot: `/new-${randomUUID()}` });
  await assert.rejects(client.create("/a", data, persistent), {
    code: "no-node",
    path: "/a",
    message: /chroot \/new-/,
  });
  assert.equal((await client.create("/", data, persistent)).path, "/");
  assert.equal((await client.create("/a", data, persistent)).path, "/a");
});
