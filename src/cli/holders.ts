// Who does not follow the store, and why: what running workers have written into it, and what the roles of this machine would say of it.
// Reads the state folder.

import { join } from "node:path";
import { nameOf, placementsKey } from "../model/keys.ts";
import { type KnownStore, storeSeen, whyStrange } from "../model/known-store.ts";
import type { WorkerHold } from "../model/pod.ts";
import { presentNodes } from "../model/presence.ts";
import { readStateFile } from "../state-file.ts";
import { clusterFolder } from "../state-folder.ts";
import type { Selector, Snapshot } from "../store/store.ts";
import { type RememberingRole, rememberingRoles, storeMemoryPath } from "../store-memory.ts";
import { followingWould } from "../worker/hold.ts";
import type { LastKnown } from "../worker/last-known.ts";
import { whyNotTrusted } from "../worker/orders.ts";
import { ownMachine } from "./sync/own-machine.ts";

export interface Holder {
  /** `node/n1` for its worker; `master`, `dns` and each `sync` are those of this machine. */
  readonly about: string;
  readonly reason: string;
  /** The one that it knows. */
  readonly incarnation: number;
  /** Of a worker: its node, and what following the store would do there. */
  readonly node?: string;
  readonly stops?: WorkerHold["stops"];
  readonly starts?: WorkerHold["starts"];
}

/** What a snapshot must hold to tell. */
export const holderSelectors: readonly Selector[] = ["placements", "statuses", "presence", "cluster" as Selector];

/** All that hold, as far as it can be known from here. `cluster`: the one that this machine belongs to, if it does. */
export async function holdersOf(snapshot: Snapshot, stateDir: string, cluster: string | undefined): Promise<Holder[]> {
  const present = presentNodes(snapshot);
  const told = snapshot.list("statuses").flatMap(({ key, value }): Holder[] => {
    const node = nameOf(key);
    if (!value.hold || !present.has(node)) return [];
    const { reason, incarnation, stops, starts } = value.hold;
    return [{ about: `node/${node}`, node, reason, incarnation, stops, starts }];
  });
  const here = cluster === undefined ? [] : await thisMachine(snapshot, stateDir, cluster);
  return [...told, ...here.filter(({ about }) => !told.some((other) => other.about === about))];
}

async function thisMachine(snapshot: Snapshot, stateDir: string, cluster: string): Promise<Holder[]> {
  const folder = clusterFolder(stateDir, cluster);
  const holders: Holder[] = [];
  const identity = await ownMachine(stateDir);
  const worker = await readIfAny<LastKnown>(join(folder, "worker.json"));
  if (identity && worker) holders.push(...workerHere(snapshot, identity.node, worker));
  for (const role of rememberingRoles(folder)) {
    const known = await readIfAny<KnownStore>(storeMemoryPath(folder, role));
    const why = whyStrange(storeSeen(snapshot), known);
    if (known && why !== undefined) holders.push({ about: aboutOf(role), reason: why, incarnation: known.incarnation });
  }
  return holders;
}

/** Which source it is the store may have forgotten. */
function aboutOf(role: RememberingRole): string {
  return role.startsWith("sync-") ? "sync" : role;
}

function workerHere(snapshot: Snapshot, node: string, known: LastKnown): Holder[] {
  const reason = whyNotTrusted(snapshot, node, known);
  if (reason === undefined) return [];
  const shown = snapshot.get(placementsKey(node))?.value.placements ?? [];
  const would = followingWould(known.placements, shown);
  return [{ about: `node/${node}`, node, reason, incarnation: known.incarnation, ...would }];
}

/** A file that is damaged, or another user's, tells nothing here; the roles themselves say so. */
function readIfAny<T>(path: string): Promise<T | undefined> {
  return readStateFile<T>(path).catch(() => undefined);
}
