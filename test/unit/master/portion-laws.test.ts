// However large a Deployment is: each of its commits fits into a transaction, and part by part it comes to the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limitsOf } from "../../../src/controller/rollout.ts";
import { commitOf } from "../../../src/master/commit.ts";
import { decide } from "../../../src/master/decide.ts";
import type { Problem } from "../../../src/master/decision.ts";
import { clusterState } from "../../../src/model/cluster-state.ts";
import type { DeploymentDocument } from "../../../src/model/deployment.ts";
import { nameOf, statusesKey, verdictsKey } from "../../../src/model/keys.ts";
import type { PlacementsDocument, PodStatus } from "../../../src/model/pod.ts";
import { encodeCommit } from "../../../src/store/encode.ts";
import { makeSnapshot, selectionOf } from "../../../src/store/snapshot.ts";
import { documentBytesLimit, type Snapshot } from "../../../src/store/store.ts";
import { bytesOf, itemsOf, transactionBytesLimit } from "../../../src/store/zookeeper-operations.ts";
import { act, builtAt, deployment, documentsOf, revisionOf, template } from "../../support/builders.ts";
import { rounds, seed } from "../../support/rounds.ts";

const collections = ["deployments", "revisions", "pods", "placements", "statuses", "nodes", "controls", "verdicts"];
const acl = [{ permissions: 31, scheme: "digest", id: `${"u".repeat(40)}:${"x".repeat(28)}` }];

/** Room for all that a document can hold. */
const roomy = {
  capacity: { cpuMilli: 1e9, memoryBytes: 1e15, pids: 0 },
  network: { name: "orchestra-0a1b2c3d", range: "10.0.0.0/8", gateway: "10.0.0.1" },
};

/** A store and its workers, which do at once what they are told. */
function openCluster(nodes: number) {
  const fixture = {
    nodes: Object.fromEntries(Array.from({ length: nodes }, (_, index) => [`node-${index}`, roomy])),
  };
  const documents = new Map<string, { value: unknown; version: number }>();
  const write = (key: string, value: unknown) =>
    documents.set(key, { value, version: (documents.get(key)?.version ?? 0) + 1 });
  for (const [key, value] of documentsOf(fixture)) write(key, value);
  const names: string[] = [];
  let told: readonly Problem[] = [];

  const snapshot = (): Snapshot => {
    const sorted = [...documents].map(([key, one]) => ({ key, ...one })).sort((a, b) => (a.key < b.key ? -1 : 1));
    return makeSnapshot(selectionOf(collections as never), sorted as never, 1, true);
  };
  const state = () => {
    const now = snapshot();
    return clusterState({
      list: (collection) => now.list(collection),
      verdicts: () => now.get(verdictsKey)?.value,
    });
  };
  /** One pass and what the workers make of it; false: there was nothing to do. */
  const pass = (): boolean => {
    const now = snapshot();
    const moment = { now: 0, firstSeen: new Map(), wall: builtAt };
    const { changes, checks, problems } = commitOf(decide(state(), moment), undefined, now, documentBytesLimit, []);
    told = problems;
    const encoded = encodeCommit({ changes, checks }, documentBytesLimit);
    const bytes = bytesOf(itemsOf(encoded, checks), "/a/chroot/of/usual/length", acl);
    assert.ok(bytes <= transactionBytesLimit, `${bytes} bytes`);
    for (const change of changes) {
      if (change.do === "remove") documents.delete(change.key);
      else write(change.key, change.value);
      if (change.do === "put" && change.key.startsWith("placements/"))
        work(change.key, change.value as PlacementsDocument);
    }
    return changes.length > 0;
  };
  const work = (key: string, { placements }: PlacementsDocument) => {
    const statuses = placements.map(
      ({ pod, stop }): PodStatus => ({ pod, phase: stop ? "stopped" : "ready", restarts: 0 }) as PodStatus,
    );
    write(statusesKey(nameOf(key)), { at: builtAt, statuses });
  };
  const checkLaws = () => {
    const after = state();
    for (const name of names) {
      const document = after.deployments.get(name);
      const pods = after.pods.get(name);
      if (!document || document.deleted || pods?.uid !== document.uid) continue;
      const { surge } = limitsOf(document);
      const live = pods.pods.filter(({ stop }) => !stop);
      const below = live.filter(({ slot }) => slot < limitsOf(document).replicas);
      assert.ok(below.length <= limitsOf(document).replicas + surge, `${name}: ${live.length}`);
      assert.equal(new Set(pods.pods.map(({ id }) => id)).size, pods.pods.length, "no id twice");
    }
  };
  return {
    state,
    apply(
      name: string,
      fields: Partial<Omit<DeploymentDocument, "replicas">> & { readonly replicas: number },
      image = "demo:1",
    ) {
      const made = template({ image });
      const revision = revisionOf(made);
      const before = documents.get(`deployments/${name}`)?.value as DeploymentDocument | undefined;
      const generation = (before?.generation ?? 0) + 1;
      write(`deployments/${name}`, deployment({ ...fields, revision, generation }));
      write(`revisions/${name}/${revision}`, made);
      if (!names.includes(name)) names.push(name);
    },
    /** Passes until there is nothing to do; gives what was in the way then. */
    settle(): readonly Problem[] {
      for (let passes = 0; pass(); passes += 1) {
        checkLaws();
        assert.ok(passes < 1_000, "it comes to an end");
      }
      return told;
    },
  };
}

