// `store accept-rollback`: the operator's word that the store, older or emptied as it is, is the one to follow.

import type { ClusterDocument } from "../../model/cluster.ts";
import { OrchestraError } from "../../model/errors.ts";
import { clusterKey, placementsKey } from "../../model/keys.ts";
import { podsText } from "../../model/pod.ts";
import { type Change, put, type Snapshot, type Store } from "../../store/store.ts";
import type { Holder } from "../holders.ts";

/**
 * Raises the store's incarnation above every one that is known, in one commit, and gives it. `cluster`: what this machine knows of the cluster,
 * for a store that has lost even that. A node that holds and is not named in the store gets empty placements: without any it would
 * keep what it runs for good. Throws `conflict` for the store of another cluster.
 */
export async function acceptRollback(
  store: Store,
  snapshot: Snapshot,
  holders: readonly Holder[],
  cluster: ClusterDocument,
): Promise<number> {
  const found = snapshot.get(clusterKey);
  if (found && found.value.id !== cluster.id) throw foreign(found.value.id, cluster.id, store.url);
  const { continues: _older, ...own } = found?.value ?? cluster;
  const incarnation = Math.max(own.incarnation, ...holders.map((holder) => holder.incarnation)) + 1;
  const empty = holders.flatMap(({ node }): Change[] => {
    if (node === undefined || snapshot.get(placementsKey(node))) return [];
    return [put(placementsKey(node), { count: 1, placements: [] }, "absent")];
  });
  await store.commit({ changes: [put(clusterKey, { ...own, incarnation }, found?.version ?? "absent"), ...empty] });
  return incarnation;
}

/** For a store that has lost even the cluster's id, where this machine does not know it either. */
export function notFromHere(node: string): OrchestraError {
  return new OrchestraError("conflict", "the store is empty, and this machine does not know which cluster it was", {
    hint: `run the command on a machine that does, such as the node ${node}`,
    details: { node },
  });
}

function foreign(there: string, known: string, url: string): OrchestraError {
  return new OrchestraError("conflict", `${url} holds the cluster ${there}, and this machine runs pods of ${known}`, {
    hint: "put the store back, or restart orchestra to go on with the other cluster",
    details: { found: there, known },
  });
}

/** What following the store would do, as far as it is known. */
export function acceptText(holders: readonly Holder[], running: number): string {
  const lines = holders.flatMap(({ about, reason, stops, starts }) => [
    `${about} holds: ${reason}`,
    ...(stops && stops.count > 0 ? [`  stops ${namedPods(stops)}`] : []),
    ...(starts && starts.count > 0 ? [`  starts ${namedPods(starts)}`] : []),
  ]);
  const others = running === 0 ? ["No worker runs on this store: what other machines would stop is not known."] : [];
  return [...lines, ...others, "Deployments are taken as the store has them now: apply again what it lacks."].join(
    "\n",
  );
}

function namedPods({ count, names }: NonNullable<Holder["stops"]>): string {
  const more = count > names.length ? ` and ${count - names.length} more` : "";
  return `${podsText(count)}: ${names.join(", ")}${more}`;
}
