// `sync` itself: opens the store, follows the source, and runs until it is told to end.
import { fired, systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { type Log, openLog } from "../../log.ts";
import { startFollowing } from "../../roles.ts";
import type { OwnCluster } from "../../store/cluster.ts";
import { openStore } from "../../store/open-store.ts";
import type { Sync } from "../../sync/sync.ts";
import type { Following } from "../sync/follow-flags.ts";
import { endSoon } from "./ending.ts";
import { knownCluster } from "./known-cluster.ts";
import { stopSignal } from "./serve.ts";
import { openSpareMemory } from "./spare-memory.ts";
import { openSyncHealth } from "./sync-health.ts";

export interface ServeSyncOptions extends Following {
  readonly config: Config;
  readonly storeUrl: string;
}

/** Resolves when it has ended after SIGTERM, SIGINT or SIGHUP. Throws `unavailable` where nobody can listen at `listen`. */
export async function serveSync({ config, listen, ...options }: ServeSyncOptions): Promise<void> {
  const stop = stopSignal();
  const log = openLog(config.logLevel);
  const health = await openSyncHealth(listen, log);
  try {
    await followUntil({ config, ...options, log, stop }, (sync) => health.follows(sync));
    log.info("sync ends; what it applied stays");
  } finally {
    await health.close();
  }
  endSoon(log);
}

interface UntilOptions extends Omit<ServeSyncOptions, "listen"> {
  readonly log: Log;
  readonly stop: AbortSignal;
}

async function followUntil(
  { config, storeUrl, log, stop, ...options }: UntilOptions,
  onStarted: (sync: Sync) => void,
): Promise<void> {
  const own: OwnCluster = {};
  const access = () => config.storeAccess;
  const store = await openStore(storeUrl, { create: true, patient: true, own, access, log });
  try {
    const { networkRange, stateDir } = config;
    const now = systemClock.wall();
    const { id: cluster } = await knownCluster({ store, storeUrl, stateDir, networkRange, now, log });
    own.id = cluster;
    const memory = openSpareMemory(systemClock);
    const passed = () => memory.worked();
    const sync = await startFollowing({ ...options, config, store, cluster, clock: systemClock, log, passed });
    onStarted(sync);
    await fired(stop);
    await sync.close();
    memory.close();
  } finally {
    await store.close();
  }
}
