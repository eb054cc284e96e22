// What a commit says when its answer is lost: done when it was done, not done when it was not, and never a guess.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { deploymentKey, revisionKey } from "../../../src/model/keys.ts";
import { put, remove, type Store } from "../../../src/store/store.ts";
import { deployment, template } from "../../support/builders.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";
import type { TcpProxy } from "../../support/tcp-proxy.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const web = deploymentKey("web");
const api = deploymentKey("api");
/** ZooKeeper's number of a transaction. */
const multi = 14;

after(endServer);

test("a commit whose answer is lost is told as done, once", async (t) => {
  const { store, link } = await (await storeLab(t)).open();
  const first = await store.commit({ changes: [put(web, deployment(), "absent")] });
  const version = await versionOf(store, web);
  const swallowed = link.swallowReply(multi);
  const position = await store.commit({ changes: [put(web, deployment({ replicas: 2 }), version)] });
  await swallowed;
  assert.equal(position, first + 1);
  assert.equal((await store.read(web))?.value.replicas.file, 2);
  // What is known of it now serves the next commit.
  await store.commit({ changes: [put(web, deployment({ replicas: 3 }), await versionOf(store, web))] });
  assert.equal((await store.list([])).position, first + 2);
});

test("a creation and a removal whose answers are lost are told as done", async (t) => {
  const { store, link } = await (await storeLab(t)).open();
  for (let round = 0; round < 2; round += 1) {
    void link.swallowReply(multi);
    await store.commit({ changes: [put(web, deployment({ generation: round }), "absent")] });
    void link.swallowReply(multi);
    await store.commit({ changes: [remove(web, await versionOf(store, web))] });
    assert.equal(await store.read(web), undefined);
  }
  assert.equal((await store.list([])).position, 4);
});

test("a conflict whose answer is lost is told as a conflict", async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: other }] = [await lab.open(), await lab.open()];
  await store.commit({ changes: [put(web, deployment(), "absent"), put(api, deployment(), "absent")] });
  const version = await versionOf(store, web);
  // The same text from somebody else: only the mark of the commit tells them apart.
  const change = [put(web, deployment({ replicas: 2 }), version)];
  await other.commit({ changes: change });
  const swallowed = link.swallowReply(multi);
  await assert.rejects(store.commit({ changes: change }), { code: "conflict" });
  await swallowed;
  assert.equal((await store.list([])).position, 2);
});

test("a commit that never left is made after all when the connection is back", async (t) => {
  const { store, link } = await (await storeLab(t)).open();
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  for (let replicas = 2; replicas < 6; replicas += 1) {
    const version = await versionOf(store, web);
    const committing = store.commit({ changes: [put(web, deployment({ replicas }), version)] });
    link.reset();
    await committing;
    assert.equal((await store.read(web))?.value.replicas.file, replicas);
  }
  assert.equal((await store.list([])).position, 5);
});

test("revisions that went first do not make a lost answer look like a done commit", async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: other }] = [await lab.open(), await lab.open()];
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  const version = await versionOf(store, web);
  await other.commit({ changes: [put(web, deployment({ replicas: 7 }), version)] });
  const large = template({ env: { X: "x".repeat(500_000) } });
  const changes = [
    ...["a", "b", "c"].map((name) => put(revisionKey("web", name), large, "absent")),
    put(web, deployment({ replicas: 2 }), version),
  ];
  void link.swallowReply(multi);
  await assert.rejects(store.commit({ changes }), { code: "conflict" });
  assert.equal((await store.read(web))?.value.replicas.file, 7);
});

test(`counters come to what was acknowledged, whatever happens to connections (${rounds} rounds, seed ${seed})`, async (t) => {
  const lab = await storeLab(t);
  const random = randomOf("outcome");
  const linked = [await lab.open(), await lab.open(), await lab.open()];
  await linked[0]?.store.commit({ changes: [put(web, deployment({ generation: 0 }), "absent")] });
  let done = 0;
  let unknown = 0;
  let over = false;
  const count = async (store: Store) => {
    for (let times = 0; times < 2 * rounds; times += 1) {
      const result = await addOne(store);
      if (result === "done") done += 1;
      else if (result === "unknown") unknown += 1;
    }
  };
  const harm = async () => {
    while (!over) {
      const { link } = linked[Math.floor(random() * linked.length)] as { link: TcpProxy };
      if (random() < 0.5) link.reset();
      else void link.swallowReply(random() < 0.8 ? multi : undefined);
      await new Promise((resolve) => setTimeout(resolve, 5 + random() * 60));
    }
  };
  const harming = harm();
  await Promise.all(linked.map(({ store }) => count(store)));
  over = true;
  await harming;
  const { store } = await lab.open();
  const { generation = -1 } = (await store.read(web))?.value ?? {};
  assert.ok(
    generation >= done && generation <= done + unknown,
    `${generation} of ${done} and ${unknown} (seed ${seed})`,
  );
  t.diagnostic(`${done} done, ${unknown} unknown`);
});

/** All count the same document, with the same text for the same number. */
async function addOne(store: Store): Promise<"done" | "unknown" | "not done"> {
  for (;;) {
    try {
      const now = await store.read(web);
      const generation = (now?.value.generation ?? 0) + 1;
      await store.commit({ changes: [put(web, deployment({ generation }), now?.version ?? "absent")] });
      return "done";
    } catch (error) {
      if (isOrchestraError(error, "unavailable"))
        return error.details?.["outcome"] === "unknown" ? "unknown" : "not done";
      if (!isOrchestraError(error, "conflict")) throw error;
    }
  }
}

async function versionOf(store: Store, key: typeof web): Promise<number> {
  const found = await store.read(key);
  assert.ok(found);
  return found.version;
}
