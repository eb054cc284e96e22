// From one store into another: all that moves arrives, an import is all or nothing whatever ends it, and nobody acts on half of one.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { isOrchestraError, OrchestraError } from "../../../src/model/errors.ts";
import { clusterKey, deploymentKey, epochKey, presenceKey } from "../../../src/model/keys.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { exportStore } from "../../../src/store/export.ts";
import { type ExportFile, parseExport } from "../../../src/store/export-file.ts";
import { importFile, importTarget } from "../../../src/store/import.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { type Leadership, put, type Store } from "../../../src/store/store.ts";
import { builtAt, deployment, documentsOf, fill } from "../../support/builders.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { type RunningZooKeeper, startZooKeeper } from "../../support/zookeeper-server.ts";

const names = Array.from({ length: 12 }, (_, index) => `app-${index}`);
const plain = { known: [], replace: false, acceptRollback: false };
const now = "2026-01-02T03:04:05.000Z";
const isConflict = (error: unknown) => isOrchestraError(error, "conflict");

interface Kind {
  readonly name: string;
  /** A place of the test's own; the result gives the URL of a store there. */
  place(t: TestContext): Promise<(name: string) => string>;
}

const onFile: Kind = {
  name: "a file",
  async place(t) {
    const folder = await tempFolder(t);
    return (name) => `file:${join(folder, `${name}.db`)}`;
  },
};
let servers: RunningZooKeeper | undefined;
after(() => servers?.close());
const onZooKeeper: Kind = {
  name: "ZooKeeper",
  async place() {
    servers ??= await startZooKeeper();
    const { connect } = servers;
    const own = randomBytes(4).toString("hex");
    return (name) => `zk://${connect}/${own}/${name}`;
  },
};

async function stores(t: TestContext, from: Kind, to: Kind) {
  const urlOf = await to.place(t);
  const openUrl = async (url: string, unfinished?: true) => {
    const store = await openStore(url, { create: true, ...(unfinished ? { unfinished } : {}) });
    t.after(() => store.close());
    return store;
  };
  const open = (name: string, unfinished?: true) => openUrl(urlOf(name), unfinished);
  const source = await openUrl((await from.place(t))("source"));
  const fixture = Object.fromEntries(names.map((name) => [name, { pods: 2 }]));
  await fill(source, documentsOf({ deployments: fixture, nodes: { "node-1": {}, "node-2": {} } }));
  return { source, open };
}

async function exported(store: Store): Promise<ExportFile> {
  return parseExport((await exportStore(store, now)).text, "backup.jsonl");
}

/** Everything that moves, without versions. */
async function contents(store: Store): Promise<readonly (readonly [string, unknown])[]> {
  const { documents } = await importTarget(store);
  return documents.map(({ key, value }) => [key, value] as const);
}

/** The same store with small commits, the one with this number and all after it failing. */
function narrow(store: Store, failAt = Number.POSITIVE_INFINITY): Store & { commits(): number } {
  let commits = 0;
  return {
    url: store.url,
    commitBytesLimit: 6_000,
    read: (key) => store.read(key),
    list: (selectors) => store.list(selectors),
    view: (selectors) => store.view(selectors),
    join: (key, value) => store.join(key, value),
    elect: (name, stop) => store.elect(name, stop),
    isLed: (name) => store.isLed(name),
    close: () => store.close(),
    commits: () => commits,
    async commit(commit) {
      commits += 1;
      if (commits >= failAt) throw new OrchestraError("unavailable", "the store is gone");
      return store.commit(commit);
    },
  };
}

