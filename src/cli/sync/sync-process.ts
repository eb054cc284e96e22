// Whether the process of a sync is there, as far as this machine can tell. Reads /proc.
import { hostname } from "node:os";
import type { SyncDocument } from "../../model/sync.ts";
import { processOf } from "../../process-record.ts";

/** Undefined: it runs on another machine, or not. */
export function runs({ host, pid }: SyncDocument["lead"]): boolean | undefined {
  return host === hostname() ? processOf(pid) !== undefined : undefined;
}
