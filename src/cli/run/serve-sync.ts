// `sync` itself: opens the store, follows the source, and runs until it is told to end.
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { openLog } from "../../log.ts";
import { type FollowOptions, startFollowing } from "../../roles.ts";
import { ensureCluster, type OwnCluster } from "../../store/cluster.ts";
import { openStore } from "../../store/open-store.ts";
import { fired, stopSignal } from "./serve.ts";

export interface ServeSyncOptions
  extends Pick<FollowOptions, "target" | "intervalMs" | "partial" | "heals" | "adopt" | "limits"> {
  readonly config: Config;
  readonly storeUrl: string;
}

/** Resolves when it has ended after SIGTERM, SIGINT or SIGHUP. */
export async function serveSync({ config, storeUrl, ...options }: ServeSyncOptions): Promise<void> {
  const stop = stopSignal();
  const log = openLog(config.logLevel);
  const own: OwnCluster = {};
  const access = () => config.storeAccess;
  const store = await openStore(storeUrl, { create: true, patient: true, own, access, log });
  try {
    const { networkRange, stateDir } = config;
    const cluster = (await ensureCluster(store, { now: systemClock.wall(), networkRange })).id;
    own.id = cluster;
    const sync = startFollowing({ ...options, store, stateDir, cluster, clock: systemClock, log });
    await fired(stop);
    await sync.close();
    log.info("sync ends; what it applied stays");
  } finally {
    await store.close();
  }
}
