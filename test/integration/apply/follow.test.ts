// Waiting on a real embedded store: a worker's presence and the master's documents are written by the test, time is the test's own.
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Followed, follow } from "../../../src/apply/follow.ts";
import type { Goal } from "../../../src/apply/wait.ts";
import { type Key, presenceKey } from "../../../src/model/keys.ts";
import { openEmbedded } from "../../../src/store/embedded.ts";
import { type Presence, put, type Store } from "../../../src/store/store.ts";
import { type ClusterFixture, documentsOf, fill, node } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { goal } from "../../support/goals.ts";
import { tempFolder } from "../../support/temp-folder.ts";

interface Lab {
  readonly store: Store;
  readonly file: string;
  readonly presence: Presence;
  readonly clock: ReturnType<typeof fakeClock>;
  /** Writes what differs from what is there. */
  become(fixture: ClusterFixture): Promise<void>;
  follow(options?: { goals?: readonly Goal[]; timeoutMs?: number; signal?: AbortSignal }): Following;
}

interface Following {
  readonly result: Promise<Followed>;
  /** How often it has looked. */
  looks(): number;
  ended(): boolean;
}

async function lab(t: TestContext, fixture: ClusterFixture): Promise<Lab> {
  const folder = await tempFolder(t);
  const file = join(folder, "store.db");
  const store = await openEmbedded(file, { create: true });
  t.after(() => store.close());
  const clock = fakeClock();
  await fill(store, documentsOf(fixture));
  const presence = await store.join(presenceKey("node-1"), { key: node().key, pid: 1, since: "" });
  return {
    store,
    file,
    presence,
    clock,
    async become(next) {
      for (const [key, value] of documentsOf(next)) {
        if (key.startsWith("presence/")) continue;
        const found = await store.read(key as Key<unknown>);
        if (JSON.stringify(found?.value) === JSON.stringify(value)) continue;
        await store.commit({ changes: [put(key as Key<unknown>, value, found?.version ?? "absent")] });
      }
    },
    follow({ goals = [goal], timeoutMs = 300_000, signal = new AbortController().signal } = {}) {
      let looks = 0;
      const onProgress = () => {
        looks += 1;
      };
      let ended = false;
      const result = follow(store, { goals, clock, timeoutMs, signal, onProgress }).finally(() => {
        ended = true;
      });
      return { result, looks: () => looks, ended: () => ended };
    },
  };
}

const web = (pods: NonNullable<NonNullable<ClusterFixture["deployments"]>[string]["pods"]>): ClusterFixture => ({
  deployments: { web: { document: { replicas: 2 }, pods } },
});
const starting = web([{ slot: 0 }, { slot: 1, status: { phase: "starting" } }]);
const pending = web([{ slot: 0 }, { slot: 1, node: null }]);
const taken = { phase: "starting", reason: { code: "PORT_TAKEN", message: "host port 80 is taken" } } as const;
const refused = web([{ slot: 0 }, { slot: 1, status: taken }]);

test("it ends as soon as the last pod is ready, woken by the store alone", async (t) => {
  const { follow, become } = await lab(t, starting);
  const following = follow();
  await become(web(2));
  const { end, progress } = await following.result;
  assert.deepEqual([end, progress[0]?.state, progress[0]?.ready], ["settled", "done", 2]);
});

test("it ends at once when a pod is given up on", async (t) => {
  const { follow, become } = await lab(t, starting);
  const following = follow();
  await become(
    web([{ slot: 0 }, { slot: 1, status: { phase: "failed", reason: { code: "BAD_COMMAND", message: "no" } } }]),
  );
  assert.equal((await following.result).progress[0]?.state, "failed");
});

const broken = {
  document: { replicas: 1 },
  pods: [{ slot: 0, status: { phase: "failed" as const, reason: { code: "BAD_COMMAND" as const, message: "no" } } }],
};
const underway = { document: { replicas: 1 }, pods: [{ slot: 0, status: { phase: "starting" as const } }] };
const goalsOf = (...names: string[]) => names.map((name) => ({ ...goal, name, replicas: 1 }));

test("once one is hopeless the others get two seconds, and all that are broken by then are named", async (t) => {
  const { follow, become, clock } = await lab(t, { deployments: { a: broken, b: underway, c: underway } });
  const following = follow({ goals: goalsOf("a", "b", "c") });
  await eventually("it looks", () => following.looks() > 0);
  await clock.advance(1_999);
  const before = following.looks();
  await become({ deployments: { a: broken, b: underway, c: broken } });
  await eventually("it sees the other one", () => following.looks() > before);
  assert.equal(following.ended(), false);
  await clock.advance(1);
  const { end, progress } = await following.result;
  assert.deepEqual([end, ...progress.map(({ state }) => state)], ["settled", "failed", "working", "failed"]);
});

test("it does not wait for the two seconds when all are decided", async (t) => {
  const { follow, become } = await lab(t, { deployments: { a: broken, b: underway } });
  const following = follow({ goals: goalsOf("a", "b") });
  await eventually("it looks", () => following.looks() > 0);
  await become({ deployments: { a: broken, b: broken } });
  const { progress } = await following.result;
  assert.deepEqual(
    progress.map(({ state }) => state),
    ["failed", "failed"],
  );
});

