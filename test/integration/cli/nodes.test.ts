// Nodes that go: the real program on a store with a real master; the test is the workers.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { startMaster } from "../../../src/master/master.ts";
import {
  deploymentKey,
  failuresKey,
  nodeControlKey,
  nodeKey,
  placementsKey,
  podsKey,
  presenceKey,
  rangeKey,
  statusesKey,
  verdictsKey,
} from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { type Presence, put, type Store } from "../../../src/store/store.ts";
import { builtAt, documentsOf, fill, node, podId, status } from "../../support/builders.ts";
import { openDesk } from "../../support/desk.ts";
import { eventually } from "../../support/eventually.ts";

const names = ["n1", "n2", "n3"];

async function openNodes(t: TestContext) {
  const desk = await openDesk(t);
  await mkdir(dirname(desk.storePath), { recursive: true });
  const store = await openStore(`file:${desk.storePath}`, { create: true });
  t.after(() => store.close());
  const nodes = Object.fromEntries(names.map((name) => [name, {}]));
  const web = { document: { replicas: 3 }, pods: names.map((name) => ({ node: name })) };
  await fill(store, documentsOf({ deployments: { web }, nodes }));
  const presences = new Map<string, Presence>();
  for (const name of names) {
    presences.set(name, await store.join(presenceKey(name), { key: node().key, pid: process.pid, since: builtAt }));
  }
  const lead = () => {
    const master = startMaster({
      ...{ store, clock: systemClock, log: silentLog },
      stateDir: join(desk.folder, "master"),
      nodeLostAfterMs: 200,
    });
    t.after(() => master.close());
  };
  const verdicts = async () => (await store.read(verdictsKey))?.value;
  return { ...desk, store, presences, lead, verdicts };
}

test("a lost node shows in every listing, delete finishes without it, and forgetting it ends the matter", async (t) => {
  const { run, store, presences, lead, verdicts } = await openNodes(t);
  lead();
  await presences.get("n3")?.leave();
  await eventually("lost", async () => (await verdicts())?.nodes["n3"]?.state === "lost");
  assert.match((await run("nodes")).stdout, /^n3 +lost for /m);
  assert.match((await run("status")).stdout, /node\/n3: it has been lost .*orchestra nodes forget n3/);
  assert.match((await run("describe", "node/n3")).stdout, /^Status: +lost for /m);
  assert.match((await run("why", podId("web", 2))).stdout, /^Node: n3 has been lost .*its successor/m);

  const present = await run("nodes", "forget", "n1", "--yes");
  assert.deepEqual([present.code, /the worker of n1 is there/.test(present.stderr)], [3, true]);
  const unasked = await run("nodes", "forget", "n3");
  assert.match(unasked.stdout, /node\/n3 goes with 1 pod: web-2/);
  assert.deepEqual([unasked.code, /Hint: give --yes/.test(unasked.stderr)], [2, true]);
  assert.ok(await store.read(nodeKey("n3")));

  const forgotten = await run("nodes", "forget", "n3", "--yes");
  assert.match(forgotten.stdout, /node\/n3 is forgotten\.$/m);
  assert.equal(await store.read(nodeKey("n3")), undefined);
  assert.equal((await run("describe", "node/n3")).code, 1, "nothing has the name any more");
});

test("delete does not wait for pods on a lost node, and says so", async (t) => {
  const { run, store, presences, lead, verdicts } = await openNodes(t);
  lead();
  await Promise.all(["n2", "n3"].map((name) => presences.get(name)?.leave()));
  await eventually("a hold", async () => (await verdicts())?.hold);
  const get = await run("get", "nodes");
  assert.match(get.stderr, /^The master holds: 2 of 3 nodes are absent: n2, n3; nothing is moved or stopped/m);
  assert.match((await run("status")).stdout, /^Hold: +since .*2 of 3 nodes are absent/m);
  const { hold } = JSON.parse((await run("status", "-o", "json")).stdout) as { hold: { reason: string } };
  assert.equal(hold.reason, "2 of 3 nodes are absent: n2, n3");
  const deleting = run("delete", "web", "--yes", "--timeout", "30s");
  // The worker of n1 does what it is told.
  const told = await eventually("the word to stop", async () => {
    const placements = (await store.read(placementsKey("n1")))?.value.placements ?? [];
    return placements.length > 0 && placements.every(({ stop }) => stop) ? placements : undefined;
  });
  const statuses = told.map(({ pod }) => ({ pod, phase: "stopped" as const, restarts: 0 }));
  const version = (await store.read(statusesKey("n1")))?.version ?? "absent";
  await store.commit({ changes: [put(statusesKey("n1"), { at: builtAt, statuses }, version)] });
  const deleted = await deleting;
  assert.equal(deleted.code, 0, deleted.stderr);
  assert.match(
    deleted.stdout,
    /^Note: web: 1 pod on n2, .* is stopped when it is back; orchestra nodes forget n2 drops it\.$/m,
  );
  assert.match(deleted.stdout, /^Note: web: 1 pod on n3/m);
  for (const name of ["n2", "n3"]) assert.equal((await run("nodes", "forget", name, "--yes")).code, 0);
  await eventually("nothing of web is left", async () => {
    const left = await store.list(["deployments", "pods", "revisions"]);
    return left.list("deployments").length + left.list("pods").length + left.list("revisions").length === 0;
  });
});

