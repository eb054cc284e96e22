// What a role keeps on its own disk of how far it has seen the store. An older copy of the store, or another one in its place, is not acted on:
// on its word pods that it does not know would be stopped, and names would go. Each role has its own file in the cluster's folder.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { type KnownStore, type SeenStore, whyStrange } from "./model/known-store.ts";
import { openStateFile, readStateFile } from "./state-file.ts";

/** The position rises with every commit; one that is a second old tells a restored copy as well. */
const spacingMs = 1_000;

export interface StoreMemory {
  /** Whether what the store shows may be acted on: then it is remembered. Says once why not, and once that it may again. */
  trusts(seen: SeenStore): boolean;
  /** Why the last that was shown may not. */
  readonly doubt: string | undefined;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

/** Each keeps a file of its own. A sync's is named by its source's id. */
export type RememberingRole = "master" | "dns" | `sync-${string}`;

export interface StoreMemoryOptions {
  /** The cluster's folder on this machine. */
  readonly folder: string;
  readonly role: RememberingRole;
  /** What holding means for this role, for the log. */
  readonly holding: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws `invalid` when the file is damaged. */
export async function openStoreMemory({ folder, role, holding, clock, log }: StoreMemoryOptions): Promise<StoreMemory> {
  const path = storeMemoryPath(folder, role);
  let known = await readStateFile<KnownStore>(path);
  const file = openStateFile<KnownStore>(path, { spacingMs, clock, log });
  let told: string | undefined;
  return {
    get doubt() {
      return told;
    },
    trusts(seen) {
      const reason = whyStrange(seen, known);
      if (reason !== told) {
        if (reason === undefined) log.info(`${role} follows the store again`);
        else log.warn(`${role} holds: ${holding}`, { reason });
      }
      told = reason;
      if (reason !== undefined) return false;
      if (seen.cluster && isNews(seen, seen.cluster.incarnation, known)) {
        const { cluster, position, written = known?.written ?? 0 } = seen;
        known = { clusterId: cluster.id, incarnation: cluster.incarnation, position, written };
        file.save(() => known);
      }
      return true;
    },
    close: () => file.close(),
  };
}

export function storeMemoryPath(folder: string, role: RememberingRole): string {
  return join(folder, `${role}.json`);
}

/** The roles that have one in a cluster's folder. */
export function rememberingRoles(folder: string): readonly RememberingRole[] {
  return namesIn(folder).flatMap((name): readonly RememberingRole[] => {
    const [, role] = /^(master|dns|sync-[0-9a-f]+)\.json$/.exec(name) ?? [];
    return role === undefined ? [] : [role as RememberingRole];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function isNews({ position, written }: SeenStore, incarnation: number, known: KnownStore | undefined): boolean {
  return known?.position !== position || known.incarnation !== incarnation || known.written !== written;
}