test("what was broken before keeps nobody from waiting for what was changed", async (t) => {
  const broken = { pods: [{ status: { phase: "failed" as const } }] };
  const { follow, become } = await lab(t, { deployments: { ...starting.deployments, old: broken } });
  const following = follow({ goals: [{ ...goal, name: "old", replicas: 1, changed: false }, goal] });
  await eventually("it looks", () => following.looks() > 0);
  await become({ deployments: { ...web(2).deployments, old: broken } });
  const { progress } = await following.result;
  assert.deepEqual(
    progress.map(({ state }) => state),
    ["failed", "done"],
  );
});

test("an older failure is given the time of the worker's next try where nothing was changed", async (t) => {
  const { follow, become, clock } = await lab(t, refused);
  const unchanged = { ...goal, changed: false };
  const stillTaken = follow({ goals: [unchanged] });
  await eventually("it looks", () => stillTaken.looks() > 0);
  await clock.advance(9_999);
  assert.equal(stillTaken.ended(), false);
  await clock.advance(1);
  assert.equal((await stillTaken.result).progress[0]?.state, "failed");
  const changed = await follow().result;
  assert.equal(changed.progress[0]?.state, "failed", "a change that cannot become true is told at once");
  const mended = follow({ goals: [unchanged] });
  await eventually("it looks", () => mended.looks() > 0);
  await become(web(2));
  assert.equal((await mended.result).progress[0]?.state, "done");
});

test("a rollout past its deadline may still be on its way where nothing was changed", async (t) => {
  const rollout = { revision: goal.revision, state: "failed", since: "", reason: "too slow" } as const;
  const late: ClusterFixture = {
    deployments: {
      web: { document: { replicas: 2 }, pods: [{ slot: 0 }, { slot: 1, status: { phase: "running" } }], rollout },
    },
  };
  const { follow, become } = await lab(t, late);
  const following = follow({ goals: [{ ...goal, changed: false }] });
  await eventually("it looks", () => following.looks() > 0);
  assert.equal(following.ended(), false);
  await become(web(2));
  assert.equal((await following.result).progress[0]?.state, "done");
});

test("a pod without a place is given five seconds, and no less", async (t) => {
  const { follow, clock } = await lab(t, pending);
  const following = follow();
  await eventually("it looks", () => following.looks() > 0);
  await clock.advance(4_999);
  assert.equal(following.ended(), false);
  await clock.advance(1);
  const { end, unplaced } = await following.result;
  assert.deepEqual([end, [...unplaced].map(({ name }) => name)], ["settled", ["web"]]);
});

test("a pod that finds its place in time starts the five seconds anew", async (t) => {
  const { follow, become, clock } = await lab(t, pending);
  const following = follow();
  await eventually("it looks", () => following.looks() > 0);
  await clock.advance(4_000);
  const before = following.looks();
  await become(starting);
  await eventually("it looks again", () => following.looks() > before);
  await become(pending);
  await eventually("and again", () => following.looks() > before + 1);
  await clock.advance(4_000);
  await become(web(2));
  assert.deepEqual([...(await following.result).unplaced], []);
});

const unsure = [
  { name: "a pod without a place", fixture: pending, changed: true, ms: 5_000 },
  { name: "an older failure", fixture: refused, changed: false, ms: 10_000 },
];
for (const { name, fixture, changed, ms } of unsure) {
  test(`while the store is away nothing is concluded from ${name}, and its time begins anew afterwards`, async (t) => {
    const { follow, clock, store, file } = await lab(t, fixture);
    const following = follow({ goals: [{ ...goal, changed }] });
    await eventually("it looks", () => following.looks() > 0);
    await clock.advance(ms - 1);
    let before = following.looks();
    renameSync(file, `${file}.away`);
    await eventually("it sees that the store is away", () => following.looks() > before);
    await clock.advance(120_000);
    assert.equal(following.ended(), false);
    before = following.looks();
    renameSync(`${file}.away`, file);
    await store.join(presenceKey("node-1"), { key: node().key, pid: 1, since: "" });
    await eventually("it sees the store and the worker again", () => following.looks() > before);
    await clock.advance(ms - 1);
    assert.equal(following.ended(), false);
    await clock.advance(1);
    assert.equal((await following.result).end, "settled");
  });
}

test("the time limit ends it", async (t) => {
  const { follow, clock } = await lab(t, starting);
  const following = follow({ timeoutMs: 1_000 });
  await eventually("it looks", () => following.looks() > 0);
  await clock.advance(1_000);
  assert.equal((await following.result).end, "timeout");
});

test("the user's signal ends it, and what was seen so far is told", async (t) => {
  const { follow } = await lab(t, starting);
  const stop = new AbortController();
  const following = follow({ signal: stop.signal });
  await eventually("it looks", () => following.looks() > 0);
  stop.abort();
  const { end, progress } = await following.result;
  assert.deepEqual([end, progress[0]?.ready], ["interrupted", 1]);
});

test("it ends when the worker has been gone for five seconds, and not when it comes back sooner", async (t) => {
  const { follow, clock, presence, store } = await lab(t, starting);
  const following = follow();
  await eventually("it looks", () => following.looks() > 0);
  const gone = async (leave: Presence, ms: number) => {
    const before = following.looks();
    await leave.leave();
    await eventually("it sees that nobody is there", () => following.looks() > before);
    await clock.advance(ms);
  };
  await gone(presence, 4_000);
  const before = following.looks();
  const again = await store.join(presenceKey("node-1"), { key: node().key, pid: 1, since: "" });
  await eventually("it sees the worker again", () => following.looks() > before);
  await gone(again, 5_000);
  assert.equal((await following.result).end, "nobody");
});