test("where nothing runs the word is noted, and a worker that is back before it is carried out withdraws it", async (t) => {
  const { run, store, presences, lead } = await openNodes(t);
  for (const presence of presences.values()) await presence.leave();
  const noted = await run("nodes", "forget", "n3", "--yes");
  assert.deepEqual([noted.code, /^Marked\. No worker runs on this store .* no master/m.test(noted.stdout)], [0, true]);
  assert.ok((await store.read(nodeControlKey("n3")))?.value.forget);
  assert.match((await run("uncordon", "n3")).stdout, /was not cordoned/);
  await store.join(presenceKey("n3"), { key: node().key, pid: process.pid, since: builtAt });
  lead();
  await eventually("withdrawn", async () => (await store.read(nodeControlKey("n3"))) === undefined);
  assert.ok(await store.read(nodeKey("n3")));
});

test("a master that leads while no worker is there forgets a node as well, with what is damaged of it", async (t) => {
  const { run, store, presences, lead, verdicts } = await openNodes(t);
  for (const presence of presences.values()) await presence.leave();
  // Somebody has broken what else there is of it.
  const network = { name: "orchestra-0a1b2c3d", range: "10.42.3.0/24", gateway: "10.42.3.1" };
  const own = (await store.read(nodeKey("n3"))) ?? assert.fail("no n3");
  const broken = [failuresKey("n3"), rangeKey(network.range)].map((key) => put<unknown>(key, "?", "absent"));
  await store.commit({ changes: [...broken, put(own.key, { ...own.value, network }, own.version)] });
  lead();
  await eventually("the master leads", verdicts);
  const forgotten = await run("nodes", "forget", "n3", "--yes");
  assert.match(forgotten.stdout, /node\/n3 is forgotten\.$/m);
  assert.equal(await store.read(nodeKey("n3")), undefined);
  assert.equal((await store.list(["failures", "ranges"])).damaged.size, 0);
});

test("drain moves the pods of a node away and waits for it; uncordon takes it back", async (t) => {
  const { run, store, lead } = await openNodes(t);
  lead();
  const draining = run("drain", "n3", "--timeout", "60s");
  let ended = false;
  void draining.then(() => {
    ended = true;
  });
  await eventually("the end of drain", () => workAll(store).then(() => ended), 60_000);
  const { code, stdout, stderr } = await draining;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^node\/n3 has no pods any more\.$/m);
  assert.deepEqual((await store.read(placementsKey("n3")))?.value.placements, []);
  assert.match((await run("get", "nodes")).stdout, /^n3 +present, drained +0 /m);
  assert.equal((await run("drain", "n3")).code, 0, "a second time is fine");
  await run("uncordon", "n3");
  assert.equal(await store.read(nodeControlKey("n3")), undefined);

  for (const name of ["n1", "n2"]) assert.equal((await run("cordon", name)).code, 0);
  const stuck = await run("drain", "n2", "--timeout", "100ms");
  assert.deepEqual([stuck.code, /^Error: not all pods have left n2 after 100ms/m.test(stuck.stderr)], [5, true]);
});

test("drain says at once which pods a failed rollout keeps, and what moves them", async (t) => {
  const { run, store, lead, verdicts } = await openNodes(t);
  const found = (await store.read(podsKey("web"))) ?? assert.fail("web has no pods");
  const rollout = {
    revision: "0123456789ab",
    state: "failed",
    since: builtAt,
    reason: "no progress for 120 s",
  } as const;
  const records = found.value.pods.map((record) => ({ ...record, wasReady: true as const }));
  const deployment = (await store.read(deploymentKey("web"))) ?? assert.fail("no web");
  const document = { ...found.value, pods: records, rollout: { ...rollout, revision: deployment.value.revision } };
  // What has kept it from its end.
  const unready = { at: builtAt, statuses: [status({ id: podId("web", 0), slot: 0 }, { phase: "running" })] };
  const version = (await store.read(statusesKey("n1")))?.version ?? "absent";
  await store.commit({
    changes: [put(podsKey("web"), document, found.version), put(statusesKey("n1"), unready, version)],
  });
  lead();
  await eventually("the master leads", verdicts);
  const outcome = await run("drain", "n3", "--timeout", "10m");
  assert.equal(outcome.code, 4, outcome.stderr);
  assert.match(outcome.stderr, /^Error: these pods do not leave n3: web-2\. It stays drained\.$/m);
  assert.match(outcome.stderr, /web-2: the rollout of web has failed and stays as it is \(no progress for 120 s\)/);
  assert.match(outcome.stderr, /^Hint: apply a manifest of web that gets ready: its pods move with it$/m);
  const later = await run("drain", "n3", "--no-wait");
  assert.equal(later.code, 0);
  assert.match(later.stderr, /web-2: the rollout of web has failed/);
  assert.match((await run("why", "web-2")).stdout, /^Node: n3 is drained, but the rollout of web has failed/m);
});

/** What good workers would say of all their pods now. */
async function workAll(store: Store): Promise<void> {
  for (const name of names) {
    const placements = (await store.read(placementsKey(name)))?.value.placements ?? [];
    const statuses = placements.map(({ pod, slot, stop }) =>
      status({ id: pod, slot }, { phase: stop ? "stopped" : "ready" }),
    );
    const found = await store.read(statusesKey(name));
    if (JSON.stringify(found?.value.statuses) === JSON.stringify(statuses)) continue;
    await store.commit({ changes: [put(statusesKey(name), { at: builtAt, statuses }, found?.version ?? "absent")] });
  }
}
