// `sync` itself: opens the store, follows the source, and runs until it is told to end.
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { openLog } from "../../log.ts";
import { answerFor, type FollowOptions, startFollowing } from "../../roles.ts";
import { ensureCluster, type OwnCluster } from "../../store/cluster.ts";
import { openStore } from "../../store/open-store.ts";
import { addressOf } from "../../sync/metrics.ts";
import { fired, stopSignal } from "./serve.ts";

export interface ServeSyncOptions
  extends Pick<FollowOptions, "target" | "intervalMs" | "partial" | "heals" | "adopt" | "limits"> {
  readonly config: Config;
  readonly storeUrl: string;
  /** Where health and metrics are told; undefined: on loopback, at a free port where the usual one is taken. */
  readonly listen: string | undefined;
}

const defaultAddress = "127.0.0.1:5380";

/** Resolves when it has ended after SIGTERM, SIGINT or SIGHUP. */
export async function serveSync({ config, storeUrl, listen, ...options }: ServeSyncOptions): Promise<void> {
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
    try {
      const address = addressOf(listen ?? defaultAddress);
      const anyPort = listen === undefined;
      const answering = await answerFor(sync, { address, anyPort, clock: systemClock });
      log.info("health and metrics are told", { url: answering.url });
      await fired(stop);
      await answering.close();
    } finally {
      await sync.close();
    }
    log.info("sync ends; what it applied stays");
  } finally {
    await store.close();
  }
}
