// Following the logs of more pods than there may be connections.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { followLimit, readLogs } from "../../../src/cli/containers/logs.ts";
import { observedSelectors } from "../../../src/cli/show/observe.ts";
import { systemClock } from "../../../src/clock.ts";
import { podsKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, remove } from "../../../src/store/store.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import { documentsOf, fill } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("more pods than are followed at once are told, once, and come when others have gone", async (t) => {
  const store = await openStore(`file:${join(await tempFolder(t), "store.db")}`, { create: true });
  t.after(() => store.close());
  await fill(store, documentsOf({ deployments: { web: { pods: followLimit + 3 } } }));
  const memory = openMemory(memoryImages, systemClock);
  let looks = 0;
  const list = memory.list.bind(memory);
  memory.list = (signal) => {
    looks += 1;
    return list(signal);
  };
  const stop = new AbortController();
  const told: number[] = [];
  const following = readLogs({
    view: await store.view(observedSelectors),
    runtimeOf: () => memory,
    target: { kind: "deployment", name: "web" },
    follow: true,
    timestamps: false,
    onLine: () => {},
    onGone: () => {},
    onMany: (waiting) => told.push(waiting),
    signal: stop.signal,
  });
  assert.deepEqual(told, [3]);
  assert.equal(looks, followLimit);
  const { value, version } = (await store.read(podsKey("web"))) ?? assert.fail("no pods");
  await store.commit({ changes: [put(podsKey("web"), { ...value, pods: value.pods.slice(followLimit) }, version)] });
  const before = looks;
  await eventually("the others", () => looks >= before + 3);
  const { version: last } = (await store.read(podsKey("web"))) ?? assert.fail("no pods");
  await store.commit({ changes: [remove(podsKey("web"), last)] });
  stop.abort();
  await following;
  assert.deepEqual(told, [3]);
});
