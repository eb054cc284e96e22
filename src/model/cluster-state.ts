// Everything that decisions look at, joined from the documents at one position: the input of the master's pass,
// of diff's forecast, of `why` and of every listing.
import type { DeploymentDocument } from "./deployment.ts";
import { type Collection, type Collections, nameOf, nodeControls, podsKey, slotsPerChunk } from "./keys.ts";
import type { ControlDocument, Hold, NodeDocument, Verdict, VerdictsDocument } from "./node.ts";
import type { PlacementsDocument, PodsDocument, StatusesDocument } from "./pod.ts";
import type { PodTemplate } from "./template.ts";

export interface ClusterState {
  readonly deployments: ReadonlyMap<string, DeploymentDocument>;
  /** By `<deployment>/<revision>`. */
  readonly templates: ReadonlyMap<string, PodTemplate>;
  /** By Deployment, all chunks joined. */
  readonly pods: ReadonlyMap<string, PodsDocument>;
  /** By node, as are those that follow. */
  readonly placements: ReadonlyMap<string, PlacementsDocument>;
  readonly statuses: ReadonlyMap<string, StatusesDocument>;
  readonly nodes: ReadonlyMap<string, NodeDocument>;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly controls: ReadonlyMap<string, ControlDocument>;
  /** Of the store, where somebody makes pods; absent: the first. */
  readonly incarnation?: number;
  /** Nothing is moved or stopped for an absent or lost node. */
  readonly hold?: Hold;
  /** Documents that are there and cannot be understood, by key, with the reason. Their absence from the rest means nothing. */
  readonly damaged?: ReadonlyMap<string, { readonly why: string }>;
}

/** The part of a store's snapshot that is needed here. */
export interface Documents {
  list<C extends Collection>(collection: C): readonly { readonly key: string; readonly value: Collections[C] }[];
  verdicts(): VerdictsDocument | undefined;
  readonly damaged?: ReadonlyMap<string, { readonly why: string }>;
}

/** The collections a snapshot must hold to make a ClusterState (besides the `verdicts` document). */
export const stateCollections = [
  "deployments",
  "revisions",
  "pods",
  "placements",
  "statuses",
  "nodes",
  "controls",
] as const satisfies readonly Collection[];

export function clusterState(documents: Documents): ClusterState {
  const state = {
    deployments: byName(documents.list("deployments")),
    templates: byName(documents.list("revisions")),
    pods: joinChunks(documents.list("pods")),
    placements: byName(documents.list("placements")),
    statuses: byName(documents.list("statuses")),
    nodes: byName(documents.list("nodes")),
    controls: controlsOfNodes(documents.list("controls")),
    ...(documents.damaged?.size ? { damaged: documents.damaged } : {}),
  };
  return withVerdicts(state, documents.verdicts());
}

/** The same with other verdicts. */
export function withVerdicts(
  { hold: _old, ...state }: Omit<ClusterState, "verdicts">,
  { nodes, hold }: VerdictsDocument = { nodes: {} },
): ClusterState {
  return { ...state, verdicts: new Map(Object.entries(nodes)), ...(hold ? { hold } : {}) };
}

/** The template of a revision, or undefined when its document is missing. */
export function templateOf(state: ClusterState, deployment: string, revision: string): PodTemplate | undefined {
  return state.templates.get(`${deployment}/${revision}`);
}

/** Cuts the pods of one Deployment into the documents they are stored in; the inverse of the join. Sorted pods in, sorted pods out. */
export function splitChunks(deployment: string, pods: PodsDocument): Map<string, PodsDocument> {
  const chunks = new Map<string, PodsDocument>([[podsKey(deployment), { ...pods, pods: [] }]]);
  for (const pod of pods.pods) {
    const key = podsKey(deployment, Math.floor(pod.slot / slotsPerChunk));
    const chunk = chunks.get(key) ?? { uid: pods.uid, pods: [] };
    (chunk.pods as (typeof pod)[]).push(pod);
    chunks.set(key, chunk);
  }
  return chunks;
}

/** Operators speak of other things in the same collection. */
function controlsOfNodes(documents: readonly { readonly key: string; readonly value: ControlDocument }[]) {
  const ofNodes = documents.filter(({ key }) => key.startsWith(nodeControls));
  return new Map(ofNodes.map(({ key, value }) => [key.slice(nodeControls.length), value]));
}

function byName<T>(documents: readonly { readonly key: string; readonly value: T }[]): Map<string, T> {
  return new Map(documents.map(({ key, value }) => [nameOf(key), value]));
}

function joinChunks(documents: readonly { readonly key: string; readonly value: PodsDocument }[]) {
  const joined = new Map<string, PodsDocument>();
  // Sorted by key, `pods/web` comes before `pods/web/1`, so the first one that is met carries the head.
  for (const { key, value } of documents) {
    const [name = ""] = nameOf(key).split("/");
    const head = joined.get(name);
    joined.set(name, head ? { ...head, pods: [...head.pods, ...value.pods] } : value);
  }
  for (const [name, pods] of joined) {
    joined.set(name, { ...pods, pods: [...pods.pods].sort((a, b) => a.slot - b.slot || a.serial - b.serial) });
  }
  return joined;
}
