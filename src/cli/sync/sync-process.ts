// Whether the process of a sync is there, as far as this machine can tell. Reads /proc and the machine's own addresses.
import { hostname, networkInterfaces } from "node:os";
import type { SyncDocument } from "../../model/sync.ts";
import { processOf } from "../../process-record.ts";

/** Undefined: it runs on another machine, which may be called as this one is, or not. */
export function runs({ host, address, pid }: SyncDocument["lead"]): boolean | undefined {
  return host === hostname() && (address === undefined || isOwn(address)) ? processOf(pid) !== undefined : undefined;
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address));
}
