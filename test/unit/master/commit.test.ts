// A decision as a commit: which documents, on which versions, and how much at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commitOf } from "../../../src/master/commit.ts";
import { decide, previewAt } from "../../../src/master/decide.ts";
import type { PlacementsDocument, PodsDocument } from "../../../src/model/pod.ts";
import { makeSnapshot, selectionOf } from "../../../src/store/snapshot.ts";
import type { Snapshot } from "../../../src/store/store.ts";
import { act, builtAt, type ClusterFixture, documentsOf, revisionOf, stateOf } from "../../support/builders.ts";

const collections = [
  "deployments",
  "revisions",
  "pods",
  "placements",
  "statuses",
  "nodes",
  "controls",
  "presence",
  "verdicts",
];

function commitOn(fixture: ClusterFixture, bytesLimit = 1_000_000) {
  const documents = documentsOf(fixture);
  const sorted = [...documents]
    .map(([key, value], index) => ({ key, value, version: index + 1 }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const snapshot: Snapshot = makeSnapshot(selectionOf(collections as never), sorted as never, 1, true);
  const commit = commitOf(decide(stateOf(documents), previewAt(builtAt)), undefined, snapshot, bytesLimit, []);
  const versions = new Map(sorted.map(({ key, version }) => [key as string, version]));
  return { ...commit, versions, keys: commit.changes.map(({ do: what, key }) => `${what} ${key}`) };
}

test("pods and placements are written on the versions they were decided on, and what they rest on is checked", () => {
  const { changes, checks, keys, versions, complete } = commitOn({ deployments: { web: { pods: [] } } });
  assert.deepEqual([keys, complete], [["put pods/web", "put placements/node-1"], true]);
  assert.deepEqual(
    changes.map((change) => change.version),
    [versions.get("pods/web"), "absent"],
  );
  const revision = `revisions/web/${revisionOf()}`;
  assert.deepEqual(checks, [
    { key: "deployments/web", version: versions.get("deployments/web") },
    { key: revision, version: versions.get(revision) },
  ]);
});

test("pods of many slots are cut into chunks, and only chunks that differ are written", () => {
  const nodes = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`n${index}`, {}]));
  const created = commitOn({ deployments: { web: { document: { replicas: 2_500 }, pods: [] } }, nodes });
  assert.deepEqual(created.keys.slice(0, 3), ["put pods/web", "put pods/web/1", "put pods/web/2"]);
  const there = Array.from({ length: 2_100 }, (_, slot) => ({ slot, node: "n0", wasReady: true as const }));
  const scaled = commitOn({ deployments: { web: { document: { replicas: 2_050 }, pods: there } }, nodes: { n0: {} } });
  assert.deepEqual(scaled.keys, ["put pods/web", "put pods/web/2", "put placements/n0"]);
});

test("a chunk without pods goes", () => {
  const pods = [{ slot: 0 }, { slot: 1_000, stop: "scale-down" as const, status: { phase: "stopped" as const } }];
  const { keys } = commitOn({ deployments: { web: { document: { replicas: 1 }, pods } } });
  assert.deepEqual(keys, ["put pods/web", "remove pods/web/1", "put placements/node-1"]);
});

test("the last commit of a deleted Deployment removes all its documents, on their versions", () => {
  const pods = [{ stop: "delete" as const, status: { phase: "stopped" as const } }];
  const { keys, changes, versions } = commitOn({ deployments: { web: { document: { deleted: act }, pods } } });
  assert.deepEqual(keys, [
    "remove pods/web",
    "remove deployments/web",
    "put placements/node-1",
    `remove revisions/web/${revisionOf()}`,
  ]);
  for (const { key, version } of changes) assert.equal(version, versions.get(key));
});

test("too much for one commit is cut between Deployments, and within one only where it fits into none alone", () => {
  const names = ["a", "b", "c"];
  const deployments = Object.fromEntries(
    names.map((name) => [name, { document: { uid: name, replicas: 10, generation: 2 }, pods: [] }]),
  );
  const { keys, complete } = commitOn({ deployments }, 5_000);
  assert.deepEqual([keys, complete], [["put pods/a", "put placements/node-1"], false]);
  const tight = commitOn({ deployments }, 1_500);
  assert.deepEqual([tight.keys, tight.complete], [["put pods/a", "put placements/node-1"], false]);
  const [pods, placed] = tight.changes.map((change) => (change.do === "put" ? change.value : undefined));
  const { pods: records, generation } = pods as PodsDocument;
  assert.ok(records.length > 0 && records.length < 10, `${records.length} pods`);
  assert.equal(generation, 1, "only the last part carries the generation out");
  assert.deepEqual(
    (placed as PlacementsDocument).placements.map(({ pod }) => pod).sort(),
    records.map(({ id }) => id).sort(),
  );
});

test("what fits into no commit is a problem of its Deployment, and no other one waits for it", () => {
  const on = (disk: string) => ({ nodeSelector: { disk } });
  const there = Array.from({ length: 30 }, (_, slot) => ({ slot, node: "full", wasReady: true as const }));
  const rollout = { revision: revisionOf(), state: "complete" as const, since: builtAt };
  const deployments = {
    a: { document: { uid: "a", placement: on("full") }, pods: [] },
    b: { document: { uid: "b", placement: on("empty") }, pods: [] },
    z: { document: { uid: "z", replicas: 30, placement: on("full") }, pods: there, rollout },
  };
  const nodes = { full: { labels: { disk: "full" } }, empty: { labels: { disk: "empty" } } };
  const { keys, problems, ...commit } = commitOn({ deployments, nodes }, 4_000);
  assert.deepEqual([keys, commit.complete], [["put pods/b", "put placements/empty"], true]);
  assert.deepEqual(
    problems.map(({ deployment }) => deployment),
    ["a"],
  );
});

test("the ends of many Deployments are cut too: every key that goes has its length", () => {
  const ended = { stop: "delete" as const, status: { phase: "stopped" as const } };
  const names = Array.from({ length: 40 }, (_, index) => `d${String(index).padStart(2, "0")}`);
  const deployments = Object.fromEntries(
    names.map((name) => [name, { document: { uid: name, deleted: act }, pods: [ended] }]),
  );
  const { keys, complete } = commitOn({ deployments }, 50_000);
  const removed = keys.filter((key) => key.startsWith("remove deployments/")).length;
  assert.equal(complete, false);
  assert.ok(removed > 0 && removed < 40, `${removed}`);
});