for (const [from, to] of [
  [onFile, onFile],
  [onFile, onZooKeeper],
  [onZooKeeper, onFile],
  [onZooKeeper, onZooKeeper],
] as const) {
  const law = (name: string, run: (t: TestContext) => Promise<void>): void => {
    test(`${from.name} to ${to.name}: ${name}`, run);
  };

  law("what is imported is what was exported, and a second import does nothing", async (t) => {
    const { source, open } = await stores(t, from, to);
    const target = await open("target.db");
    const file = await exported(source);
    const plan = await importFile(target, file, plain);
    assert.equal(plan.created, file.documents.length);
    assert.deepEqual(await contents(target), await contents(source));
    const cluster = (await target.read(clusterKey))?.value;
    assert.deepEqual([cluster?.id, cluster?.incarnation], [file.cluster.id, 2]);
    const before = await target.read(clusterKey);
    assert.equal((await importFile(target, file, plain)).done, true);
    assert.deepEqual(await target.read(clusterKey), before);
  });

  law("there and back: the first store takes the cluster again, as a still higher incarnation", async (t) => {
    const { source, open } = await stores(t, from, to);
    const target = await open("target.db");
    await importFile(target, await exported(source), plain);
    const { version } = (await target.read(deploymentKey("app-0"))) ?? assert.fail("no app-0");
    await target.commit({ changes: [put(deploymentKey("app-0"), deployment({ generation: 9 }), version)] });
    const plan = await importFile(source, await exported(target), { ...plain, replace: true });
    assert.deepEqual([plan.created, plan.changed, plan.removed], [0, 1, 0]);
    assert.deepEqual(await contents(source), await contents(target));
    assert.equal((await source.read(clusterKey))?.value.incarnation, 3);
  });

  law(
    "cut off at any commit, an import leaves a store that opens for nobody but the same import, which goes on",
    async (t) => {
      const { source, open } = await stores(t, from, to);
      const file = await exported(source);
      const whole = narrow(await open("whole.db"));
      await importFile(whole, file, plain);
      assert.ok(whole.commits() > 4, `${whole.commits()} commits`);
      for (let failAt = 1; failAt <= whole.commits(); failAt += 1) {
        const name = `cut-${failAt}.db`;
        const first = await open(name);
        await assert.rejects(importFile(narrow(first, failAt), file, plain), { code: "unavailable" });
        if (failAt === 1) assert.equal(await first.read(clusterKey), undefined);
        else {
          await assert.rejects(open(name), /an import into the store .* has not been finished/);
          await assert.rejects(ensureCluster(first, { now }), isConflict);
          assert.ok((await importTarget(first)).documents.length < file.documents.length);
        }
        const plan = await importFile(narrow(await open(name, true)), file, plain);
        assert.ok(failAt < 3 || plan.created < file.documents.length, "it goes on where it stopped");
        const after = await open(name);
        assert.deepEqual(await contents(after), await contents(source));
        assert.equal((await after.read(clusterKey))?.value.importing, undefined);
      }
    },
  );

  law("what was exported last goes back into its own store without a word about rollbacks", async (t) => {
    const { source } = await stores(t, from, to);
    assert.equal((await importFile(source, await exported(source), { ...plain, replace: true })).changes.length, 0);
    const file = await exported(source);
    const { version } = (await source.read(deploymentKey("app-0"))) ?? assert.fail("no app-0");
    await source.commit({ changes: [put(deploymentKey("app-0"), deployment({ generation: 9 }), version)] });
    await assert.rejects(importFile(source, file, { ...plain, replace: true }), /holds a later state/);
  });

  law("an import that is no longer the leader writes nothing more", async (t) => {
    const { source, open } = await stores(t, from, to);
    const target = await open("target");
    const other = await open("target");
    const slow = narrow(target);
    let leadership: Leadership | undefined;
    const paused: Store = {
      ...slow,
      async elect(name, stop) {
        leadership = await target.elect(name, stop);
        return leadership;
      },
      async commit(commit) {
        if (slow.commits() === 2) {
          await leadership?.resign();
          await (await other.elect("master", new AbortController().signal)).resign();
        }
        return slow.commit(commit);
      },
    };
    await assert.rejects(importFile(paused, await exported(source), plain), /newer leader|no longer leads/);
    assert.equal(slow.commits(), 3);
    assert.notEqual((await other.read(clusterKey))?.value.importing, undefined);
  });

  law("a thousand Deployments move, in as many commits as the store needs", async (t) => {
    const { source, open } = await stores(t, from, to);
    const many = Array.from({ length: 1_000 }, (_, index) => [`many-${index}`, { pods: 2 }] as const);
    const documents = documentsOf({ deployments: Object.fromEntries(many) });
    const own = [...documents].filter(([key]) => /^(deployments|revisions|pods)\//.test(key));
    for (let at = 0; at < own.length; at += 500) await fill(source, new Map(own.slice(at, at + 500)));
    const target = await open("target");
    const plan = await importFile(target, await exported(source), plain);
    assert.ok(plan.created > 3_000);
    assert.deepEqual(await contents(target), await contents(source));
  });

  law("half an import is taken away by another file of the same cluster", async (t) => {
    const { source, open } = await stores(t, from, to);
    const first = await exported(source);
    const target = await open("target.db");
    await assert.rejects(importFile(narrow(target, 4), first, plain), { code: "unavailable" });
    const { key, version } = (await source.read(deploymentKey("app-0"))) ?? assert.fail("no app-0");
    await source.commit({ changes: [{ do: "remove", key, version }] });
    const second = await exported(source);
    await assert.rejects(importFile(target, second, plain), /half an import of another file/);
    await importFile(target, second, { ...plain, replace: true });
    assert.deepEqual(await contents(target), await contents(source));
  });

  law("half an import of another cluster is taken away by a file, when that is asked for", async (t) => {
    const { source, open } = await stores(t, from, to);
    const file = await exported(source);
    const first: ExportFile = { ...file, cluster: { ...file.cluster, id: "99999999" }, sha256: "7b7b" };
    const target = await open("target.db");
    await assert.rejects(importFile(narrow(target, 4), first, plain), { code: "unavailable" });
    await assert.rejects(importFile(target, file, plain), /holds half an import of the cluster 99999999/);
    await importFile(target, file, { ...plain, replace: true });
    assert.deepEqual(await contents(target), await contents(source));
    assert.equal((await target.read(clusterKey))?.value.id, file.cluster.id);
  });

  law("two imports at once: one of them does it, and the store is whole", async (t) => {
    const { source, open } = await stores(t, from, to);
    const file = await exported(source);
    const both = await Promise.all([open("target.db"), open("target.db")]);
    const results = await Promise.all(both.map((store) => importFile(narrow(store), file, plain)));
    assert.deepEqual(results.map(({ done }) => done).sort(), [false, true]);
    assert.deepEqual(await contents(both[0]), await contents(source));
  });

  law("an up that comes first, or while the import is under way, makes it a conflict and loses nothing", async (t) => {
    const { source, open } = await stores(t, from, to);
    const file = await exported(source);
    const target = await open("target.db");
    const slow = narrow(target);
    const racing: Store = {
      ...slow,
      async commit(commit) {
        // The first thing that any other program does with a store.
        const made = await ensureCluster(target, { now });
        assert.notEqual(made.id, file.cluster.id);
        return slow.commit(commit);
      },
    };
    await assert.rejects(importFile(racing, file, plain), isConflict);
    assert.deepEqual(await contents(target), []);
  });

  law("refused while a worker is there or a master leads, and nothing is written then", async (t) => {
    const { source, open } = await stores(t, from, to);
    const file = await exported(source);
    const target = await open("target.db");
    const other = await open("target.db");
    const presence = await other.join(presenceKey("node-2"), { key: "k", pid: process.pid, since: builtAt });
    await assert.rejects(importFile(target, file, plain), /orchestra runs on .*: node-2/);
    await presence.leave();
    const leadership = await other.elect("master", new AbortController().signal);
    await assert.rejects(importFile(target, file, plain, { electionLimitMs: 300 }), /a master leads on/);
    assert.equal(await target.read(clusterKey), undefined);
    assert.deepEqual(await contents(target), []);
    await leadership.resign();
    await importFile(target, file, plain);
  });

  law("an export tells who runs, and the epoch of the other store's leaders stays there", async (t) => {
    const { source, open } = await stores(t, from, to);
    await source.join(presenceKey("node-1"), { key: "k", pid: process.pid, since: builtAt });
    const leadership = await source.elect("master", new AbortController().signal);
    await leadership.resign();
    const { text, present } = await exportStore(source, now);
    assert.deepEqual(present, ["node-1"]);
    assert.doesNotMatch(text, /"key":"(presence|epoch)/);
    const target = await open("target.db");
    await importFile(target, parseExport(text, "f"), plain);
    assert.equal((await target.read(epochKey))?.value.epoch, 1, "that of the import itself");
  });

  law("a store that nobody has used has nothing to export", async (t) => {
    const { open } = await stores(t, from, to);
    await assert.rejects(exportStore(await open("empty.db"), now), { code: "not-found" });
  });
}
