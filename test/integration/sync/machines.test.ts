// Two machines of one name at one store, each with a folder of its own at the same path: what is the first's is never touched by the second.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { planSelectors } from "../../../src/apply/commit.ts";
import { handOver } from "../../../src/cli/sync/handover.ts";
import { syncKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { readinessOf } from "../../../src/sync/health.ts";
import type { Machine } from "../../../src/sync/machine.ts";
import type { Sync } from "../../../src/sync/sync.ts";
import { eventually } from "../../support/eventually.ts";
import { manifestText, syncLab, withOthers } from "../../support/sync-lab.ts";
import { startZooKeeper } from "../../support/zookeeper-server.ts";

const limitMs = 60_000;
const says = (sync: Sync, what: RegExp) =>
  eventually(`it says ${what}`, () => what.test(readinessOf(sync.reading()).text), limitMs);
const refused = /^cannot lead: dir:lab:\S+ is the folder of another machine of this name, .*: lab, since 2/;
const twin: Machine = { id: "b".repeat(12), isShared: true };

/** The first has a folder, and the second has other files at the same path. */
async function twoMachines(t: TestContext) {
  const zookeeper = await startZooKeeper();
  t.after(() => zookeeper.close());
  const connect = () => openStore(`zk://${zookeeper.connect}/lab`, { create: true, patient: true, own: {} });
  const lab = await syncLab(t, undefined, connect);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  await lab.write("api.yaml", manifestText("api", "a:1"));
  const folder = join(lab.beside, "elsewhere");
  await mkdir(folder);
  await writeFile(join(folder, "web.yaml"), manifestText("web", "other:1"));
  await writeFile(join(folder, "db.yaml"), manifestText("db", "other:1"));
  let attempts = 0;
  const through = (store: Store) =>
    withOthers(store, {
      view(selectors) {
        if (selectors.length === 1 && selectors[0] !== "placements") attempts += 1;
        return store.view(selectors);
      },
    });
  return {
    lab,
    own: { api: "a:1", web: "a:1" },
    theirs: { db: "other:1", web: "other:1" },
    second: (machine: Partial<Machine> = {}) =>
      lab.start({ elsewhere: { folder, machine: { ...twin, ...machine } }, through }),
    /** The second has tried again, and that more than once: what it would have done it has done. */
    async triedAgain(): Promise<void> {
      const before = attempts;
      await eventually("it has tried again", () => attempts > before + 2, limitMs);
    },
  };
}

test("the second never leads, neither beside the first nor after it, and the first goes on", async (t) => {
  const { lab, own, second: startSecond, triedAgain } = await twoMachines(t);
  const first = await lab.start();
  await lab.settled(own);
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  const second = await startSecond();
  await says(second, refused);
  await first.close();
  const { position } = await lab.store.list(planSelectors);
  const said = await lab.document();
  assert.ok(said?.lead.ended, "the first has told its end");
  await triedAgain();
  assert.deepEqual([await lab.images(), await lab.document()], [own, said]);
  assert.equal((await lab.store.list(planSelectors)).position, position);
  await says(second, refused);
  const again = await lab.start();
  await lab.write("web.yaml", manifestText("web", "a:2"));
  await lab.settled({ ...own, web: "a:2" });
  await says(again, /^synced$/);
  assert.deepEqual((await lab.document())?.machine, said?.machine, "it is the first's since then");
});

test("of two that start at once one leads, and the other one writes nothing when that ends", async (t) => {
  const { lab, own, theirs, second: startSecond } = await twoMachines(t);
  const [first, second] = await Promise.all([lab.start(), startSecond()]);
  const { machine } = await lab.told("one is synced", ({ pass }) => pass?.outcome === "synced");
  const [leads, other, images] = machine?.id === "lab" ? [first, second, own] : [second, first, theirs];
  await says(other, /^cannot lead: dir:lab:\S+ is the folder of another machine/);
  await leads.close();
  await says(other, /it was led last by lab \(127\.0\.0\.1\) since \S+ until /);
  assert.deepEqual(await lab.images(), images);
});

test("handed over, the folder is the second's: not while the first leads, and then the first is refused", async (t) => {
  const { lab, own, theirs, second: startSecond } = await twoMachines(t);
  const first = await lab.start();
  await lab.settled(own);
  const second = await startSecond();
  await says(second, refused);
  const which = { named: lab.source, node: undefined };
  const act = { by: "ann", at: "2026-01-02T00:00:00.000Z" };
  await assert.rejects(handOver(lab.store, which, twin.id, act), {
    code: "conflict",
    message: `a sync follows ${lab.source}: lab (127.0.0.1), pid ${process.pid}`,
  });
  assert.deepEqual(await lab.images(), own);
  await first.close();
  const before = await lab.document();
  assert.deepEqual(await handOver(lab.store, which, twin.id, act), { source: lab.source, changed: true });
  const noted = { id: twin.id, since: act.at, by: "ann" };
  // What its files lack waits for the rest to be ready, as ever.
  await lab.settled({ api: "a:1", ...theirs });
  const after = await lab.document();
  assert.deepEqual([before?.machine?.id, after?.machine], ["lab", noted]);
  const again = await lab.start();
  await says(again, /: b{12}, since 2026-01-02T00:00:00\.000Z, when ann handed it over; /);
  assert.equal((await handOver(lab.store, which, twin.id, act)).changed, false);
});

test("what is no machine, and a branch, are not handed over", async (t) => {
  const lab = await syncLab(t);
  await lab.start();
  await lab.told("it leads", () => true);
  const act = { by: "ann", at: "now" };
  const bad = handOver(lab.store, { named: lab.source, node: undefined }, "vm", act);
  await assert.rejects(bad, { code: "invalid", message: '"vm" is no machine' });
  const document = (await lab.document()) ?? assert.fail();
  const source = "git:u#main:";
  const branch = { ...document, source, follows: { kind: "git", url: "u", branch: "main", path: "" } } as const;
  await lab.store.commit({ changes: [put(syncKey(source), branch, "absent")] });
  const none = handOver(lab.store, { named: source, node: undefined }, twin.id, act);
  await assert.rejects(none, { code: "invalid", message: /is a branch, which any machine may follow$/ });
});

test("a copy with the first's key does not stand by for long while the first leads, and does not lead when it ends", async (t) => {
  const { lab, own, second: startSecond } = await twoMachines(t);
  const first = await lab.start({
    elsewhere: { folder: lab.folder, machine: { id: "lab", boot: "b1", isShared: true } },
  });
  await lab.settled(own);
  const copy = await startSecond({ id: "lab", boot: "b2" });
  await says(copy, /^stands by/);
  await says(
    copy,
    /^cannot lead: another machine, lab \(127\.0\.0\.1\), follows dir:lab:\S+ with this machine's key: /,
  );
  await first.close();
  const again = await lab.start();
  await says(again, /^synced$/);
  await again.close();
  assert.deepEqual(await lab.images(), own);
  assert.match(readinessOf(copy.reading()).text, /one is a copy of the other; on a copy .* delete the state folder/);
});

test("on a store of one machine whoever follows the path may lead", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  const first = await lab.start();
  await lab.settled({ web: "a:1" });
  const second = await lab.start({ elsewhere: { folder: lab.folder, machine: { ...twin, isShared: false } } });
  await says(second, /^stands by/);
  await first.close();
  await says(second, /^synced$/);
  assert.equal((await lab.document())?.machine?.id, twin.id);
});
