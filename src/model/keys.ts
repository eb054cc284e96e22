// Names of the documents in the store: `collection/key`, or a single word for the documents there is one of.
// A key carries its document's type, so that `store.read(deploymentKey("web"))` is a DeploymentDocument.
import type { ClusterDocument } from "./cluster.ts";
import type { DeploymentDocument } from "./deployment.ts";
import type { ControlDocument, NodeDocument, PresenceDocument, VerdictsDocument } from "./node.ts";
import type { FailuresDocument, PlacementsDocument, PodsDocument, StatusesDocument } from "./pod.ts";
import type { RangeDocument } from "./range.ts";
import { type SyncControlDocument, type SyncDocument, sourceId } from "./sync.ts";
import type { PodTemplate } from "./template.ts";

declare const document: unique symbol;
/** The name of one document that holds a `T`. Make one only with the functions of this file. */
export type Key<T> = string & { readonly [document]: T };

/** Each collection and what its documents hold. */
export interface Collections {
  readonly deployments: DeploymentDocument;
  readonly revisions: PodTemplate;
  readonly pods: PodsDocument;
  readonly placements: PlacementsDocument;
  readonly statuses: StatusesDocument;
  readonly failures: FailuresDocument;
  readonly nodes: NodeDocument;
  readonly presence: PresenceDocument;
  readonly controls: ControlDocument;
  readonly ranges: RangeDocument;
  readonly syncs: SyncDocument;
}
export type Collection = keyof Collections;

/** `pods` of one Deployment are cut into chunks of this many slots: a document stays far below ZooKeeper's 1 MiB. */
export const slotsPerChunk = 1_000;

export const clusterKey = "cluster" as Key<ClusterDocument>;
export const verdictsKey = "verdicts" as Key<VerdictsDocument>;
/** The election's fencing counter: `{ epoch }`. Written by `elect` only. */
export const epochKey = "epoch" as Key<{ readonly epoch: number }>;

export const deploymentKey = (name: string) => `deployments/${name}` as Key<DeploymentDocument>;
export const revisionKey = (deployment: string, revision: string) =>
  `revisions/${deployment}/${revision}` as Key<PodTemplate>;
/** The document for the slots from `chunk * slotsPerChunk` on: `pods/web`, then `pods/web/1`, … */
export const podsKey = (deployment: string, chunk = 0) =>
  (chunk === 0 ? `pods/${deployment}` : `pods/${deployment}/${chunk}`) as Key<PodsDocument>;
export const placementsKey = (node: string) => `placements/${node}` as Key<PlacementsDocument>;
export const statusesKey = (node: string) => `statuses/${node}` as Key<StatusesDocument>;
export const failuresKey = (node: string) => `failures/${node}` as Key<FailuresDocument>;
export const nodeKey = (node: string) => `nodes/${node}` as Key<NodeDocument>;
export const presenceKey = (node: string) => `presence/${node}` as Key<PresenceDocument>;
/** What `controls` of nodes begin with. */
export const nodeControls = "controls/nodes/";
/** The operator's word about a node. */
export const nodeControlKey = (node: string) => `${nodeControls}${node}` as Key<ControlDocument>;
export const syncKey = (source: string) => `syncs/${sourceId(source)}` as Key<SyncDocument>;
/** The operator's word about a sync. */
export const syncControlKey = (source: string) => `controls/syncs/${sourceId(source)}` as Key<SyncControlDocument>;
/** Of a range as `10.42.7.0/24`: its slash would begin another part of the key. */
export const rangeKey = (range: string) => `ranges/${range.replace("/", "-")}` as Key<RangeDocument>;

/** The collection of a key, or the whole key for a document there is one of. */
export function collectionOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash);
}

/** What follows the collection: `web` of `deployments/web`, `web/0a1b…` of `revisions/web/0a1b…`. */
export function nameOf(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}
