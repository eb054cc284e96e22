// Servers that are there and refuse to be read: whoever asks is told so, views say that they are not fresh, and all goes on when they give in.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { deploymentKey } from "../../../src/model/keys.ts";
import { put } from "../../../src/store/store.ts";
import { deployment } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const web = deploymentKey("web");
/** ZooKeeper's numbers of requests. */
const getChildren = 12;
const addWatch = 106;
/** Nobody knows the password. */
const strangersAcl = [{ permissions: 31, scheme: "digest", id: "stranger:AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }];

/** What waited for ever is to be seen as that. */
const limit = { timeout: 30_000 };

after(endServer);

for (const { what, code, type, message } of [
  { what: "are too old for watches", code: -6, type: addWatch, message: /too old/ },
  { what: "refuse watches", code: -102, type: addWatch, message: /credentials/ },
  { what: "fail for a reason without a name", code: -99, type: getChildren, message: /code -99/ },
  { what: "stay overloaded", code: -127, type: addWatch, message: /overloaded/ },
]) {
  test(`who lists or views is told that the servers ${what}`, limit, async (t) => {
    const { store, link } = await (await storeLab(t)).open();
    await store.commit({ changes: [put(web, deployment(), "absent")] });
    link.refuse(code, Number.POSITIVE_INFINITY, type);
    await assert.rejects(store.list(["deployments"]), { name: "OrchestraError", code: "unavailable", message });
    await assert.rejects(store.view(["deployments"]), { name: "OrchestraError", code: "unavailable", message });
    link.refuse(0, 0);
    assert.ok((await store.list(["deployments"])).get(web));
  });
}

test("a running view is not fresh while the servers refuse to be read, and follows again", limit, async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: other }] = [await lab.open(), await lab.open()];
  const view = await store.view(["deployments"]);
  link.refuse(-99, Number.POSITIVE_INFINITY, getChildren);
  await assert.rejects(store.view(["pods"]), { code: "unavailable", message: /code -99/ });
  assert.equal(view.snapshot().fresh, false);
  await other.commit({ changes: [put(web, deployment(), "absent")] });
  link.refuse(0, 0);
  await eventually("it follows again", () => view.snapshot().fresh && view.snapshot().get(web));
  view.close();
});

test("a collection that may not be read is refused, others are read, and no watch is left", limit, async (t) => {
  const lab = await storeLab(t);
  const { store } = await lab.open();
  const bare = lab.bare();
  await bare.create("/pods", new Uint8Array(), { mode: "persistent", acl: strangersAcl });
  const view = await store.view(["deployments"]);
  for (const _ of [1, 2]) {
    await assert.rejects(store.list(["pods"]), { code: "unavailable", message: /credentials/ });
  }
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  await eventually("the view follows", () => view.snapshot().fresh && view.snapshot().get(web));
  const [server] = lab.zookeeper.servers;
  const watched = async () => (await server?.ask("wchp")) ?? "";
  assert.match(await watched(), new RegExp(`${lab.chroot}/deployments`));
  await eventually("no watch is left on it", async () => !(await watched()).includes(`${lab.chroot}/pods`));
  await bare.delete("/pods", 0);
  assert.deepEqual((await store.list(["pods"])).list("pods"), []);
  view.close();
});
