// A decision as changes of documents, with the versions it was made on. Pure.
import { splitChunks } from "../model/cluster-state.ts";
import {
  deploymentKey,
  type Key,
  nameOf,
  nodeControlKey,
  nodeKey,
  placementsKey,
  podsKey,
  revisionKey,
  statusesKey,
  verdictsKey,
} from "../model/keys.ts";
import type { VerdictsDocument } from "../model/node.ts";
import type { PlacementsDocument, PodsDocument } from "../model/pod.ts";
import { type Change, type Check, overwrite, remove, type Snapshot, type Versioned } from "../store/store.ts";
import { nextPlacements, withoutForget } from "./changes.ts";
import type { Decision, DeploymentChange } from "./decision.ts";

export interface MasterCommit {
  readonly changes: readonly Change[];
  readonly checks: readonly Check[];
  /** False: there was too much for one commit, so look again after it. */
  readonly complete: boolean;
}

/** Generous for the record or placement of a pod: a name may have 53 characters. */
const bytesPerPod = 200;

/**
 * As much of the decision as one commit may carry, at least one Deployment; a Deployment's pods and their placements always together.
 * Each Deployment and revision that something is decided on is checked, so that nothing is written on a word that no longer holds.
 * `leftovers`: of the nodes that are forgotten, which no view of the master holds.
 */
export function commitOf(
  decision: Decision,
  verdicts: VerdictsDocument | undefined,
  snapshot: Snapshot,
  bytesLimit: number,
  leftovers: readonly Versioned<unknown>[],
): MasterCommit {
  const current = new Map(snapshot.list("placements").map(({ key, value }) => [nameOf(key), value] as const));
  const taken = takeFirst(decision.changes, current, bytesLimit);
  const complete = taken.length === decision.changes.length;
  const forgotten = complete ? decision.forgotten : [];
  const changes: Change[] = [];
  const checks: Check[] = [];
  const drop = (key: Key<unknown>) => {
    const there = snapshot.get(key);
    if (there) changes.push(remove(key, there.version));
  };
  const write = <T>(key: Key<T>, value: T) => changes.push(overwrite(snapshot, key, value));
  const check = (key: Key<unknown>) => {
    const there = snapshot.get(key);
    if (there) checks.push({ key, version: there.version });
  };
  if (verdicts) write(verdictsKey, verdicts);
  const chunks = chunksByDeployment(snapshot);
  for (const change of taken) {
    writePods(change, chunks.get(change.deployment) ?? new Map(), write, drop);
    if (change.finished) drop(deploymentKey(change.deployment));
    else check(deploymentKey(change.deployment));
    for (const revision of newRevisions(change)) check(revisionKey(change.deployment, revision));
  }
  for (const [node, placements] of nextPlacements(current, taken, forgotten)) write(placementsKey(node), placements);
  const finished = new Set(taken.filter((change) => change.finished).map(({ deployment }) => deployment));
  const unused = new Set(decision.unusedRevisions.map(({ deployment, revision }) => revisionKey(deployment, revision)));
  for (const { key } of finished.size + unused.size > 0 ? snapshot.list("revisions") : []) {
    if (unused.has(key) || finished.has(nameOf(key).split("/")[0] ?? "")) drop(key);
  }
  for (const node of forgotten) for (const key of keysOfNode(node)) drop(key);
  if (complete) changes.push(...leftovers.map(({ key, version }) => remove(key, version)));
  for (const node of decision.returned) {
    const key = nodeControlKey(node);
    const left = withoutForget(snapshot.get(key)?.value ?? {});
    if (Object.keys(left).length > 0) write(key, left);
    else drop(key);
  }
  return { changes, checks, complete };
}

/** What the master's view holds of a node. Its placements stay, empty: see `nextPlacements`. */
function keysOfNode(node: string): Key<unknown>[] {
  return [nodeKey(node), statusesKey(node), nodeControlKey(node)];
}

/** Only chunks that differ. Records are replaced, never changed, so the same objects are the same pods. */
function writePods(
  { deployment, pods }: DeploymentChange,
  old: ReadonlyMap<string, PodsDocument>,
  write: <T>(key: Key<T>, value: T) => void,
  drop: (key: Key<unknown>) => void,
): void {
  const chunks = pods ? splitChunks(deployment, pods) : new Map<string, PodsDocument>();
  const head = podsKey(deployment);
  for (const [key, chunk] of chunks) {
    const before = old.get(key);
    const same =
      before?.pods.length === chunk.pods.length && chunk.pods.every((pod, index) => pod === before.pods[index]);
    if (!same || key === head) write(key as Key<PodsDocument>, chunk);
  }
  for (const key of old.keys()) if (!chunks.has(key)) drop(key as Key<unknown>);
}

/** Revisions of pods that this change places: a worker has to find their templates. */
function newRevisions({ placements }: DeploymentChange): Set<string> {
  return new Set(placements.filter(({ placement }) => !placement.stop).map(({ placement }) => placement.revision));
}

/** The first changes that fit; whole documents are written, so a node's placements count in full once it is touched. */
function takeFirst(
  changes: readonly DeploymentChange[],
  current: ReadonlyMap<string, PlacementsDocument>,
  bytesLimit: number,
): readonly DeploymentChange[] {
  const touched = new Set<string>();
  let bytes = 0;
  for (const [index, { pods, placements, gone }] of changes.entries()) {
    bytes += ((pods?.pods.length ?? 0) + placements.length + 1) * bytesPerPod;
    for (const { node } of [...placements, ...gone]) {
      if (!touched.has(node)) bytes += (current.get(node)?.placements.length ?? 0) * bytesPerPod;
      touched.add(node);
    }
    if (bytes > bytesLimit && index > 0) return changes.slice(0, index);
  }
  return changes;
}

function chunksByDeployment(snapshot: Snapshot): Map<string, Map<string, PodsDocument>> {
  const chunks = new Map<string, Map<string, PodsDocument>>();
  for (const { key, value } of snapshot.list("pods")) {
    const [name = ""] = nameOf(key).split("/");
    const there = chunks.get(name);
    if (there) there.set(key, value);
    else chunks.set(name, new Map([[key as string, value]]));
  }
  return chunks;
}
