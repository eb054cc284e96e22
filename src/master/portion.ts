// How much of a decision one commit may carry: whole Deployments while they fit, and of one that does not fit alone as many slots as do. Pure.
import type { PlacementsDocument, PodsDocument } from "../model/pod.ts";
import type { DeploymentChange, Problem } from "./decision.ts";
import { partOf } from "./part.ts";

/** What is written now. */
export interface Written {
  readonly placements: ReadonlyMap<string, PlacementsDocument>;
  /** All chunks of a Deployment joined; undefined: it has none. */
  readonly pods: (deployment: string) => PodsDocument | undefined;
}

export interface Portion {
  readonly changes: readonly DeploymentChange[];
  /** Everything is in it. */
  readonly isAll: boolean;
  /** There is more that fits into a commit of its own: look again after this one. */
  readonly isMore: boolean;
  /** Deployments that have something which fits into no commit. It is left out, and keeps nobody else waiting. */
  readonly problems: readonly Problem[];
}

/** Generous for the record or placement of a pod: a name may have 53 characters. */
const bytesPerPod = 200;
/** The last commit of a Deployment removes its document, its pods and up to ten revisions and more: only keys, but on ZooKeeper those count too. */
const bytesPerEnd = 2_000;

/** The first changes that fit; whole documents are written, so a node's placements count in full once it is touched. */
export function portionOf(changes: readonly DeploymentChange[], written: Written, bytesLimit: number): Portion {
  const touched = new Set<string>();
  const taken: DeploymentChange[] = [];
  const problems: Problem[] = [];
  let bytes = 0;
  for (const change of changes) {
    bytes += estimate(change, written, touched);
    if (bytes <= bytesLimit) {
      taken.push(change);
      continue;
    }
    if (taken.length > 0) return { changes: taken, isAll: false, isMore: true, problems };
    const { part, tooLarge } = partOf(change, written, bytesLimit - (change.finished ? bytesPerEnd : 0));
    if (part) {
      const isAll = part === change && changes.length === 1;
      return { changes: [part], isAll, isMore: !isAll, problems };
    }
    problems.push({ deployment: change.deployment, message: tooLarge });
    touched.clear();
    bytes = 0;
  }
  return { changes: taken, isAll: problems.length === 0, isMore: false, problems };
}

function estimate(
  { pods, placements, gone, finished }: DeploymentChange,
  written: Written,
  touched: Set<string>,
): number {
  let bytes = ((pods?.pods.length ?? 0) + placements.length + 1) * bytesPerPod + (finished ? bytesPerEnd : 0);
  for (const { node } of [...placements, ...gone]) {
    if (!touched.has(node)) bytes += (written.placements.get(node)?.placements.length ?? 0) * bytesPerPod;
    touched.add(node);
  }
  return bytes;
}
