// `up` and `run` themselves: open the store, start the roles, and run until they are told to end.
// Read and write the state folder's record of what runs; everything else is the roles' work.
import { existsSync } from "node:fs";
import { fired, systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { type Log, openLog } from "../../log.ts";
import { OrchestraError } from "../../model/errors.ts";
import type { RoleName } from "../../model/role.ts";
import { processOf, writeProcessRecord } from "../../process-record.ts";
import { lockRole } from "../../role-lock.ts";
import { type Roles, startFollowing, startRoles } from "../../roles.ts";
import {
  clusterFolder,
  type RolesRecord,
  rolesOf,
  runRecordPath,
  upLogPath,
  upRecordPath,
} from "../../state-folder.ts";
import type { OwnCluster } from "../../store/cluster.ts";
import { openStore } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";
import type { Sync } from "../../sync/sync.ts";
import { keepLogSmall } from "./detach.ts";
import { endNow, endSoon } from "./ending.ts";
import { knownCluster } from "./known-cluster.ts";
import { alreadyRunning, runningHere } from "./running.ts";
import { openSyncHealth, type SyncHealth } from "./sync-health.ts";
import { syncRecord, type UpSync } from "./up-sync.ts";

export interface ServeOptions {
  readonly config: Config;
  /** As `absoluteUrl` gives it. */
  readonly storeUrl: string;
  /** Of this program. */
  readonly version: string;
  /** `up` is found by `down`; what `run` does is ended by who began it. */
  readonly command: "up" | "run";
  readonly roles: readonly RoleName[];
  /** What is followed besides. */
  readonly sync?: UpSync | undefined;
  /** Called once, when the roles do their work. */
  readonly onServing: (roles: Roles) => void;
}

/** How long `down` may miss us after the state folder was deleted. */
const noteMs = 1_000;

/**
 * Resolves when the roles have closed after SIGTERM, SIGINT or SIGHUP; a second signal ends the process at once.
 * Throws `conflict` when one of the roles runs here already, `unavailable` where nobody can listen at the sync's `listen`.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, storeUrl, roles } = options;
  const stop = stopSignal();
  const running = runningHere(config.stateDir, storeUrl).find((one) =>
    rolesOf(one).some((role) => roles.includes(role)),
  );
  if (running) throw alreadyRunning(running, options.sync !== undefined);
  const log = openLog(config.logLevel);
  // A worker that restarts while no server answers goes on with what it knows.
  const own: OwnCluster = {};
  const access = () => config.storeAccess;
  const health = options.sync && (await openSyncHealth(options.sync.following.listen, log));
  try {
    const store = await openStore(storeUrl, { create: true, patient: true, own, access, log });
    try {
      await serveStore(options, store, own, { stop, log, health });
    } finally {
      await store.close();
    }
  } finally {
    await health?.close();
  }
  if (options.sync) endSoon(log);
}

interface Around {
  readonly stop: AbortSignal;
  readonly log: Log;
  readonly health: SyncHealth | undefined;
}

async function serveStore(
  options: ServeOptions,
  store: Store,
  own: OwnCluster,
  { stop, log, health }: Around,
): Promise<void> {
  const { config, storeUrl, version, roles: wanted, sync, onServing } = options;
  const { stateDir, networkRange } = config;
  const since = systemClock.wall();
  const cluster = await knownCluster({ store, storeUrl, stateDir, networkRange, now: since, log });
  own.id = cluster.id;
  const releases = wanted.map((role) => lockRole(clusterFolder(stateDir, cluster.id), role));
  const stopRotation = keepLogSmall(upLogPath(stateDir, cluster.id));
  let stopNoting = () => {};
  try {
    let following: Sync | undefined;
    const roles = await startRoles({ config, store, cluster, version, wanted, clock: systemClock, log, stop });
    try {
      const path = recordPath(options, cluster.id);
      const record = { cluster: cluster.id, store: storeUrl, node: roles.node, since, roles: wanted };
      stopNoting = keepNoted(path, {
        ...record,
        ...(wanted.includes("master") ? { lostAfterMs: config.nodeLostAfterMs } : {}),
        ...(sync ? { sync: syncRecord(sync, roles.node) } : {}),
      });
      if (sync) {
        const { listen: _told, ...how } = sync.following;
        following = await startFollowing({ ...how, config, store, cluster: cluster.id, clock: systemClock, log });
        health?.follows(following);
      }
      onServing(roles);
      await fired(stop);
      log.info("orchestra ends; pods and names stay");
    } finally {
      await following?.close();
      stopNoting();
      await roles.close();
    }
  } finally {
    stopRotation();
    for (const release of releases) release();
  }
}

function recordPath({ command, config, roles }: ServeOptions, cluster: string): string {
  return command === "up" ? upRecordPath(config.stateDir, cluster) : runRecordPath(config.stateDir, cluster, roles);
}

/** Notes that we run, and again when the state folder was deleted under us: `down` must still find us. The result ends it. */
function keepNoted(path: string, record: Omit<RolesRecord, "pid" | "start">): () => void {
  const note = () => {
    const self = processOf(process.pid);
    if (self) writeProcessRecord(path, { ...record, ...self });
  };
  note();
  const timer = setInterval(() => {
    try {
      if (!existsSync(path)) note();
    } catch {
      // A disk that is full or read-only now; it is tried again.
    }
  }, noteMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Fires at SIGTERM, SIGINT or SIGHUP; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(name, () => {
      // Somebody is in a hurry: containers and names stay as they are, and the store's locks end with the process.
      if (stop.signal.aborted) return endNow(name);
      stop.abort(new OrchestraError("unavailable", `orchestra was told to end (${name})`));
    });
  }
  return stop.signal;
}
