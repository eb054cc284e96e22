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
import type { PodsDocument } from "../model/pod.ts";
import { type Change, type Check, overwrite, remove, type Snapshot, type Versioned } from "../store/store.ts";
import { nextPlacements, withoutForget } from "./changes.ts";
import type { Decision, DeploymentChange, Problem } from "./decision.ts";
import { portionOf } from "./portion.ts";

export interface MasterCommit {
  readonly changes: readonly Change[];
  readonly checks: readonly Check[];
  /** False: there was too much for one commit, so look again after it. */
  readonly complete: boolean;
  /** Deployments that have something which fits into no commit: it is left out. */
  readonly problems: readonly Problem[];
}

/**
 * As much of the decision as one commit may carry; a pod and its placement always together.
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
  const chunks = chunksByDeployment(snapshot);
  const written = { placements: current, pods: (name: string) => joined(chunks.get(name)) };
  const { changes: taken, isAll, isMore, problems } = portionOf(decision.changes, written, bytesLimit);
  const forgotten = isAll ? decision.forgotten : [];
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
  if (isAll) changes.push(...leftovers.map(({ key, version }) => remove(key, version)));
  for (const node of decision.returned) {
    const key = nodeControlKey(node);
    const left = withoutForget(snapshot.get(key)?.value ?? {});
    if (Object.keys(left).length > 0) write(key, left);
    else drop(key);
  }
  return { changes, checks, complete: !isMore, problems };
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

/** Its chunks as one document. */
function joined(chunks: ReadonlyMap<string, PodsDocument> | undefined): PodsDocument | undefined {
  const [head] = chunks?.values() ?? [];
  return head && { ...head, pods: [...(chunks?.values() ?? [])].flatMap(({ pods }) => pods) };
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
