// What an import would do, and what forbids it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterDocument, storeLayout } from "../../../src/model/cluster.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { clusterKey, deploymentKey, type Key, presenceKey } from "../../../src/model/keys.ts";
import type { ExportFile } from "../../../src/store/export-file.ts";
import { emptyTarget, type ImportOptions, type ImportTarget, planImport } from "../../../src/store/import-plan.ts";
import { builtAt, deployment } from "../../support/builders.ts";

const cluster = (change: Partial<ClusterDocument> = {}): ClusterDocument => ({
  id: "0a1b2c3d",
  layout: storeLayout,
  incarnation: 3,
  networkRange: "10.42.0.0/16",
  createdAt: builtAt,
  ...change,
});
const documentsOf = (...names: readonly string[]) =>
  names.map((name) => ({ key: deploymentKey(name) as Key<unknown>, value: deployment() as unknown, version: 5 }));

const file: ExportFile = {
  header: {
    orchestra: "store export",
    layout: storeLayout,
    exportedAt: builtAt,
    store: "file:/a",
    position: 100,
    present: [],
  },
  cluster: cluster(),
  documents: documentsOf("a", "b"),
  sha256: "5a5a",
};
const target = (change: Partial<ImportTarget>, own: Partial<ClusterDocument> = {}): ImportTarget => ({
  ...emptyTarget("file:/b"),
  cluster: { key: clusterKey, value: cluster(own), version: 9 },
  position: 100,
  ...change,
});
const plain: ImportOptions = { known: [], replace: false, acceptRollback: false };
const earlier = { incarnation: 2, continues: { incarnation: 1, position: 7 } };

test("into an empty store everything is created, and the cluster goes on as its next incarnation", () => {
  const plan = planImport(file, emptyTarget("file:/b"), plain);
  assert.deepEqual([plan.created, plan.changed, plan.removed, plan.done], [2, 0, 0, false]);
  assert.equal(plan.clusterVersion, "absent");
  const continues = { incarnation: 3, position: 100 };
  assert.deepEqual(plan.cluster, cluster({ incarnation: 4, continues, imported: "5a5a" }));
});

test("the incarnation is above all that the file, the store and this machine have seen", () => {
  const all = { known: [{ incarnation: 8, position: 1 }], replace: true, acceptRollback: true };
  assert.equal(planImport(file, target({}), all).cluster.incarnation, 9);
  assert.equal(planImport(file, target({}, { incarnation: 11 }), all).cluster.incarnation, 12);
});

test("who accepts a rollback is followed by machines that have seen more, too", () => {
  const plan = planImport({ ...file, cluster: cluster(earlier) }, emptyTarget("file:/b"), {
    ...plain,
    acceptRollback: true,
  });
  assert.equal(plan.cluster.continues, undefined);
});

test("what is there is replaced: the same stays, another value changes, the rest is removed", () => {
  const there = [
    ...documentsOf("a", "c"),
    { ...documentsOf("b")[0], value: deployment({ generation: 7 }), version: 6 },
  ];
  const plan = planImport(file, target({ documents: there as ImportTarget["documents"] }), { ...plain, replace: true });
  assert.deepEqual([plan.created, plan.changed, plan.removed], [0, 1, 1]);
  assert.deepEqual(
    plan.changes.map(({ do: what, key, version }) => [what, key, version]),
    [
      ["put", "deployments/b", 6],
      ["remove", "deployments/c", 5],
    ],
  );
});

