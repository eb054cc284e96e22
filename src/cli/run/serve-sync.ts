// `sync` itself: opens the store, follows the source, and runs until it is told to end.
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { type Log, openLog } from "../../log.ts";
import { answerFor, type FollowOptions, startFollowing } from "../../roles.ts";
import type { OwnCluster } from "../../store/cluster.ts";
import { openStore } from "../../store/open-store.ts";
import { addressOf } from "../../sync/metrics.ts";
import type { Sync } from "../../sync/sync.ts";
import { endSoon } from "./ending.ts";
import { knownCluster } from "./known-cluster.ts";
import { fired, stopSignal } from "./serve.ts";
import { openSpareMemory } from "./spare-memory.ts";

export interface ServeSyncOptions
  extends Pick<FollowOptions, "target" | "intervalMs" | "partial" | "heals" | "adopt" | "limits" | "allowForcePush"> {
  readonly config: Config;
  readonly storeUrl: string;
  /** Where health and metrics are told; undefined: on loopback, at a free port where the usual one is taken. */
  readonly listen: string | undefined;
}

const defaultAddress = "127.0.0.1:5380";

/** Resolves when it has ended after SIGTERM, SIGINT or SIGHUP. Throws `unavailable` where nobody can listen at `listen`. */
export async function serveSync({ config, listen, ...options }: ServeSyncOptions): Promise<void> {
  const stop = stopSignal();
  const log = openLog(config.logLevel);
  let sync: Sync | undefined;
  // First of all: who watches learns that the store does not answer, and an address that is taken ends this before anything is applied.
  const address = addressOf(listen ?? defaultAddress, "--listen");
  const answering = await answerFor(() => sync, { address, anyPort: listen === undefined, clock: systemClock, log });
  log.info("health and metrics are told", { url: answering.url });
  try {
    await followUntil({ config, ...options, log, stop }, (started) => {
      sync = started;
    });
    log.info("sync ends; what it applied stays");
  } finally {
    await answering.close();
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
    const sync = startFollowing({ ...options, store, stateDir, cluster, clock: systemClock, log, passed });
    onStarted(sync);
    await fired(stop);
    await sync.close();
    memory.close();
  } finally {
    await store.close();
  }
}
