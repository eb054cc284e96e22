// What was known of this node's pods before this process, and what the next one is to find.
import type { Clock } from "../clock.ts";
import { isOrchestraError } from "../model/errors.ts";
import { statusesKey } from "../model/keys.ts";
import type { PodStatus } from "../model/pod.ts";
import type { Store } from "../store/store.ts";
import type { PodView } from "./decide.ts";
import { kept, keptFromStatus, type LastKnown, recalled, reconciled, restartRules } from "./last-known.ts";
import type { KnownOrders } from "./orders.ts";
import type { TableOptions } from "./table.ts";

/** From before this process. */
export interface Recollection {
  /** Of this node's disk. */
  readonly lastKnown: LastKnown | undefined;
  /** Of the store, by pod. */
  readonly recorded: ReadonlyMap<string, PodStatus>;
}

/** What the store has of this node's pods; nothing while it cannot be asked, or where it is damaged. */
export async function recordedStatuses(store: Store, node: string): Promise<ReadonlyMap<string, PodStatus>> {
  const found = await store.read(statusesKey(node)).catch((error: unknown) => {
    if (!isOrchestraError(error, "unavailable") && !isOrchestraError(error, "invalid")) throw error;
  });
  return new Map((found?.value.statuses ?? []).map((status) => [status.pod, status]));
}

/** What the table remembers of a pod that it meets for the first time. */
export function recallFrom({ lastKnown, recorded }: Recollection, clock: Clock): TableOptions["recall"] {
  const restartOf = lastKnown && restartRules(lastKnown);
  return (pod, container) => {
    const status = recorded.get(pod);
    const memory = reconciled(lastKnown?.pods[pod], status && keptFromStatus(status, container?.id));
    return recalled(memory, restartOf?.(pod), clock.now());
  };
}

/** For the disk; undefined: nothing was ever told, so nothing is kept. */
export function lastKnownNow(known: KnownOrders | undefined, placed: readonly PodView[]): LastKnown | undefined {
  return known && { ...known, pods: Object.fromEntries(placed.map(({ id, memory }) => [id, kept(memory)])) };
}
