// A plan on a snapshot is the plan on the store at that time; and no value that may be a secret is in the file.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Author } from "../../../src/apply/document.ts";
import { type KnownState, planApply } from "../../../src/apply/plan.ts";
import { bondOf, tokenOf } from "../../../src/apply/token.ts";
import { type Look, lookInto, lookSelectors } from "../../../src/cli/change/change-look.ts";
import { planDocument } from "../../../src/cli/change/plan-document.ts";
import { lookAtSnapshot, snapshotBody, snapshotText } from "../../../src/cli/change/snapshot-file.ts";
import type { LoadedManifest } from "../../../src/manifest/manifest.ts";
import type { ClusterDocument } from "../../../src/model/cluster.ts";
import { clusterKey } from "../../../src/model/keys.ts";
import {
  type Document,
  damagedDocument,
  makeSnapshot,
  parseDocument,
  selectionOf,
  sortDocuments,
} from "../../../src/store/snapshot.ts";
import type { Snapshot } from "../../../src/store/store.ts";
import { author, committed, wanted } from "../../support/plans.ts";
import { rounds, seed } from "../../support/rounds.ts";
import { type Action, nodeNames, openWorld } from "../../support/simulator.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const name = fc.constantFrom("web", "api", "db");
const values = fc.dictionary(fc.constantFrom("A", "B"), fc.constantFrom("geheim-1", "geheim-2"), {
  minKeys: 1,
  maxKeys: 2,
});
const manifest = fc
  .record(
    {
      name,
      image: fc.constantFrom("demo:1", "demo:2"),
      env: values,
      headers: values,
      replicas: fc.nat(4),
      memory: fc.constantFrom("64Mi", "900Gi"),
    },
    { requiredKeys: ["name", "image"] },
  )
  .map(({ name, image, env, headers, replicas, memory }) =>
    wanted(name, {
      ...(replicas === undefined ? {} : { replicas }),
      template: {
        image,
        ...(env ? { env } : {}),
        ...(headers ? { readiness: { http: { port: 80, headers } }, liveness: { http: { port: 80, headers } } } : {}),
        ...(memory === undefined ? {} : { resources: { memory } }),
      },
    }),
  );
const manifests: fc.Arbitrary<LoadedManifest[]> = fc.uniqueArray(manifest, { selector: ({ spec }) => spec.name });
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constant({ do: "pass" } as const),
  fc.constant({ do: "workers" } as const),
  fc.record({
    do: fc.constant("apply" as const),
    name,
    version: fc.nat(1),
    replicas: fc.nat(4),
    shape: fc.constant({ strategy: {}, placement: {}, hostPort: false, memory: "64Mi" }),
  }),
  fc.record({
    do: fc.constantFrom("cordon" as const, "absent" as const),
    node: fc.constantFrom(...nodeNames),
    on: fc.boolean(),
  }),
);
const options = fc.record({ running: fc.boolean(), prune: fc.boolean(), cluster: fc.boolean(), damaged: fc.boolean() });

/** What a store would give of a world in which `before` was applied besides. */
function storeOf(
  storm: readonly Action[],
  before: readonly LoadedManifest[],
  is: { running: boolean; cluster: boolean; damaged: boolean },
): Snapshot {
  const world = openWorld();
  for (const one of storm) world.act(one);
  const state = world.state();
  const versioned = <T>(found: ReadonlyMap<string, T>) =>
    new Map([...found].map(([key, value]) => [key, { value, version: 3 }]));
  const known: KnownState = { deployments: versioned(state.deployments), revisions: versioned(state.templates) };
  const applied = committed(known, planApply(known, before, { ...author(), adopt: true }));
  const cluster: ClusterDocument = {
    id: "c1c2c3c4",
    layout: 1,
    incarnation: 1,
    networkRange: "10.42.0.0/16",
    createdAt: "",
  };
  const documents: [string, number, unknown][] = [
    ...(is.cluster ? [[clusterKey, 1, cluster] as [string, number, unknown]] : []),
    ["verdicts", 1, { nodes: Object.fromEntries(state.verdicts) }],
    ...[...applied.deployments].map(
      ([key, { value, version }]) => [`deployments/${key}`, version, value] as [string, number, unknown],
    ),
    ...[...applied.revisions].map(
      ([key, { value, version }]) => [`revisions/${key}`, version, value] as [string, number, unknown],
    ),
    ...(["pods", "placements", "statuses", "nodes"] as const).flatMap((collection) =>
      [...state[collection]].map(([key, value]) => [`${collection}/${key}`, 5, value] as [string, number, unknown]),
    ),
    ...[...state.controls].map(([key, value]) => [`controls/nodes/${key}`, 1, value] as [string, number, unknown]),
    ...(is.running
      ? [["presence/n1", 1, { key: "node-key", place: "here", pid: 7, since: "" }] as [string, number, unknown]]
      : []),
  ];
  const all: Document[] = documents.map(([key, version, value]) => parseDocument(key, version, JSON.stringify(value)));
  const broken = is.damaged ? [damagedDocument("pods/other", 4, "no JSON: geheim-3")] : [];
  return makeSnapshot(selectionOf(lookSelectors), sortDocuments([...all, ...broken]), 42, true);
}

/** All that diff says of a look, and what a plan of it is bound to. */
function said({ plan, forecasts, running, cluster }: Look): unknown {
  const token = tokenOf(bondOf(plan, { cluster: cluster?.id, source: "cli" }));
  const bases = plan.items.map(({ before, after, revision }) => ({ before, after, version: revision?.version }));
  return JSON.parse(JSON.stringify({ document: planDocument(plan, forecasts, false), token, bases, running, cluster }));
}

test("whatever runs and is wanted: the plan on a snapshot is that on the store, and nothing secret is in the file", async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, "state.json");
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 12 }),
      manifests,
      manifests,
      options,
      async (storm, before, next, is) => {
        const snapshot = storeOf(storm, before, is);
        const planBy = (by: Author) => (wants: readonly LoadedManifest[]) => (state: KnownState) =>
          planApply(state, wants, { ...by, adopt: true }, { prune: is.prune });
        const direct = said(lookInto(snapshot, planBy(author())(next)));
        for (const salt of ["00112233445566778899aabbccddeeff", undefined]) {
          const text = snapshotText(snapshotBody(snapshot, { takenAt: "noon", store: "file:/x" }, salt));
          if (salt !== undefined) assert.doesNotMatch(text, /geheim-[12]/);
          assert.doesNotMatch(text, /node-key|"place"/);
          await writeFile(path, text);
          const look = { path, manifests: next, planOf: planBy(author()), showValues: salt === undefined };
          assert.deepEqual(said((await lookAtSnapshot(look)).look), direct);
        }
      },
    ),
    { numRuns: rounds * 4, seed },
  );
});

test("the same value in two places is not seen to be the same, and every snapshot hides it in another way", () => {
  const template = {
    image: "demo",
    env: { A: "geheim", B: "geheim" },
    readiness: { http: { port: 80, headers: { A: "geheim" } } },
  };
  const before = ["web", "api"].map((name) =>
    wanted(name, { template: { ...template, liveness: template.readiness } }),
  );
  const snapshot = storeOf([], before, { running: false, cluster: true, damaged: false });
  const hashes = (salt: string) =>
    snapshotText(snapshotBody(snapshot, { takenAt: "noon", store: "file:/x" }, salt)).match(/hidden:[\w-]{21}/g) ?? [];
  const all = [...hashes("00"), ...hashes("01")];
  assert.equal(all.length, 16);
  assert.equal(new Set(all).size, all.length);
});