const refusals: readonly {
  readonly name: string;
  readonly target: ImportTarget;
  readonly options?: Partial<ImportOptions>;
  readonly says: RegExp;
  readonly hint?: RegExp;
}[] = [
  {
    name: "another cluster, even with every flag",
    target: target({}, { id: "99999999" }),
    options: { replace: true, acceptRollback: true },
    says: /holds the cluster 99999999, and the file 0a1b2c3d/,
  },
  {
    name: "somebody is there, even with every flag",
    target: target({ present: [presenceKey("n1"), presenceKey("n2")] }),
    options: { replace: true, acceptRollback: true },
    says: /orchestra runs on file:\/b: n1, n2/,
    hint: /orchestra down/,
  },
  { name: "the same cluster", target: target({}), says: /holds this cluster already/, hint: /--replace/ },
  {
    name: "half an import of another file",
    target: target({}, { importing: "7b7b" }),
    says: /half an import of another file/,
    hint: /--replace/,
  },
  {
    name: "half an import of another cluster",
    target: target({}, { id: "99999999", importing: "7b7b" }),
    says: /file:\/b holds half an import of the cluster 99999999, and the file the cluster 0a1b2c3d/,
    hint: /repeat the import that was begun.*--replace/,
  },
  {
    name: "documents without a cluster",
    target: { ...emptyTarget("file:/b"), documents: documentsOf("a") },
    options: { replace: true },
    says: /1 documents that belong to no cluster/,
  },
  {
    name: "this machine has seen more of the same incarnation",
    target: emptyTarget("file:/b"),
    options: { known: [{ incarnation: 3, position: 101 }] },
    says: /^this machine has seen a later state/,
    hint: /--accept-rollback/,
  },
  {
    name: "this machine has seen placements that the file lacks, which comes from an older copy",
    target: emptyTarget("file:/b"),
    options: { known: [{ incarnation: 3, position: 90, written: 1 }] },
    says: /^this machine has seen a later state/,
  },
  {
    name: "this machine has seen a later incarnation",
    target: emptyTarget("file:/b"),
    options: { known: [{ incarnation: 4, position: 1 }] },
    says: /^this machine has seen a later state/,
  },
  {
    name: "the store has gone on since",
    target: target({ position: 101 }),
    options: { replace: true },
    says: /^file:\/b holds a later state/,
    hint: /--accept-rollback/,
  },
];
for (const { name, target: to, options, says, hint = /./ } of refusals) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => planImport(file, to, { ...plain, ...options }),
      (error) => isOrchestraError(error, "conflict") && says.test(error.message) && hint.test(error.hint ?? ""),
    );
  });
}

const allowed: readonly {
  readonly name: string;
  readonly target: ImportTarget;
  readonly options?: Partial<ImportOptions>;
}[] = [
  {
    name: "revisions that a failed commit has left",
    target: { ...emptyTarget("b"), documents: [{ key: "revisions/a/0123" as Key<unknown>, value: {}, version: 1 }] },
  },
  {
    name: "a machine that has seen just what was exported",
    target: emptyTarget("b"),
    options: { known: [{ incarnation: 3, position: 100 }] },
  },
  {
    name: "a machine that has seen an earlier incarnation only",
    target: emptyTarget("b"),
    options: { known: [{ incarnation: 2, position: 999 }] },
  },
  {
    name: "back into the store that the cluster once moved from",
    target: target({ position: 999 }, { incarnation: 2 }),
    options: { replace: true },
  },
  {
    name: "half an import of this very file",
    target: target({ position: 999, documents: documentsOf("a") }, { incarnation: 4, importing: "5a5a" }),
  },
  {
    name: "over half an import of another file",
    target: target({ position: 999 }, { incarnation: 4, importing: "7b7b" }),
    options: { replace: true },
  },
  {
    name: "over half an import of another cluster",
    target: target({ position: 999 }, { id: "99999999", incarnation: 4, importing: "7b7b" }),
    options: { replace: true },
  },
];
for (const { name, target: to, options } of allowed) {
  test(`allowed: ${name}`, () => assert.equal(planImport(file, to, { ...plain, ...options }).done, false));
}

test("an import that was done is not done again, and needs no flag", () => {
  const there = target({ documents: documentsOf("a", "b"), position: 999 }, { incarnation: 4, imported: "5a5a" });
  assert.equal(planImport(file, there, { ...plain, known: [{ incarnation: 4, position: 1 }] }).done, true);
  const changed = target({ documents: documentsOf("a") }, { incarnation: 4, imported: "5a5a" });
  assert.throws(() => planImport(file, changed, plain), /holds this cluster already/);
});
