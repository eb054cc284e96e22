// From what a pass has come to, to documents: what changed for a Deployment, and the state that is then.
import type { ClusterState } from "../model/cluster-state.ts";
import type { ControlDocument } from "../model/node.ts";
import type { Placement, PlacementsDocument, PodRecord } from "../model/pod.ts";
import type { Decision, DeploymentChange } from "./decision.ts";
import type { PlacedPod } from "./placed-pods.ts";
import type { Run } from "./run.ts";

/** What differs from the documents; undefined: nothing. */
export function changeOf(run: Run, placed: ReadonlyMap<string, PlacedPod>): DeploymentChange | undefined {
  const { name, document, facts, next, finished, chosen } = run;
  if (next === document && !finished && !run.outOfStep && chosen.size === 0) return undefined;
  const placements = (next?.pods ?? []).flatMap((record) => {
    const there = placed.get(record.id);
    const node = there?.node ?? chosen.get(record.id);
    if (node === undefined || (there && there.placement.stop?.reason === record.stop?.reason)) return [];
    return [{ node, placement: placementOf(name, record) }];
  });
  const kept = new Set(next?.pods.map(({ id }) => id));
  const gone = facts.flatMap(({ node, record }) =>
    node === undefined || kept.has(record.id) ? [] : [{ node, pod: record.id }],
  );
  return { deployment: name, pods: finished ? undefined : next, finished, placements, gone };
}

/**
 * The placements of each node that the changes touch, after them. A forgotten node keeps a document, an empty one: should the machine
 * come back, that tells its worker to run nothing, and no document would tell it nothing.
 */
export function nextPlacements(
  current: ReadonlyMap<string, PlacementsDocument>,
  changes: readonly DeploymentChange[],
  forgotten: readonly string[],
): Map<string, PlacementsDocument> {
  const touched = new Map<string, Map<string, Placement>>();
  const on = (node: string) => {
    let placements = touched.get(node);
    if (!placements) {
      placements = new Map((current.get(node)?.placements ?? []).map((placement) => [placement.pod, placement]));
      touched.set(node, placements);
    }
    return placements;
  };
  for (const { placements, gone } of changes) {
    for (const { node, pod } of gone) on(node).delete(pod);
    for (const { node, placement } of placements) on(node).set(placement.pod, placement);
  }
  for (const node of forgotten) if (current.get(node)?.placements?.length) touched.set(node, new Map());
  const written = ([node, all]: [string, Map<string, Placement>]): [string, PlacementsDocument] => [
    node,
    { ...current.get(node), count: (current.get(node)?.count ?? 0) + 1, placements: [...all.values()].sort(byPlace) },
  ];
  return new Map([...touched].map(written));
}

/** The documents after the decision: what the next pass would look at if nobody else wrote. */
export function nextState(state: ClusterState, decision: Decision): ClusterState {
  const { changes, unusedRevisions, forgotten, returned } = decision;
  const deployments = new Map(state.deployments);
  const pods = new Map(state.pods);
  const templates = new Map(state.templates);
  for (const change of changes) {
    if (change.pods) pods.set(change.deployment, change.pods);
    else pods.delete(change.deployment);
    if (!change.finished) continue;
    deployments.delete(change.deployment);
    for (const key of templates.keys()) if (key.startsWith(`${change.deployment}/`)) templates.delete(key);
  }
  for (const { deployment, revision } of unusedRevisions) templates.delete(`${deployment}/${revision}`);
  const placements = new Map([...state.placements, ...nextPlacements(state.placements, changes, forgotten)]);
  const next = { ...state, deployments, pods, templates, placements };
  return forgotten.length + returned.length === 0 ? next : withoutWords(next, decision);
}

/** The operator's words are carried out. */
function withoutWords(state: ClusterState, { forgotten, returned }: Decision): ClusterState {
  const [nodes, statuses, controls] = [new Map(state.nodes), new Map(state.statuses), new Map(state.controls)];
  for (const node of forgotten) for (const documents of [nodes, statuses, controls]) documents.delete(node);
  for (const node of returned) controls.set(node, withoutForget(state.controls.get(node) ?? {}));
  return { ...state, nodes, statuses, controls };
}

/** What else the operator has said about the node. */
export function withoutForget({ forget: _withdrawn, ...others }: ControlDocument): ControlDocument {
  return others;
}

function placementOf(deployment: string, { id, slot, revision, stop }: PodRecord): Placement {
  return { pod: id, deployment, slot, revision, ...(stop ? { stop } : {}) };
}

function byPlace(a: Placement, b: Placement): number {
  if (a.deployment !== b.deployment) return a.deployment < b.deployment ? -1 : 1;
  if (a.slot !== b.slot) return a.slot - b.slot;
  return a.pod < b.pod ? -1 : 1;
}
