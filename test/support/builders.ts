// Documents with defaults, so that a test says only what it is about. Every builder takes the fields that differ.
import { createHash } from "node:crypto";
import { storeLayout } from "../../src/model/cluster.ts";
import { type ClusterState, clusterState, splitChunks } from "../../src/model/cluster-state.ts";
import { type Act, type DeploymentDocument, wantedReplicas } from "../../src/model/deployment.ts";
import {
  type Collection,
  type Collections,
  clusterKey,
  collectionOf,
  deploymentKey,
  type Key,
  nodeKey,
  placementsKey,
  presenceKey,
  revisionKey,
  statusesKey,
  verdictsKey,
} from "../../src/model/keys.ts";
import type { NodeDocument, VerdictsDocument } from "../../src/model/node.ts";
import type { Placement, PodRecord, PodStatus, PodsDocument, StopReason } from "../../src/model/pod.ts";
import type { PodTemplate } from "../../src/model/template.ts";
import { put, type Store } from "../../src/store/store.ts";

/** The wall clock of every document that a builder makes. */
export const builtAt = "2026-01-02T03:04:05.000Z";
export const act: Act = Object.freeze({ by: "ann", at: builtAt });

export function template(fields: Partial<PodTemplate> = {}): PodTemplate {
  return { image: "demo:1", ...fields };
}

/** The revision that the builders give to a template: as long as a real one, and the same for the same text. */
export function revisionOf(fields: Partial<PodTemplate> = {}): string {
  return hash(JSON.stringify(template(fields)));
}

/** A Deployment's document; `replicas` may be written as the manifest's count. */
export function deployment(
  fields: Partial<Omit<DeploymentDocument, "replicas">> & {
    readonly replicas?: number | DeploymentDocument["replicas"];
  } = {},
): DeploymentDocument {
  const { replicas = 1, ...others } = fields;
  return {
    uid: "00000000000000a1",
    revision: revisionOf(),
    history: [],
    replicas: typeof replicas === "number" ? { file: replicas } : replicas,
    source: "cli",
    manifestHash: "0123456789ab",
    generation: 1,
    created: act,
    updated: act,
    ...others,
  };
}

export function podId(deploymentName: string, serial: number): string {
  return hash(`${deploymentName}/${serial}`);
}

/** A pod of a Deployment; its serial is its slot unless the fields say otherwise. */
export function pod(deploymentName: string, fields: Partial<PodRecord> = {}): PodRecord {
  const slot = fields.slot ?? 0;
  const serial = fields.serial ?? slot;
  return { id: podId(deploymentName, serial), serial, slot, revision: revisionOf(), ...fields };
}

export function podsDocument(records: readonly PodRecord[], fields: Partial<PodsDocument> = {}): PodsDocument {
  const nextSerial = Math.max(-1, ...records.map(({ serial }) => serial)) + 1;
  return { uid: deployment().uid, generation: 1, nextSerial, pods: records, ...fields };
}

/** What places this pod. */
export function placement(deploymentName: string, record: PodRecord): Placement {
  const { id, slot, revision, stop } = record;
  return { pod: id, deployment: deploymentName, slot, revision, ...(stop ? { stop } : {}) };
}

/** What the worker saw of this pod: ready, unless the fields say otherwise. */
export function status(record: Pick<PodRecord, "id" | "slot">, fields: Partial<PodStatus> = {}): PodStatus {
  return {
    pod: record.id,
    phase: "ready",
    container: hash(record.id),
    ip: `10.42.0.${10 + record.slot}`,
    restarts: 0,
    startedAt: builtAt,
    ...fields,
  };
}

export function node(fields: Partial<NodeDocument> = {}): NodeDocument {
  return {
    address: "127.0.0.1",
    capacity: { cpuMilli: 4_000, memoryBytes: 8 * 1024 ** 3, pids: 0 },
    platform: { os: "linux", arch: "amd64" },
    labels: {},
    versions: { orchestra: "0.1.0", docker: "20.10.24", dockerApi: "1.41", kernel: "6.1.0" },
    network: { name: "orchestra-0a1b2c3d", range: "10.42.0.0/24", gateway: "10.42.0.1" },
    key: "000000000000000000000000000000a1",
    ...fields,
  };
}

export interface PodFixture {
  readonly slot?: number;
  readonly serial?: number;
  readonly revision?: string;
  readonly stop?: StopReason;
  readonly notBefore?: string;
  /** Absent: `node-1`. `null`: pending. */
  readonly node?: string | null;
  /** What differs from ready; `null`: the worker has said nothing yet. */
  readonly status?: Partial<PodStatus> | null;
}

export interface DeploymentFixture {
  readonly document?: Parameters<typeof deployment>[0];
  readonly template?: Partial<PodTemplate>;
  /** A number: so many ready pods. Absent: as many as the Deployment wants. */
  readonly pods?: number | readonly PodFixture[];
  readonly rollout?: PodsDocument["rollout"];
}

export interface ClusterFixture {
  readonly deployments?: Readonly<Record<string, DeploymentFixture>>;
  /** Absent: one node, `node-1`. */
  readonly nodes?: Readonly<Record<string, Partial<NodeDocument>>>;
  /** Nodes whose worker has gone … */
  readonly absent?: readonly string[];
  /** … and has been gone for too long. */
  readonly lost?: readonly string[];
  /** Nodes whose worker is there, and whose engine has been silent for too long. */
  readonly engineLost?: readonly string[];
  /** Nothing is moved or stopped for them. */
  readonly hold?: boolean;
}