const size = fc.record({
  nodes: fc.integer({ min: 3, max: 60 }),
  replicas: fc.constantFrom(1_200, 2_500, 4_000),
  later: fc.constantFrom(0, 10, 1_100),
  name: fc.constantFrom("web", "w".repeat(53)),
  maxSurge: fc.constantFrom("50%", "100%"),
});

test("a Deployment of any size is made, rolled, scaled and deleted in commits that fit", () => {
  fc.assert(
    fc.property(size, ({ nodes, replicas, later, name, maxSurge }) => {
      const cluster = openCluster(nodes);
      const strategy = { maxSurge, maxUnavailable: "100%" } as const;
      cluster.apply(name, { replicas, strategy });
      cluster.apply("zz-small", { uid: "00000000000000b2", replicas: 2 });
      cluster.settle();
      assert.equal(cluster.state().pods.get(name)?.pods.length, replicas);
      assert.equal(cluster.state().pods.get(name)?.rollout?.state, "complete");
      cluster.apply(name, { replicas, strategy }, "demo:2");
      cluster.settle();
      assert.ok(
        cluster
          .state()
          .pods.get(name)
          ?.pods.every(({ revision, stop }) => !stop && revision === revisionOf({ image: "demo:2" })),
      );
      cluster.apply(name, { replicas: later, strategy }, "demo:2");
      cluster.settle();
      assert.equal(cluster.state().pods.get(name)?.pods.length, later);
      assert.equal(cluster.state().pods.get(name)?.generation, 3);
      cluster.apply(name, { replicas: later, strategy, deleted: act }, "demo:2");
      cluster.settle();
      assert.deepEqual([...cluster.state().deployments.keys()], ["zz-small"]);
      assert.equal(cluster.state().pods.get("zz-small")?.pods.length, 2);
    }),
    { numRuns: Math.max(1, Math.ceil(rounds / 5)), seed },
  );
});

test("five thousand replicas come and go on a hundred nodes with other pods", () => {
  const cluster = openCluster(100);
  for (let index = 0; index < 10; index += 1) {
    const name = `other-${String(index).padStart(2, "0")}`;
    cluster.apply(name, { uid: `00000000000000${index + 10}`, replicas: 400 });
  }
  cluster.apply("zz-large", { uid: "00000000000000b2", replicas: 5_000 });
  cluster.settle();
  assert.equal(cluster.state().pods.get("zz-large")?.pods.length, 5_000);
  cluster.apply("zz-large", { uid: "00000000000000b2", replicas: 5_000, deleted: act });
  cluster.settle();
  assert.equal(cluster.state().deployments.size, 10);
});

test("what fits into no commit keeps none but its own Deployment waiting, and says why", () => {
  const cluster = openCluster(1);
  cluster.apply("a-large", { replicas: 9_000 });
  cluster.apply("small", { uid: "00000000000000b2", replicas: 2 });
  const problems = cluster.settle();
  assert.equal(cluster.state().pods.get("small")?.pods.length, 2);
  const made = cluster.state().pods.get("a-large")?.pods.length ?? 0;
  assert.ok(made > 1_000 && made < 9_000, `${made} pods`);
  assert.deepEqual(
    problems.map(({ deployment: of }) => of),
    ["a-large"],
  );
  assert.match(
    problems[0]?.message ?? "",
    /^placements\/node-0 would have \d+ bytes.*use fewer replicas or more nodes$/,
  );
  cluster.apply("a-large", { replicas: 9_000, deleted: act });
  cluster.settle();
  assert.deepEqual([...cluster.state().deployments.keys()], ["small"]);
});
