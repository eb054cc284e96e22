// Syncs of one source on ZooKeeper: whoever leads may be killed, frozen or cut off, and so may the servers; another one goes on where it stopped.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { nameOf } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { readinessOf } from "../../../src/sync/health.ts";
import type { Sync } from "../../../src/sync/sync.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { randomOf, seed } from "../../support/rounds.ts";
import { manifestText, type SyncLab, syncLab, withOthers } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";
import { tcpProxy } from "../../support/tcp-proxy.ts";
import { startZooKeeper, type ZooKeeperOptions } from "../../support/zookeeper-server.ts";

const limitMs = 60_000;
/** In a row, while something happens to who reads them. */
const saves = 30;
const longestPauseMs = 30;
/** Before its session ends, and after. */
const away =
  /^(503 )?(the store does not answer$|waits for the store$|cannot lead: the store \S+ cannot be used now: )/m;
const standsBy = (pid: number) => new RegExp(`^200 stands by: .*, pid ${pid}, follows this source`);
const web = (image: string) => manifestText("web", image);

async function servers(t: TestContext, options: ZooKeeperOptions = {}) {
  const zookeeper = await startZooKeeper(options);
  t.after(() => zookeeper.close());
  const url = `zk://${zookeeper.connect}/lab`;
  return { zookeeper, url, connect: () => openStore(url, { create: true, patient: true, own: {} }) };
}

/** Files that are saved again and again, and the law that each version is written at most once. */
function savedFiles(lab: SyncLab, random: () => number) {
  const versions = new Map<string, number>();
  const uids = new Map<string, string>();
  const save = async (name: string) => {
    const version = (versions.get(name) ?? 0) + 1;
    versions.set(name, version);
    await lab.save(`${name}.yaml`, manifestText(name, `a:${version}`));
  };
  return {
    save,
    /** Some saves, while something happens to who reads them. */
    async series(happens: () => Promise<unknown>): Promise<void> {
      const names = [...versions.keys()];
      const moment = Math.floor(random() * saves);
      let happening: Promise<unknown> | undefined;
      for (let at = 0; at < saves; at += 1) {
        if (at === moment) happening = happens();
        await save(names[Math.floor(random() * names.length)] ?? "d0");
        await pause(random() * longestPauseMs);
      }
      await happening;
    },
    async settled(): Promise<void> {
      await lab.settled(Object.fromEntries([...versions].map(([name, version]) => [name, `a:${version}`])));
      for (const { key, value } of (await lab.store.list(["deployments"])).list("deployments")) {
        const name = nameOf(key);
        assert.ok(value.generation <= (versions.get(name) ?? 0), `${name} was written at most once for each version`);
        assert.equal(uids.get(name) ?? value.uid, value.uid, `${name} is the one that it was`);
        uids.set(name, value.uid);
      }
    },
  };
}

test(`three servers: the leading sync is killed, then frozen, and the servers' leader is killed, each in the middle of saves (seed ${seed})`, async (t) => {
  const { zookeeper, url, connect } = await servers(t, { servers: 3 });
  const lab = await syncLab(t, undefined, connect);
  const files = savedFiles(lab, randomOf("syncs on an ensemble"));
  for (let index = 0; index < 8; index += 1) await files.save(`d${index}`);
  const words = [lab.folder, "--max-affected", "100", "--max-replace", "100"];
  const start = () => syncProcess(t, { storeUrl: url, words, folder: lab.beside });
  const first = start();
  await first.ready(/^200 synced/);
  const second = start();
  await second.ready(standsBy(first.pid));

  await files.series(() => first.kill());
  await files.settled();
  await second.ready(/^200 synced/);
  const third = start();
  await third.ready(standsBy(second.pid));

  const leader = await zookeeper.leader();
  await files.series(() => leader.kill());
  await files.settled();
  await leader.start();
  await second.ready(/^200 synced/);
  await third.ready(standsBy(second.pid));

  await files.series(async () => second.signal("SIGSTOP"));
  await third.ready(/^200 synced/);
  await files.settled();
  await files.series(async () => second.signal("SIGCONT"));
  await files.settled();
  await second.ready(standsBy(third.pid));
});

/** The store of one sync behind a link that a test can break, and how often it has written. */
async function linked(t: TestContext, server: { readonly host: string; readonly port: number } | undefined) {
  const link = await tcpProxy(server ?? assert.fail("no server"));
  t.after(() => link.close());
  let writes = 0;
  const counted = (store: Store) =>
    withOthers(store, {
      async commit(commit) {
        const position = await store.commit(commit);
        writes += 1;
        return position;
      },
    });
  const connect = () => openStore(`zk://${link.host}:${link.port}/lab`, { create: true, patient: true, own: {} });
  return { link, writes: () => writes, options: { connect, through: counted } };
}

const says = (sync: Sync, what: RegExp) =>
  eventually(`it says ${what}`, () => what.test(readinessOf(sync.reading()).text), limitMs).catch((error: Error) => {
    throw new Error(`${error.message}; last: ${JSON.stringify(sync.reading())}`);
  });

test("a branch: who is cut off from the store writes nothing more, another one goes on, and it comes back as a standby", async (t) => {
  const { zookeeper, connect } = await servers(t);
  const { remote, push } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:1") });
  const lab = await gitSyncLab(t, remote, connect);
  const [one, two] = [await linked(t, zookeeper.servers[0]), await linked(t, zookeeper.servers[0])];
  const first = await lab.start(one.options);
  await says(first, /^synced$/);
  const second = await lab.start(two.options);
  await says(second, /^stands by: lab, pid \d+, follows/);

  // A black hole: what the leader sends from now on arrives after another one leads, if at all.
  one.link.freeze();
  const before = one.writes();
  const commit = await push({ "deploy/web.yaml": web("a:2"), "deploy/api.yaml": manifestText("api", "b:1") });
  await says(second, /^synced$/);
  await lab.settled({ api: "b:1", web: "a:2" });
  await says(first, away);
  one.link.thaw();
  await says(first, /^stands by: lab, pid \d+, follows/);
  await push({ "deploy/web.yaml": web("a:3") });
  await lab.settled({ api: "b:1", web: "a:3" });
  const [api, now] = [await lab.deployment("api"), await lab.deployment("web")];
  assert.deepEqual([api?.generation, api?.commit?.id, now?.generation], [1, commit, 3]);
  assert.equal(one.writes(), before, "the deposed one wrote nothing");
});

test("while the store is away /readyz says so, and what is saved meanwhile is applied after", async (t) => {
  const { zookeeper, url, connect } = await servers(t);
  const lab = await syncLab(t, undefined, connect);
  await lab.write("web.yaml", web("a:1"));
  const start = () => syncProcess(t, { storeUrl: url, words: [lab.folder], folder: lab.beside });
  const [one, two] = [start(), start()];
  await lab.settled({ web: "a:1" });
  await Promise.all([one.ready(/^200 /), two.ready(/^200 /)]);
  const [server = assert.fail("no server")] = zookeeper.servers;
  await server.kill();
  await Promise.all([one, two].map((sync) => sync.ready(away)));
  await lab.save("web.yaml", web("a:2"));
  await lab.save("api.yaml", manifestText("api", "b:1"));
  const late = start();
  await late.ready(/^503 waits for the store\n$/);
  await throughout(200, () => one.ready(away));
  await server.start();
  await lab.settled({ api: "b:1", web: "a:2" });
  await Promise.all([one, two, late].map((sync) => sync.ready(/^200 (synced|stands by)/)));
  assert.deepEqual([(await lab.deployment("api"))?.generation, (await lab.deployment("web"))?.generation], [1, 2]);
});