/** Documents by key: what a store would hold. */
export type Documents = ReadonlyMap<string, unknown>;

/** All documents of a cluster: Deployments with their templates, pods, placements and statuses, and the nodes they run on. */
export function documentsOf({
  deployments = {},
  nodes = { "node-1": {} },
  absent = [],
  lost = [],
  engineLost = [],
  hold,
}: ClusterFixture): Documents {
  const documents = new Map<string, unknown>();
  const cluster = { id: "0a1b2c3d", layout: storeLayout, incarnation: 1, networkRange: "10.42.0.0/16" };
  documents.set(clusterKey, { ...cluster, createdAt: builtAt });
  const placements = new Map<string, Placement[]>();
  const statuses = new Map<string, PodStatus[]>();
  for (const [name, fixture] of Object.entries(deployments)) {
    addDeployment(documents, name, fixture);
    for (const { record, on, seen } of recordsOf(name, fixture)) {
      if (on === null) continue;
      placements.set(on, [...(placements.get(on) ?? []), placement(name, record)]);
      if (seen !== null) statuses.set(on, [...(statuses.get(on) ?? []), status(record, seen)]);
    }
  }
  for (const [name, fields] of Object.entries(nodes)) {
    documents.set(nodeKey(name), node(fields));
    if (!absent.includes(name) && !lost.includes(name))
      documents.set(presenceKey(name), { key: node(fields).key, pid: 1, since: builtAt });
  }
  for (const [name, list] of placements) documents.set(placementsKey(name), { placements: list });
  for (const name of engineLost) statuses.set(name, statuses.get(name) ?? []);
  for (const [name, list] of statuses) {
    const engine = engineLost.includes(name) ? { engine: { since: builtAt, reason: "Docker does not answer" } } : {};
    documents.set(statusesKey(name), { at: builtAt, ...engine, statuses: list });
  }
  const verdictOf = (name: string) => {
    if (lost.includes(name)) return { state: "lost", since: builtAt };
    if (absent.includes(name)) return { state: "absent", since: builtAt };
    return { state: "present", ...(engineLost.includes(name) ? { engineLost: builtAt } : {}) };
  };
  documents.set(verdictsKey, {
    nodes: Object.fromEntries(Object.keys(nodes).map((name) => [name, verdictOf(name)])),
    ...(hold ? { hold: { since: builtAt, reason: "too many are absent" } } : {}),
  });
  return documents;
}

/** The same as decisions see it. */
export function stateOf(fixture: ClusterFixture | Documents): ClusterState {
  const documents = fixture instanceof Map ? (fixture as Documents) : documentsOf(fixture as ClusterFixture);
  return clusterState({
    list: <C extends Collection>(collection: C) =>
      [...documents]
        .filter(([key]) => collectionOf(key) === collection)
        .map(([key, value]) => ({ key, value: value as Collections[C] }))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
    verdicts: () => documents.get(verdictsKey) as VerdictsDocument | undefined,
  });
}

/** Writes them into a store; presence is left out, because only a living process can have it. */
export async function fill(store: Store, documents: Documents): Promise<void> {
  const written = [...documents].filter(([key]) => collectionOf(key) !== "presence");
  await store.commit({ changes: written.map(([key, value]) => put(key as Key<unknown>, value, "absent")) });
}

function addDeployment(documents: Map<string, unknown>, name: string, fixture: DeploymentFixture): void {
  const revision = fixture.document?.revision ?? revisionOf(fixture.template);
  const replicas = fixture.document?.replicas ?? (typeof fixture.pods === "number" ? fixture.pods : 1);
  const document = deployment({ revision, replicas, ...fixture.document });
  documents.set(deploymentKey(name), document);
  documents.set(revisionKey(name, document.revision), template(fixture.template));
  const records = recordsOf(name, fixture).map(({ record }) => record);
  const rollout = fixture.rollout ?? { revision: document.revision, state: "complete" as const, since: builtAt };
  const head = podsDocument(records, { uid: document.uid, rollout });
  for (const [key, chunk] of splitChunks(name, head)) documents.set(key, chunk);
}

interface PodOnNode {
  readonly record: PodRecord;
  readonly on: string | null;
  readonly seen: Partial<PodStatus> | null;
}

function recordsOf(name: string, fixture: DeploymentFixture): PodOnNode[] {
  const revision = fixture.document?.revision ?? revisionOf(fixture.template);
  const list = fixture.pods ?? wantedReplicas(deployment(fixture.document));
  const fixtures = typeof list === "number" ? Array.from({ length: list }, (): PodFixture => ({})) : list;
  return fixtures.map(
    ({ stop, node: on = "node-1", status: seen = {}, slot: given, serial: own, ...fields }, index) => {
      const slot = given ?? index;
      const serial = own ?? slot;
      return {
        record: pod(name, { revision, ...fields, slot, serial, ...(stop ? { stop: { reason: stop } } : {}) }),
        on,
        seen,
      };
    },
  );
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
