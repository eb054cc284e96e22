// A machine that is started anew: what was told of its pods before is taken back before anybody sees that its worker is there again.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { presenceKey, statusesKey } from "../../../src/model/keys.ts";
import type { StatusesDocument } from "../../../src/model/pod.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { joinNode } from "../../../src/worker/membership.ts";
import type { NodeFacts } from "../../../src/worker/registration.ts";
import { openReport } from "../../../src/worker/report.ts";
import { builtAt, pod, status } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const node = "n1";
const key = statusesKey(node);
const facts: NodeFacts = { node, key: "k", address: "10.0.0.1", hostname: "h", labels: {}, version: "0" };
const ready = status(pod("web"), { restarts: 3 });
const stopped = status(pod("web", { slot: 1 }), { phase: "stopped" });
const before = { boot: "first", at: builtAt, statuses: [ready, stopped] };
const { ip: _address, startedAt: _process, ...rest } = ready;
const reason = {
  code: "NOT_READY",
  message: "its machine was started anew; it is started when the engine is there",
} as const;
const after = { boot: "second", statuses: [{ ...rest, phase: "starting", reason }, stopped] };

async function stores(t: TestContext, told: StatusesDocument) {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const open = async () => {
    const store = await openStore(url, { create: true });
    t.after(() => store.close());
    return store;
  };
  const store = await open();
  await store.commit({ changes: [put(key, told, "absent")] });
  return { store, open };
}

const joined = async (t: TestContext, store: Store, more: Partial<NodeFacts>) => {
  const stop = new AbortController().signal;
  const request = { store, pid: 1, stateDir: "/state", clock: systemClock, log: silentLog, stop };
  const membership = await joinNode({ ...request, facts: { ...facts, ...more } });
  t.after(() => membership.leave());
};

const told = async (store: Store) => {
  const { at: _when, ...others } = (await store.read(key))?.value ?? assert.fail();
  return others;
};

test("what an earlier boot told is taken back before the node is there, and what has stopped stays so", async (t) => {
  const { store, open } = await stores(t, before);
  const seen: unknown[] = [];
  const slow = await open();
  const watched: Store = Object.assign(Object.create(slow) as Store, {
    join: async (...request: Parameters<Store["join"]>) => {
      seen.push(await told(store));
      return slow.join(...request);
    },
    list: slow.list.bind(slow),
    commit: slow.commit.bind(slow),
  });
  await joined(t, watched, { boot: "second" });
  assert.deepEqual(seen, [after]);
  assert.equal((await store.read(presenceKey(node)))?.value.pid, 1);
});

for (const { name, boot, document } of [
  { name: "a restart of the worker on the same boot", boot: { boot: "first" }, document: before },
  { name: "a system that tells no boot", boot: {}, document: before },
  { name: "what was told before boots were told", boot: { boot: "first" }, document: { ...before, boot: undefined } },
]) {
  test(`${name} takes nothing back`, async (t) => {
    const { boot: given, ...others } = document;
    const { store } = await stores(t, given === undefined ? others : document);
    await joined(t, store, boot);
    assert.deepEqual((await store.read(key))?.value.statuses, before.statuses);
  });
}

test("of a living machine with this node's name and key nothing is taken back", async (t) => {
  const { store, open } = await stores(t, before);
  await joined(t, store, { boot: "first", place: "there" });
  const copy = await open();
  const clock = { ...systemClock, now: () => systemClock.now() * 1_000 };
  const stop = new AbortController().signal;
  const request = { store: copy, pid: 2, stateDir: "/state", clock, log: silentLog, stop };
  const other = { ...facts, boot: "second", place: "here", address: "10.0.0.2" };
  await assert.rejects(joinNode({ ...request, facts: other }), { code: "conflict" });
  assert.deepEqual(await told(store), { boot: "first", statuses: before.statuses });
});

test("a worker that has listed nothing yet keeps of an earlier boot what a boot leaves true", async (t) => {
  const { store } = await stores(t, before);
  const report = openReport({ store, node, boot: "second", clock: systemClock, log: silentLog });
  const engine = { since: builtAt, reason: "Docker does not answer" };
  report.statuses({ engine });
  await eventually("told", async () => (await store.read(key))?.value.engine !== undefined);
  assert.deepEqual(await told(store), { ...after, engine });
  await report.close();
});
