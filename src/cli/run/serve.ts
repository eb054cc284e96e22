// `up` itself: opens the store, starts the roles, and runs until it is told to end.
// Reads and writes the state folder's record of `up`; everything else is the roles' work.
import { existsSync } from "node:fs";
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { openLog } from "../../log.ts";
import { OrchestraError } from "../../model/errors.ts";
import { isRunning, processOf, writeProcessRecord } from "../../process-record.ts";
import { type Roles, startRoles } from "../../roles.ts";
import { type UpRecord, upLogPath, upRecordPath, upRecordsOf } from "../../state-folder.ts";
import { ensureCluster } from "../../store/cluster.ts";
import { openStore } from "../../store/open-store.ts";
import { keepLogSmall } from "./detach.ts";

export interface ServeOptions {
  readonly config: Config;
  /** With the absolute path. */
  readonly storeUrl: string;
  /** Of this program. */
  readonly version: string;
  /** Called once, when the roles do their work. */
  readonly onServing: (roles: Roles) => void;
}

/** How long `down` may miss us after the state folder was deleted. */
const noteMs = 1_000;

/** Resolves when the roles have closed after SIGTERM, SIGINT or SIGHUP; a second signal ends the process at once. Throws `conflict` when an `up` runs here already. */
export async function serve({ config, storeUrl, version, onServing }: ServeOptions): Promise<void> {
  const stop = stopSignal();
  const running = runningUp(config.stateDir, storeUrl);
  if (running) throw alreadyRunning(running);
  const store = await openStore(storeUrl, { create: true });
  try {
    const since = systemClock.wall();
    const cluster = await ensureCluster(store, { now: since, networkRange: config.networkRange });
    const stopRotation = keepLogSmall(upLogPath(config.stateDir, cluster.id));
    const log = openLog(config.logLevel);
    const roles = await startRoles({ config, store, cluster, version, clock: systemClock, log, stop });
    let stopNoting = () => {};
    try {
      const record = { cluster: cluster.id, store: storeUrl, node: roles.node, since };
      stopNoting = keepNoted(config.stateDir, record);
      onServing(roles);
      await fired(stop);
      log.info("orchestra ends; pods and names stay");
    } finally {
      stopNoting();
      await roles.close();
      stopRotation();
    }
  } finally {
    await store.close();
  }
}

/** The `up` that runs on this store and state folder, if one does. */
export function runningUp(stateDir: string, storeUrl: string): UpRecord | undefined {
  return upRecordsOf(stateDir, storeUrl).find((record) => isRunning(record));
}

function alreadyRunning({ pid, node, since }: UpRecord): OrchestraError {
  return new OrchestraError(
    "conflict",
    `orchestra runs already on this store, as node ${node} (pid ${pid}, since ${since})`,
    {
      hint: "stop it with orchestra down first",
      details: { pid, node, since },
    },
  );
}

/** Notes that we run, and again when the state folder was deleted under us: `down` must still find us. The result ends it. */
function keepNoted(stateDir: string, record: Omit<UpRecord, "pid" | "start">): () => void {
  const path = upRecordPath(stateDir, record.cluster);
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

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(name, () => {
      // Somebody is in a hurry: containers and names stay as they are, and the store's locks end with the process.
      if (stop.signal.aborted) process.exit(1);
      stop.abort(new OrchestraError("unavailable", `orchestra was told to end (${name})`));
    });
  }
  return stop.signal;
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
