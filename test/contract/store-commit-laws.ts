// Reading and committing.
import assert from "node:assert/strict";
import {
  clusterKey,
  deploymentKey,
  epochKey,
  type Key,
  nodeControlKey,
  presenceKey,
  revisionKey,
} from "../../src/model/keys.ts";
import { documentBytesLimit, put, remove, type Store } from "../../src/store/store.ts";
import { act, deployment, template } from "../support/builders.ts";
import { conflictAt, type StoreLaw } from "./store-harness.ts";

const web = deploymentKey("web");
const api = deploymentKey("api");

export const commitLaws: Readonly<Record<string, StoreLaw>> = {
  "a committed document is read by every client, with a version": async (_store, open) => {
    const [one, two] = [await open(), await open()];
    await one.commit({ changes: [put(web, deployment({ replicas: 3 }), "absent")] });
    const read = await two.read(web);
    assert.deepEqual(read?.value, deployment({ replicas: 3 }));
    assert.equal(read.key, web);
    assert.equal((await one.read(web))?.version, read.version);
    assert.equal(await two.read(api), undefined);
  },

  "a list holds whole collections and single documents at one position, sorted": async (_store, open) => {
    const store = await open();
    const position = await store.commit({
      changes: [
        put(web, deployment(), "absent"),
        put(revisionKey("web", "b"), template(), "absent"),
        put(revisionKey("web", "a"), template(), "absent"),
        put(nodeControlKey("n1"), { cordoned: act }, "absent"),
      ],
    });
    const snapshot = await store.list(["revisions", "nodes", web]);
    assert.equal(snapshot.position, position);
    assert.equal(snapshot.fresh, true);
    const keys = snapshot.list("revisions").map(({ key }) => key);
    assert.deepEqual(keys, ["revisions/web/a", "revisions/web/b"]);
    assert.deepEqual(snapshot.list("nodes"), []);
    assert.deepEqual(snapshot.get(web)?.value, deployment());
    assert.throws(() => snapshot.get(nodeControlKey("n1")), { code: "bug" });
    assert.throws(() => snapshot.list("deployments"), { code: "bug" });
  },

  "a change with a stale version is a conflict, names its key and changes nothing": async (_store, open) => {
    const store = await open();
    const first = await create(store, web);
    await store.commit({ changes: [put(web, deployment({ replicas: 2 }), first)] });
    const stale = [
      put(web, deployment({ replicas: 3 }), first),
      put(web, deployment({ replicas: 3 }), "absent"),
      remove(web, first),
    ];
    for (const change of stale) {
      await assert.rejects(store.commit({ changes: [put(api, deployment(), "absent"), change] }), conflictAt(web));
    }
    assert.deepEqual((await store.read(web))?.value, deployment({ replicas: 2 }));
    assert.equal(await store.read(api), undefined);
  },

  "a change or removal of a document that is gone is a conflict": async (_store, open) => {
    const store = await open();
    const version = await create(store, web);
    await store.commit({ changes: [remove(web, version)] });
    assert.equal(await store.read(web), undefined);
    await assert.rejects(store.commit({ changes: [put(web, deployment(), version)] }), conflictAt(web));
    await assert.rejects(store.commit({ changes: [remove(web, version)] }), conflictAt(web));
  },

  "a document that is created again never repeats a version": async (_store, open) => {
    const store = await open();
    const versions: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const created = await create(store, web);
      await store.commit({ changes: [put(web, deployment({ replicas: 2 }), created)] });
      const changed = (await store.read(web))?.version ?? -1;
      await store.commit({ changes: [remove(web, changed)] });
      versions.push(created, changed);
    }
    assert.equal(new Set(versions).size, versions.length, versions.join(" "));
  },

  "a document that another removed and made again is not the one that was known": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const known = await create(mine, web);
    const theirs = (await other.read(web))?.version ?? -1;
    await other.commit({ changes: [remove(web, theirs)] });
    await other.commit({ changes: [put(web, deployment({ uid: "other" }), "absent")] });
    const stale = [put(web, deployment({ replicas: 2 }), known), remove(web, known)];
    for (const change of stale) await assert.rejects(mine.commit({ changes: [change] }), conflictAt(web));
    const checks = [{ key: web, version: known }];
    const checking = mine.commit({ changes: [put(api, deployment(), "absent")], checks });
    await assert.rejects(checking, conflictAt(web));
    assert.equal((await mine.read(web))?.value.uid, "other");
  },

  "a check that no longer holds refuses the commit, one that holds does not": async (_store, open) => {
    const store = await open();
    const version = await create(store, web);
    const checks = [{ key: web, version }];
    await store.commit({ changes: [put(api, deployment(), "absent")], checks });
    await store.commit({ changes: [put(web, deployment({ replicas: 5 }), version)] });
    const other = deploymentKey("other");
    await assert.rejects(store.commit({ changes: [put(other, deployment(), "absent")], checks }), conflictAt(web));
    const ofAbsent = [{ key: other, version }];
    await assert.rejects(store.commit({ changes: [], checks: ofAbsent }), conflictAt(other));
    assert.equal(await store.read(other), undefined);
  },

  "positions rise with every commit, and a commit without changes writes nothing": async (_store, open) => {
    const store = await open();
    const first = await store.commit({ changes: [put(web, deployment(), "absent")] });
    assert.equal(await store.commit({ changes: [] }), first);
    assert.equal((await store.list([])).position, first);
    const second = await store.commit({ changes: [put(api, deployment(), "absent")] });
    assert.ok(second > first);
    assert.equal((await store.list([])).position, second);
  },

  "what is too large is refused before anything is written": async (_store, open) => {
    const store = await open();
    const before = (await store.list([])).position;
    const large = template({ env: { X: "x".repeat(documentBytesLimit) } });
    const tooLarge = store.commit({
      changes: [put(web, deployment(), "absent"), put(revisionKey("web", "a"), large, "absent")],
    });
    await assert.rejects(tooLarge, { code: "invalid", message: /revisions\/web\/a would be \d+ bytes/ });
    const document = deployment({ annotations: { x: "x".repeat(documentBytesLimit / 2) } });
    const count = Math.ceil((2 * store.commitBytesLimit) / documentBytesLimit) + 1;
    const changes = Array.from({ length: count }, (_, index) => put(deploymentKey(`d${index}`), document, "absent"));
    await assert.rejects(store.commit({ changes }), { code: "invalid", message: /larger than this store takes/ });
    assert.equal((await store.list([])).position, before);
  },

  "large new revisions do not keep a commit from being all or nothing": async (_store, open) => {
    const store = await open();
    const large = template({ env: { X: "x".repeat(documentBytesLimit / 2) } });
    const revisions = ["a", "b", "c"].map((name) => put(revisionKey("web", name), large, "absent"));
    const first = await create(store, api);
    await store.commit({ changes: [...revisions, put(web, deployment(), "absent")] });
    const snapshot = await store.list(["revisions", "deployments"]);
    assert.deepEqual(
      snapshot.list("revisions").map(({ value }) => value),
      [large, large, large],
    );
    const more = ["d", "e", "f"].map((name) => put(revisionKey("web", name), large, "absent"));
    const stale = put(api, deployment({ replicas: 9 }), first - 1);
    const version = snapshot.get(web)?.version ?? -1;
    const changes = [...more, put(web, deployment({ replicas: 9 }), version), stale];
    await assert.rejects(store.commit({ changes }), conflictAt(api));
    assert.equal((await store.read(web))?.version, version);
    // What came of the refused attempt is in nobody's way.
    await store.commit({ changes: [...more, put(web, deployment({ replicas: 9 }), version)] });
    assert.equal((await store.list(["revisions"])).list("revisions").length, 6);
  },

  "every JSON value comes back as it was": async (_store, open) => {
    const store = await open();
    const env = {
      empty: "",
      nul: "a\0b",
      lines: "a\r\nb",
      wide: "ä€😀\u2028",
      quote: `"\\'`,
      ["__proto__"]: "p",
      constructor: "c",
    };
    const own = JSON.parse(JSON.stringify(env)) as Record<string, string>;
    await store.commit({ changes: [put(revisionKey("web", "a"), template({ env: own }), "absent")] });
    const read = await store.read(revisionKey("web", "a"));
    assert.deepEqual(read?.value.env, own);
  },

  "nobody can change a document in place": async (_store, open) => {
    const store = await open();
    const labels = { tier: "front" };
    await store.commit({ changes: [put(web, deployment({ labels }), "absent")] });
    labels.tier = "changed after the commit";
    const read = (await store.list([web])).get(web);
    assert.equal(read?.value.labels?.["tier"], "front");
    assert.throws(() => Object.assign(read.value.labels ?? {}, { tier: "changed" }), TypeError);
    assert.throws(() => Object.assign(read, { version: 0 }), TypeError);
  },

  "names that are no document's are refused": async (_store, open) => {
    const store = await open();
    const names = [
      "",
      "/",
      "a//b",
      "deployments/",
      "deployments/../x",
      "Deployments/x",
      "deployments/a\nb",
      `deployments/${"x".repeat(300)}`,
    ];
    for (const name of names) {
      const key = name as typeof web;
      await assert.rejects(store.commit({ changes: [put(key, deployment(), "absent")] }), { code: "invalid" }, name);
      await assert.rejects(store.read(key), { code: "invalid" }, name);
    }
  },

  "what only join and elect may write, and a key twice in one commit, are refused": async (_store, open) => {
    const store = await open();
    const refused = [
      [put(epochKey, { epoch: 9 }, "absent")],
      [remove(presenceKey("n1"), 1)],
      [put(web, deployment(), "absent"), remove(web as Key<unknown>, 1)],
    ];
    for (const changes of refused) await assert.rejects(store.commit({ changes }), { code: "bug" });
  },

  "a closed store refuses, and closing it again is fine": async (_store, open) => {
    const store = await open();
    await store.close();
    await store.close();
    await assert.rejects(store.read(clusterKey), { code: "unavailable" });
    await assert.rejects(store.commit({ changes: [put(web, deployment(), "absent")] }), { code: "unavailable" });
  },
};

async function create(store: Store, key: typeof web): Promise<number> {
  await store.commit({ changes: [put(key, deployment(), "absent")] });
  const read = await store.read(key);
  assert.ok(read);
  return read.version;
}
