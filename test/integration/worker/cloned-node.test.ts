// Two machines with one node's name and key, as copies of a disk have them: never both at once, and a restart waits for nobody.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { presenceKey } from "../../../src/model/keys.ts";
import type { Store } from "../../../src/store/store.ts";
import { joinNode } from "../../../src/worker/membership.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const key = presenceKey("n1");
const original = {
  node: "n1",
  key: "k",
  place: "first boot",
  address: "10.0.0.1",
  hostname: "h",
  labels: {},
  version: "0",
};
const clone = { ...original, place: "another boot", address: "10.0.0.2" };

const defaults = { stateDir: "/state", clock: systemClock, log: silentLog, stop: new AbortController().signal };
const join = (store: Store, facts: typeof original, pid: number, others = {}) =>
  joinNode({ store, facts, pid, ...defaults, ...others });

after(endServer);

test("a copy of a living machine is refused with what to do, and takes nothing from it", async (t) => {
  const lab = await storeLab(t);
  const [{ store }, { store: strange }] = [await lab.open(), await lab.open()];
  const membership = await join(store, original, 1);
  const clock = fakeClock();
  const refused = assert.rejects(
    join(strange, clone, 2, { clock }),
    (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, "conflict");
      assert.match(error.message, /another machine \(10\.0\.0\.1\) runs as node n1 with this machine's key/);
      assert.match(error.hint ?? "", /delete the folder \/state /);
      return true;
    },
  );
  let isOver = false;
  void refused.finally(() => {
    isOver = true;
  });
  await eventually("it gives up", async () => {
    await clock.advance(500);
    return isOver;
  });
  await refused;
  assert.equal((await store.read(key))?.value.pid, 1);
  await membership.leave();
});

test("a machine that was booted anew waits for the end of its own old session, and then is there", async (t) => {
  const lab = await storeLab(t);
  const [{ store: dead, link }, { store }] = [await lab.open(), await lab.open()];
  await join(dead, original, 1);
  link.freeze();
  const membership = await join(store, clone, 2);
  assert.equal((await store.read(key))?.value.pid, 2);
  await membership.leave();
});

test("a restart at the same place waits for nothing", async (t) => {
  const lab = await storeLab(t);
  const [{ store: dead, link }, { store }] = [await lab.open(), await lab.open()];
  await join(dead, original, 1);
  link.freeze();
  const view = await store.view(["presence"]);
  let gaps = 0;
  view.onChange(() => (gaps += view.snapshot().get(key) ? 0 : 1));
  const membership = await join(store, original, 2);
  assert.equal((await store.read(key))?.value.pid, 2);
  assert.equal(gaps, 0);
  await membership.leave();
});

test("who waits for an old session to end can be told to stop", async (t) => {
  const lab = await storeLab(t);
  const [{ store }, { store: strange }] = [await lab.open(), await lab.open()];
  const membership = await join(store, original, 1);
  const stop = new AbortController();
  const waiting = join(strange, clone, 2, { clock: fakeClock(), stop: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  await membership.leave();
});

test("a machine whose place a copy took while it was cut off says so, and is back when the copy has gone", async (t) => {
  const lab = await storeLab(t);
  const [{ store, link }, { store: strange }] = [await lab.open(), await lab.open()];
  const told: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void told.push(text) };
  const membership = await join(store, original, 1, { log });
  link.freeze();
  const copy = await join(strange, clone, 2);
  link.thaw();
  await eventually("it says so", () => told.some((text) => text.includes("another machine (10.0.0.2)")));
  assert.equal((await strange.read(key))?.value.pid, 2);
  await copy.leave();
  await eventually("it is back", async () => (await strange.read(key))?.value.pid === 1);
  await membership.leave();
  assert.equal(told.filter((text) => text.includes("another machine")).length, 1, "once is enough");
});
