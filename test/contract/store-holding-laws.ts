// Presence and leadership, as their holders and others see them.
import assert from "node:assert/strict";
import { deploymentKey, epochKey, presenceKey } from "../../src/model/keys.ts";
import { put } from "../../src/store/store.ts";
import { act, deployment } from "../support/builders.ts";
import { conflictAt, type StoreLaw } from "./store-harness.ts";

const n1 = presenceKey("n1");
const me = { key: "mine", pid: process.pid, since: act.at };
const never = new AbortController().signal;

export const holdingLaws: Readonly<Record<string, StoreLaw>> = {
  "a presence is there for everyone until its holder leaves": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const presence = await mine.join(n1, me);
    assert.deepEqual((await other.read(n1))?.value, me);
    assert.equal((await other.list(["presence"])).list("presence").length, 1);
    assert.equal(presence.lost.aborted, false);
    await presence.leave();
    assert.equal(presence.lost.aborted, true);
    assert.equal(await other.read(n1), undefined);
    await presence.leave();
  },

  "a presence that another holds is a conflict that says who, and free after it": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const presence = await mine.join(n1, me);
    await assert.rejects(other.join(n1, { ...me, key: "stranger" }), conflictAt(n1));
    await assert.rejects(other.join(n1, { ...me, key: "stranger" }), (error: Error) =>
      error.message.includes(`${process.pid}`),
    );
    assert.equal((await other.read(n1))?.value.key, "mine");
    const before = (await mine.read(n1))?.version ?? -1;
    await presence.leave();
    const next = await mine.join(n1, me);
    assert.ok(((await other.read(n1))?.version ?? -1) > before);
    await next.leave();
    await (await other.join(n1, { ...me, key: "stranger" })).leave();
  },

  "of many that join at once one succeeds": async (_store, open) => {
    const clients = await Promise.all([open(), open(), open(), open()]);
    const joined = await Promise.allSettled(
      clients.map((client, index) => client.join(n1, { ...me, key: `${index}` })),
    );
    const winners = joined.flatMap(({ status }, index) => (status === "fulfilled" ? [`${index}`] : []));
    assert.equal(winners.length, 1);
    assert.equal((await clients[0]?.read(n1))?.value.key, winners[0]);
  },

  "a presence ends when its client closes": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const presence = await mine.join(n1, me);
    await mine.close();
    assert.equal(presence.lost.aborted, true);
    assert.equal(await other.read(n1), undefined);
  },

  "a client that is closed twice at once is closed, with what it held, for either": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const presence = await mine.join(n1, me);
    await mine.view(["presence"]);
    let isClosed = false;
    const first = mine.close().then(() => {
      isClosed = true;
    });
    await mine.close();
    assert.equal(isClosed, true, "the second has waited too");
    await first;
    assert.equal(presence.lost.aborted, true);
    assert.equal(await other.read(n1), undefined);
    await assert.rejects(mine.read(n1), { code: "unavailable" });
  },

  "there is one leader at a time, and each raises the epoch": async (_store, open) => {
    const [one, two] = [await open(), await open()];
    const first = await one.elect("master", never);
    assert.deepEqual((await two.read(epochKey))?.value, { epoch: first.epoch });
    let elected = false;
    const waiting = two.elect("master", never).then((leadership) => {
      elected = true;
      return leadership;
    });
    await assert.rejects(two.elect("master", AbortSignal.timeout(150)), { name: "TimeoutError" });
    assert.equal(elected, false);
    assert.equal(first.signal.aborted, false);
    await first.resign();
    assert.equal(first.signal.aborted, true);
    const second = await waiting;
    assert.ok(second.epoch > first.epoch);
    assert.equal(second.signal.aborted, false);
    await second.resign();
  },

  "of many that want to lead at once one does": async (_store, open) => {
    const clients = await Promise.all([open(), open(), open(), open()]);
    const stop = AbortSignal.timeout(400);
    const elected = await Promise.allSettled(clients.map((client) => client.elect("master", stop)));
    assert.equal(elected.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "a leader's commit is refused once another was elected": async (_store, open) => {
    const [one, two] = [await open(), await open()];
    const first = await one.elect("master", never);
    const web = deploymentKey("web");
    await one.commit({ changes: [put(web, deployment(), "absent")], epoch: first.epoch });
    await first.resign();
    const second = await two.elect("master", never);
    const late = one.commit({ changes: [put(deploymentKey("late"), deployment(), "absent")], epoch: first.epoch });
    await assert.rejects(late, conflictAt(epochKey));
    await assert.rejects(one.commit({ changes: [], epoch: first.epoch }), conflictAt(epochKey));
    await two.commit({ changes: [put(deploymentKey("api"), deployment(), "absent")], epoch: second.epoch });
    assert.equal(await two.read(deploymentKey("late")), undefined);
  },

  "who leads something else takes nothing from the master": async (_store, open) => {
    const [one, two, three] = [await open(), await open(), await open()];
    const master = await one.elect("master", never);
    const other = await two.elect("something-else", never);
    await assert.rejects(three.elect("something-else", AbortSignal.timeout(150)), { name: "TimeoutError" });
    await one.commit({ changes: [put(deploymentKey("web"), deployment(), "absent")], epoch: master.epoch });
    const strange = two.commit({ changes: [put(deploymentKey("api"), deployment(), "absent")], epoch: other.epoch });
    await assert.rejects(strange, conflictAt(epochKey));
    await other.resign();
    assert.equal(other.signal.aborted, true);
    await (await three.elect("something-else", never)).resign();
    assert.equal(master.signal.aborted, false);
  },

  "everybody is told whether somebody leads, and whoever waits is none who does": async (_store, open) => {
    const [one, two, three] = [await open(), await open(), await open()];
    assert.equal(await three.isLed("something"), false);
    const first = await one.elect("something", never);
    for (const client of [one, two, three]) assert.equal(await client.isLed("something"), true);
    assert.equal(await three.isLed("something-else"), false);
    const waiting = two.elect("something", never);
    await first.resign();
    await waiting;
    assert.equal(await three.isLed("something"), true);
    await two.close();
    assert.equal(await three.isLed("something"), false);
    assert.equal(await one.isLed("something"), false);
  },

  "who gives up waiting for election gets the reason, and leads nothing": async (_store, open) => {
    const [one, two] = [await open(), await open()];
    const first = await one.elect("master", never);
    const stop = new AbortController();
    const waiting = two.elect("master", stop.signal);
    const reason = new Error("enough");
    stop.abort(reason);
    await assert.rejects(waiting, reason);
    await first.resign();
    await (await one.elect("master", never)).resign();
    await assert.rejects(two.elect("master", stop.signal), reason);
  },

  "a leadership ends when its client closes": async (_store, open) => {
    const [one, two] = [await open(), await open()];
    const first = await one.elect("master", never);
    await one.close();
    assert.equal(first.signal.aborted, true);
    assert.ok((await two.elect("master", never)).epoch > first.epoch);
  },
};
