// What a damaged document stands in the way of. Nothing is decided on what it would have said: its Deployment or node is left as it is. Pure.
import type { ClusterState } from "../model/cluster-state.ts";
import { collectionOf, deploymentKey, nameOf, nodeControlKey, placementsKey, statusesKey } from "../model/keys.ts";
import type { PodRecord } from "../model/pod.ts";

type Damaged = Pick<ClusterState, "damaged">;

/** Deployments with a damaged document of their own. */
export function damagedDeployments({ damaged }: Damaged): readonly string[] {
  const own = [...(damaged?.keys() ?? [])].filter((key) => ["deployments", "pods"].includes(collectionOf(key)));
  return own.map((key) => nameOf(key).split("/")[0] ?? "");
}

/** Why nothing is done with a Deployment; undefined: it may be. */
export function damageOf(
  { damaged }: Damaged,
  name: string,
  records: readonly PodRecord[],
  isPlaced: (pod: string) => boolean,
): string | undefined {
  if (!damaged) return undefined;
  for (const [key, { why }] of damaged) {
    const isOwn = key === deploymentKey(name) || (collectionOf(key) === "pods" && nameOf(key).split("/")[0] === name);
    if (isOwn) return `the document ${key} is damaged (${why}): nothing is done with it`;
    // A pod without a place may well be on that node: it must neither be placed again nor taken for gone.
    if (collectionOf(key) === "placements" && !records.every(({ id }) => isPlaced(id)))
      return `the document ${key} is damaged (${why}), and pods of it may be there: nothing is done with it`;
  }
  return undefined;
}

/** What is on the node is not known, so nothing more is put there. */
export function isUnknownNode({ damaged }: Damaged, node: string): boolean {
  return damaged?.has(placementsKey(node)) === true || damaged?.has(nodeControlKey(node)) === true;
}

/** What its worker says is not known, as if it were away. */
export function isUnheard({ damaged }: Damaged, node: string): boolean {
  return damaged?.has(statusesKey(node)) === true;
}
