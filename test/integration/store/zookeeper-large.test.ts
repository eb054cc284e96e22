// Commits near what a server takes in one request, on an ensemble: what is let through is taken by every server, and what is not is refused before any write.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { deploymentKey } from "../../../src/model/keys.ts";
import type { StoreAccess } from "../../../src/model/store-access.ts";
import { encodeCommit } from "../../../src/store/encode.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { type Change, documentBytesLimit, put, type Store } from "../../../src/store/store.ts";
import { bytesOf, itemsOf, transactionBytesLimit } from "../../../src/store/zookeeper-operations.ts";
import { creatorAcl, openAcl } from "../../../src/zookeeper/records.ts";
import { deployment } from "../../support/builders.ts";
import { zooKeeperOfFile } from "../../support/zookeeper-of-file.ts";

const zooKeeper = zooKeeperOfFile({ servers: 3 });

/** As many bytes of JSON as asked for. */
function sized(bytes: number) {
  const empty = Buffer.byteLength(JSON.stringify(deployment({ annotations: { x: "" } })));
  return deployment({ annotations: { x: "x".repeat(bytes - empty) } });
}

/** A store on each server: what one has written the others must see. */
async function storesAt(t: TestContext, path: string, access: StoreAccess): Promise<readonly [Store, ...Store[]]> {
  const open = (connect: string) => openStore(`zk://${connect}${path}`, { create: true, access: () => access });
  const first = await open(zooKeeper().connect);
  const others = await Promise.all(
    zooKeeper()
      .connect.split(",")
      .map((server) => open(server)),
  );
  t.after(async () => void (await Promise.all([first, ...others].map((store) => store.close()))));
  return [first, ...others];
}

async function accepted(stores: readonly [Store, ...Store[]], changes: readonly Change[]): Promise<void> {
  const position = await stores[0].commit({ changes });
  for (const store of stores) {
    const snapshot = await store.list(["deployments"]);
    assert.equal(snapshot.position, position);
    assert.equal(snapshot.list("deployments").length, changes.length);
  }
}

async function refused(stores: readonly [Store, ...Store[]], changes: readonly Change[]): Promise<void> {
  const { position } = await stores[0].list([]);
  await assert.rejects(stores[0].commit({ changes }), {
    code: "invalid",
    message: new RegExp(`^a commit of \\d+ bytes is larger than this store takes \\(${transactionBytesLimit}\\)$`),
    hint: "apply fewer manifests at a time",
  });
  for (const store of stores) {
    const snapshot = await store.list(["deployments"]);
    assert.deepEqual([snapshot.position, snapshot.list("deployments").length], [position, 0]);
  }
}

const accesses = [
  { name: "open", access: {}, acl: openAcl },
  { name: "with credentials", access: { user: "ann", password: "s3cret" }, acl: creatorAcl },
] as const;
const third = documentBytesLimit / 3;
const large = (bytes: number) =>
  [third, third, bytes].map((size, at) => put(deploymentKey(`d${at}`), sized(size), "absent"));
const small = (count: number) =>
  Array.from({ length: count }, (_, at) => put(deploymentKey(`d${at}`.padEnd(50, "x")), deployment(), "absent"));

for (const [index, { name, access, acl }] of accesses.entries()) {
  const wire = (path: string, changes: readonly Change[]) =>
    bytesOf(itemsOf(encodeCommit({ changes }, 2 ** 30), []), path, acl);

  test(`${name}: documents of 900 KiB in all are one commit`, async (t) => {
    await accepted(await storesAt(t, `/whole${index}`, access), large(third));
  });

  test(`${name}: large documents are one commit up to the last byte of a request, and with one more none`, async (t) => {
    const path = `/large${index}`;
    const stores = await storesAt(t, path, access);
    const most = third + transactionBytesLimit - wire(path, large(third));
    await refused(stores, large(most + 1));
    await accepted(stores, large(most));
  });

  test(`${name}: small documents are one commit as many as a request holds, and with one more none`, async (t) => {
    const path = `/small${index}`;
    const stores = await storesAt(t, path, access);
    const each = wire(path, small(2)) - wire(path, small(1));
    const most = Math.floor(transactionBytesLimit / each);
    assert.ok(wire(path, small(most)) <= transactionBytesLimit && wire(path, small(most + 1)) > transactionBytesLimit);
    await refused(stores, small(most + 1));
    await accepted(stores, small(most));
  });
}
