// Commits that come at once go together, and none of them pays for another's conflict.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { deploymentKey, epochKey } from "../../../src/model/keys.ts";
import { put, remove } from "../../../src/store/store.ts";
import { conflictAt } from "../../contract/store-harness.ts";
import { deployment } from "../../support/builders.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const keyOf = (index: number) => deploymentKey(`d${index}`);
const never = new AbortController().signal;

after(endServer);

test("of many commits at once each is refused for its own conflict only", async (t) => {
  const lab = await storeLab(t);
  const [{ store }, { store: other }] = [await lab.open(), await lab.open()];
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  await Promise.all(numbers.map((index) => store.commit({ changes: [put(keyOf(index), deployment(), "absent")] })));
  const before = await store.list(["deployments"]);
  assert.ok(before.position < 100, `${before.position} transactions`);
  const stale = (index: number) => index % 10 === 0;
  await other.commit({
    changes: numbers
      .filter(stale)
      .map((index) => put(keyOf(index), deployment({ replicas: 7 }), before.get(keyOf(index))?.version ?? -1)),
  });
  const results = await Promise.allSettled(
    numbers.map((index) => {
      const version = before.get(keyOf(index))?.version ?? -1;
      const change =
        index % 3 === 0 ? remove(keyOf(index), version) : put(keyOf(index), deployment({ replicas: 2 }), version);
      return store.commit({ changes: [change] });
    }),
  );
  const snapshot = await other.list(["deployments"]);
  for (const [index, result] of results.entries()) {
    const now = snapshot.get(keyOf(index))?.value.replicas.file;
    assert.equal(now, stale(index) ? 7 : index % 3 === 0 ? undefined : 2, `d${index}`);
    assert.equal(result.status, stale(index) ? "rejected" : "fulfilled", `d${index}`);
    if (result.status === "rejected") assert.ok(conflictAt(keyOf(index))(result.reason), String(result.reason));
  }
});

test("however many commits at once are stale, each is told its own conflict", async (t) => {
  const lab = await storeLab(t);
  const [{ store }, { store: other }, { store: stranger }] = [await lab.open(), await lab.open(), await lab.open()];
  // As many as go together, and more of them than attempts in vain are allowed.
  const keys = Array.from({ length: 128 }, (_, index) => keyOf(index));
  await store.commit({ changes: keys.map((key) => put(key, deployment(), "absent")) });
  const before = await store.list(["deployments"]);
  const versionOf = (key: (typeof keys)[number]) => before.get(key)?.version ?? -1;
  await other.commit({ changes: keys.map((key) => put(key, deployment({ replicas: 7 }), versionOf(key))) });
  // One takes the versions for the present ones, the other has to look them up.
  for (const late of [store, stranger]) {
    const results = await Promise.allSettled(
      keys.map((key) => late.commit({ changes: [put(key, deployment({ replicas: 2 }), versionOf(key))] })),
    );
    for (const [index, result] of results.entries()) {
      assert.ok(result.status === "rejected" && conflictAt(keyOf(index))(result.reason), JSON.stringify(result));
    }
  }
});

test("commits of the same document at once: the first is done, the others meet it", async (t) => {
  const { store } = await (await storeLab(t)).open();
  await store.commit({ changes: [put(keyOf(0), deployment({ generation: 0 }), "absent")] });
  const { version = -1 } = (await store.read(keyOf(0))) ?? {};
  const results = await Promise.allSettled(
    [1, 2, 3].map((generation) => store.commit({ changes: [put(keyOf(0), deployment({ generation }), version)] })),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected"],
  );
  assert.equal((await store.read(keyOf(0)))?.value.generation, 1);
  await Promise.all([
    store.commit({ changes: [remove(keyOf(0), (await store.read(keyOf(0)))?.version ?? -1)] }),
    store.commit({ changes: [put(keyOf(0), deployment({ generation: 9 }), "absent")] }),
  ]);
  assert.equal((await store.read(keyOf(0)))?.value.generation, 9);
});

test("a deposed leader's commit does not harm those that go with it", async (t) => {
  const lab = await storeLab(t);
  const [{ store }, { store: other }] = [await lab.open(), await lab.open()];
  const { epoch } = await (async () => {
    const first = await other.elect("master", never);
    await first.resign();
    return first;
  })();
  const leader = await other.elect("master", never);
  const [late, plain, current] = await Promise.allSettled([
    store.commit({ changes: [put(keyOf(1), deployment(), "absent")], epoch }),
    store.commit({ changes: [put(keyOf(2), deployment(), "absent")] }),
    store.commit({ changes: [put(keyOf(3), deployment(), "absent")], epoch: leader.epoch }),
  ]);
  assert.ok(late?.status === "rejected" && conflictAt(epochKey)(late.reason));
  assert.deepEqual([plain?.status, current?.status], ["fulfilled", "fulfilled"]);
  assert.deepEqual(
    (await store.list(["deployments"])).list("deployments").map(({ key }) => key),
    [keyOf(2), keyOf(3)],
  );
});

test("many processes that remove and create the same names never take one for the other", async (t) => {
  const lab = await storeLab(t);
  const stores = await Promise.all(Array.from({ length: 4 }, async () => (await lab.open()).store));
  const bare = lab.bare();
  let done = 0;
  await Promise.all(
    stores.map(async (store, index) => {
      for (let round = 0; round < 15; round += 1) {
        // Whoever loses the race looks again, as every writer does.
        for (;;) {
          const found = await store.read(keyOf(0));
          const changes = found
            ? [
                remove(keyOf(0), found.version),
                put(
                  keyOf(index + 1),
                  deployment({ generation: round }),
                  (await store.read(keyOf(index + 1)))?.version ?? "absent",
                ),
              ]
            : [put(keyOf(0), deployment({ generation: round }), "absent")];
          const result = await store.commit({ changes }).then(
            () => "done",
            (error: Error & { code?: string }) => error.code,
          );
          if (result === "done") break;
          assert.equal(result, "conflict");
        }
        done += 1;
      }
    }),
  );
  assert.equal((await bare.getData("/commits")).stat.version, done);
});
