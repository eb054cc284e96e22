// Presence and leadership on ZooKeeper when sessions, connections and processes fail.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { deploymentKey, epochKey, presenceKey } from "../../../src/model/keys.ts";
import { put } from "../../../src/store/store.ts";
import { holdNode } from "../../../src/store/zookeeper-holding.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import type { ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { conflictAt } from "../../contract/store-harness.ts";
import { act, deployment } from "../../support/builders.ts";
import { eventually, fired } from "../../support/eventually.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const n1 = presenceKey("n1");
const me = { key: "mine", pid: process.pid, since: act.at };
const replaces = (holder: typeof me) => holder.key === me.key;
const never = new AbortController().signal;
/** ZooKeeper's number of a transaction: a node of ours is made in one with the check that it is the right store. */
const multi = 14;

after(endServer);

test("a restarted process takes its dead predecessor's place at once, a stranger waits for the end of the session", async (t) => {
  const lab = await storeLab(t);
  const [{ store: dead, link }, { store }, { store: strange }] = [await lab.open(), await lab.open(), await lab.open()];
  const before = await dead.join(n1, me, { replaces });
  link.freeze();
  await assert.rejects(strange.join(n1, { ...me, key: "stranger" }, { replaces: () => false }), conflictAt(n1));
  const view = await strange.view(["presence"]);
  let gaps = 0;
  view.onChange(() => (gaps += view.snapshot().get(n1) ? 0 : 1));
  await store.join(n1, { ...me, pid: 7 }, { replaces });
  await eventually("others see the successor", () => view.snapshot().get(n1)?.value.pid === 7);
  assert.equal(gaps, 0, "nobody has seen it gone");
  await fired("the predecessor, should it live after all, hears of it", before.lost);
  link.thaw();
  await before.leave();
  assert.equal((await store.read(n1))?.value.pid, 7);
});

test("who leaves in the moment in which a successor comes removes only its own node", async (t) => {
  const lab = await storeLab(t);
  const { store } = await lab.open();
  await store.join(presenceKey("n0"), me);
  const bare = lab.bare();
  const path = "/presence/n1";
  const data = Buffer.from(JSON.stringify(me));
  await bare.create(path, data, { mode: "ephemeral", acl: openAcl });
  const { czxid = 0n } = (await bare.exists(path)) ?? {};
  let comes = async () => {
    comes = async () => {};
    await store.join(n1, { ...me, pid: 7 }, { replaces });
  };
  const session = { listen: () => () => {} };
  const own = { path, shared: { czxid, counter: "/presence" } };
  const holding = await holdNode(
    session,
    slowToWrite(bare, () => comes()),
    own,
    undefined,
  );
  await holding.letGo("it leaves");
  assert.equal((await store.read(n1))?.value.pid, 7);
});

test("a presence that was made without our hearing of it is ours", async (t) => {
  const { store, link } = await (await storeLab(t)).open();
  await store.join(presenceKey("n0"), me);
  const swallowed = link.swallowReply(multi);
  const presence = await store.join(n1, me);
  await swallowed;
  assert.equal(presence.lost.aborted, false);
  assert.equal((await store.read(n1))?.value.pid, process.pid);
  await presence.leave();
  assert.equal(await store.read(n1), undefined);
});

test("presence and leadership outlast a broken connection, and hear before the session's end of a longer one", async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: other }] = [await lab.open(), await lab.open()];
  const presence = await store.join(n1, me);
  const leadership = await store.elect("master", never);
  link.reset();
  await eventually("connected again", () => store.read(n1).then(Boolean, () => false));
  assert.deepEqual([presence.lost.aborted, leadership.signal.aborted], [false, false]);
  await store.commit({ changes: [put(deploymentKey("web"), deployment(), "absent")], epoch: leadership.epoch });
  link.freeze();
  const view = await other.view(["presence"]);
  await Promise.all([fired("leadership", leadership.signal), fired("presence", presence.lost)]);
  assert.ok(view.snapshot().get(n1), "they hear of it before others can");
  await assert.rejects(store.commit({ changes: [], epoch: leadership.epoch }), { code: /conflict|unavailable/ });
  const next = await other.elect("master", never);
  assert.ok(next.epoch > leadership.epoch);
  link.thaw();
  await eventually("rejoined", () => store.join(n1, me, { replaces }).catch(() => undefined));
});

test("a session that lives on after its holder gave up holds nothing", async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: other }] = [await lab.open(), await lab.open()];
  const presence = await store.join(n1, me);
  const leadership = await store.elect("master", never);
  link.freeze();
  await Promise.all([fired("leadership", leadership.signal), fired("presence", presence.lost)]);
  // Between the doubt and the end of the session.
  link.thaw();
  await eventually("the presence is gone", async () => (await other.read(n1)) === undefined);
  await (await other.elect("master", never)).resign();
});

test("a candidate whose answer is lost, or who gives up, blocks nobody", async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: other }] = [await lab.open(), await lab.open()];
  await (await store.elect("master", never)).resign();
  const swallowed = link.swallowReply(multi);
  const first = await store.elect("master", never);
  await swallowed;
  const bare = lab.bare();
  assert.equal((await bare.getChildren("/elections/master")).children.length, 1);
  const stop = new AbortController();
  const waiting = other.elect("master", stop.signal);
  await eventually("two candidates", async () => (await bare.getChildren("/elections/master")).children.length === 2);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  await eventually("one candidate", async () => (await bare.getChildren("/elections/master")).children.length === 1);
  await first.resign();
  assert.equal((await bare.getChildren("/elections/master")).children.length, 0);
});

test("of five candidates the next one leads when a leader resigns, and only one", async (t) => {
  const lab = await storeLab(t);
  const stores = await Promise.all(Array.from({ length: 5 }, async () => (await lab.open()).store));
  const leading: number[] = [];
  let most = 0;
  await Promise.all(
    stores.map(async (store, index) => {
      const leadership = await store.elect("master", never);
      leading.push(index);
      most = Math.max(most, leading.length);
      await store.commit({
        changes: [put(deploymentKey(`d${index}`), deployment({ generation: leadership.epoch }), "absent")],
        epoch: leadership.epoch,
      });
      leading.splice(leading.indexOf(index), 1);
      await leadership.resign();
    }),
  );
  assert.equal(most, 1);
  const epochs = (await stores[0]?.list(["deployments"]))?.list("deployments").map(({ value }) => value.generation);
  assert.deepEqual(epochs?.sort(), [1, 2, 3, 4, 5]);
});

test("nothing is written with the epoch of a leader that has resigned, also when nobody has followed yet", async (t) => {
  const lab = await storeLab(t);
  const { store } = await lab.open();
  const leadership = await store.elect("master", never);
  await leadership.resign();
  const late = store.commit({
    changes: [put(deploymentKey("late"), deployment(), "absent")],
    epoch: leadership.epoch,
  });
  await assert.rejects(late, conflictAt(epochKey));
});

/** The client, after something else has happened between its last look and its write. */
function slowToWrite(client: ZooKeeper, meanwhile: () => Promise<void>): ZooKeeper {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const call = () => Reflect.apply(value, target, args) as unknown;
        return name === "delete" || name === "multi" ? meanwhile().then(call) : call();
      };
    },
  });
}
