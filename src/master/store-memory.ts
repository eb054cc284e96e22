// What the master keeps on its own disk: how far it has seen the store. An older copy of the store, or another one in its place, is not
// acted on: pods that it does not know would be stopped on its word. Reads and writes `master.json` in the state folder.
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { clusterKey } from "../model/keys.ts";
import { type KnownStore, whyStrange } from "../model/known-store.ts";
import { openStateFile, readStateFile } from "../state-file.ts";
import type { Snapshot } from "../store/store.ts";

/** The position rises with every commit; one that is a second old tells a restored copy as well. */
const spacingMs = 1_000;

export interface StoreMemory {
  /** Whether the snapshot may be acted on: then it is remembered. Says once why not, and once that it may again. */
  trusts(snapshot: Snapshot): boolean;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

/** Throws `invalid` when the file is damaged. */
export async function openStoreMemory(folder: string, clock: Clock, log: Log): Promise<StoreMemory> {
  const path = join(folder, "master.json");
  let known = await readStateFile<KnownStore>(path);
  const file = openStateFile<KnownStore>(path, { spacingMs, clock, log });
  let told: string | undefined;
  return {
    trusts(snapshot) {
      const cluster = snapshot.get(clusterKey)?.value;
      const { position } = snapshot;
      const reason = whyStrange({ cluster, position }, known);
      if (reason !== told) {
        if (reason === undefined) log.info("the master follows the store again");
        else log.warn("the master holds: it starts, moves and stops nothing", { reason });
      }
      told = reason;
      if (reason !== undefined) return false;
      if (cluster && (known?.position !== position || known.incarnation !== cluster.incarnation)) {
        known = { incarnation: cluster.incarnation, position };
        file.save(() => known);
      }
      return true;
    },
    close: () => file.close(),
  };
}
