// Who follows a source now: whoever has been elected for it, on whatever machine. Asks the store, and this machine for its own addresses.
import { hostname, networkInterfaces } from "node:os";
import { type SyncDocument, syncElection } from "../../model/sync.ts";
import type { Store } from "../../store/store.ts";

/** Whether a sync does. A process number tells nothing of another machine, and not for long of this one: it is used again. */
export async function isFollowed(store: Store, { source, lead }: SyncDocument): Promise<boolean> {
  return lead.ended === undefined && (await store.isLed(syncElection(source)));
}

/** The sources of those whose leader is gone without having said so. */
export async function leaderless(store: Store, syncs: readonly SyncDocument[]): Promise<ReadonlySet<string>> {
  const unsaid = syncs.filter(({ lead }) => lead.ended === undefined);
  const followed = await Promise.all(unsaid.map((sync) => isFollowed(store, sync)));
  return new Set(unsaid.filter((_, index) => !followed[index]).map(({ source }) => source));
}

/** Whether it leads, or led, on this machine: another one may be called as this one is. */
export function isHere({ host, address }: SyncDocument["lead"]): boolean {
  return host === hostname() && (address === undefined || isOwn(address));
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address));
}
