// A node's presence: joined again when it is lost, whenever that was, and without a hurry when someone else keeps taking it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import type { Presence, Store } from "../../../src/store/store.ts";
import { joinNode } from "../../../src/worker/membership.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const facts = { node: "node-1", key: "k", address: "127.0.0.1", hostname: "h", labels: {}, version: "0" };

/** A store whose presences are lost when the test says so; only joining is asked of it. */
function joins() {
  const lost: AbortController[] = [];
  const join = async (): Promise<Presence> => {
    const ended = new AbortController();
    if (lost.push(ended) === 2) ended.abort();
    return { lost: ended.signal, leave: async () => {} };
  };
  return { lost, store: { join } as unknown as Store };
}

test("a presence is joined again at once, and after a pause when it was lost soon after it was joined, even before anybody listened", async () => {
  const clock = fakeClock();
  const { lost, store } = joins();
  const membership = await joinNode({
    store,
    facts,
    pid: 1,
    stateDir: "/state",
    clock,
    log: silentLog,
    stop: new AbortController().signal,
  });
  await clock.advance(60_000);
  lost[0]?.abort();
  await clock.advance(1);
  assert.equal(lost.length, 2, "the first was long-lived");
  await clock.advance(400);
  assert.equal(lost.length, 2, "the second was lost at once");
  await clock.advance(200);
  assert.equal(lost.length, 3);
  await membership.leave();
  lost[2]?.abort();
  await clock.advance(10_000);
  assert.equal(lost.length, 3, "who has left does not come back");
});
