// `down`: ends what `up` started on this machine. Works from the state folder alone: the store may be gone, `up` may have been killed.
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../../config.ts";
import { networkName } from "../../model/cluster.ts";
import { OrchestraError } from "../../model/errors.ts";
import { nameOf, statusesKey } from "../../model/keys.ts";
import { isRunning, type ProcessRecord, signalProcess } from "../../process-record.ts";
import { openRuntime, removeRoutes, stopNames } from "../../roles.ts";
import { type RolesRecord, rolesOf, runRecordsOf, upRecordsOf } from "../../state-folder.ts";
import { openStore } from "../../store/open-store.ts";
import { put, type Store } from "../../store/store.ts";
import { removePods, type Templates } from "./remove-pods.ts";

/** Closing waits for the pass under way: a few engine calls. */
const endLimitMs = 30_000;

export interface StopOptions {
  readonly config: Config;
  /** With the absolute path. */
  readonly storeUrl: string;
  /** Stop and remove the containers too. */
  readonly pods: boolean;
  readonly say: (line: string) => void;
}

/** Says what it ended; when nothing ran, that. */
export async function stopUp({ config, storeUrl, pods, say }: StopOptions): Promise<void> {
  const ups = upRecordsOf(config.stateDir, storeUrl);
  const runs = runRecordsOf(config.stateDir, storeUrl);
  let anything = false;
  for (const record of clustersOf(ups, runs)) {
    const ended = ups.includes(record) && (await endProcess(record));
    if (ended) say(`orchestra has ended (node ${record.node}, pid ${record.pid}).`);
    // Who has started them would start them again; and what they look after is theirs as long as they run.
    const goingOn = runs.filter((run) => run.cluster === record.cluster && isRunning(run));
    for (const run of goingOn) {
      say(`orchestra run ${rolesOf(run).join(" ")} goes on here (pid ${run.pid}): end it where it was started.`);
    }
    if (goingOn.length > 0) {
      anything = true;
      continue;
    }
    const namesEnded = await stopNames(config.stateDir, record.cluster);
    if (namesEnded) say("CoreDNS has ended: names of this cluster are no longer answered.");
    const removed = pods ? await removeOurPods(config, record) : 0;
    if (removed > 0) say(`${removed} ${removed === 1 ? "pod has" : "pods have"} ended; the next up starts them again.`);
    if (!pods && (ended || namesEnded)) say("Pods run on; orchestra down --pods ends them too.");
    await removeIdleRoutes(config, record);
    anything ||= ended || namesEnded || removed > 0;
  }
  if (!anything) say("Nothing was running.");
}

/** One record of each cluster that had roles here, that of its `up` where there is one. */
function clustersOf(ups: readonly RolesRecord[], runs: readonly RolesRecord[]): RolesRecord[] {
  const byCluster = new Map([...runs, ...ups].map((record) => [record.cluster, record]));
  return [...byCluster.values()];
}

/** False when it did not run. */
async function endProcess(record: ProcessRecord): Promise<boolean> {
  if (!signal(record, "SIGTERM")) return false;
  const deadline = performance.now() + endLimitMs;
  while (isRunning(record) && performance.now() < deadline) await pause(20);
  // It hangs. Nothing is lost: whatever a killed process had begun, the next one looks at and finishes.
  if (signal(record, "SIGKILL")) while (isRunning(record)) await pause(20);
  return true;
}

function signal(record: ProcessRecord, name: NodeJS.Signals): boolean {
  try {
    return signalProcess(record, name);
  } catch (error) {
    throw new OrchestraError("unavailable", `orchestra (pid ${record.pid}) belongs to another user`, {
      hint: "run down as the user who ran up",
      cause: error,
    });
  }
}

async function removeOurPods(config: Config, { cluster, node, store: url }: RolesRecord): Promise<number> {
  const runtime = openRuntime(config, { cluster, node });
  // Without the store the pods are stopped all the same, in the usual way.
  const store = await openStore(url, { create: false, access: () => config.storeAccess }).catch(() => undefined);
  try {
    const removed = await removePods(runtime, store ? await templatesIn(store) : new Map());
    if (store) await forgetStatuses(store, node);
    // Another node of this cluster may run here, or somebody's own container may be attached: then it stays.
    await runtime.removeNetwork(networkName(cluster), { force: false }, new AbortController().signal);
    return removed;
  } finally {
    await store?.close();
  }
}

/** The routes to other nodes are for pods: those that run on keep them. */
async function removeIdleRoutes(config: Config, { cluster, node }: RolesRecord): Promise<void> {
  const runtime = openRuntime(config, { cluster, node });
  const left = await runtime.list(new AbortController().signal).catch(() => undefined);
  if (left?.length === 0) await removeRoutes(cluster);
}

/** They say how each pod wants to be stopped. */
async function templatesIn(store: Store): Promise<Templates> {
  const revisions = (await store.list(["revisions"])).list("revisions");
  return new Map(revisions.map(({ key, value }) => [nameOf(key), value]));
}

/** In the place of the worker, which has ended: the next one would answer names with addresses of containers that are gone. */
async function forgetStatuses(store: Store, node: string): Promise<void> {
  const key = statusesKey(node);
  const found = await store.read(key);
  if (!found || found.value.statuses.length === 0) return;
  const empty = { at: new Date().toISOString(), statuses: [] };
  await store.commit({ changes: [put(key, empty, found.version)] });
}
