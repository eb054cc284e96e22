// The room that makes pods answer by name: pods, placements, statuses, verdicts and templates → the zone file, and a CoreDNS that serves it.
// Reads a view of the store; writes `dns/` in the state folder. Both outlive this process and the store: names answer on without either.
import { stat } from "node:fs/promises";
import { startLoop } from "../loop.ts";
import { clusterState } from "../model/cluster-state.ts";
import { type Collection, nodeKey, verdictsKey } from "../model/keys.ts";
import type { Snapshot, Store } from "../store/store.ts";
import { type CorednsOptions, openCoredns } from "./coredns.ts";
import { corednsFiles } from "./coredns-process.ts";
import { recordsOf } from "./records.ts";
import { zoneBody } from "./zone.ts";
import { writeZoneFile } from "./zone-file.ts";

export interface DnsOptions extends CorednsOptions {
  readonly store: Store;
  /** The name of this machine's node: its document says on which bridge to answer. */
  readonly node: string;
}

export interface Dns {
  /** Ends the loops. CoreDNS goes on answering with the last zone. */
  close(): Promise<void>;
}

/** Enough for a timer that was missed: every change wakes the loop. */
const zoneResyncMs = 30_000;
/** How long a dead CoreDNS may stay unnoticed; a look costs one read of /proc. */
const corednsCheckMs = 1_000;

const followed = ["pods", "placements", "statuses", "revisions", "nodes"] as const satisfies readonly Collection[];

/** Starts both loops; the promise resolves when the store has been read once. */
export async function startDns(options: DnsOptions): Promise<Dns> {
  const { store, clock, log } = options;
  const files = corednsFiles(options.stateDir);
  const coredns = openCoredns(options);
  const view = await store.view([...followed, verdictsKey]);

  const gateway = () => view.snapshot().get(nodeKey(options.node))?.value.network?.gateway;
  let served: string | undefined;

  const processLoop = startLoop({
    name: "coredns",
    clock,
    log,
    resyncMs: corednsCheckMs,
    async pass() {
      coredns.keepNoted();
      // Without a zone CoreDNS would fail every question; the other loop writes the first one and wakes this one.
      if (!(await exists(files.zone))) {
        zoneLoop.wake();
        return {};
      }
      const wanted = gateway();
      const againInMs = await coredns.ensure(wanted);
      served = wanted;
      return againInMs === undefined ? {} : { againInMs };
    },
  });

  const zoneLoop = startLoop({
    name: "dns",
    clock,
    log,
    resyncMs: zoneResyncMs,
    async pass() {
      const snapshot = view.snapshot();
      // An old zone answers better than one that a gap in our knowledge has emptied.
      if (!snapshot.fresh) return {};
      const body = zoneBody(recordsOf(stateOf(snapshot)));
      const written = await writeZoneFile(files.zone, body, Date.parse(clock.wall()) / 1000);
      if (!written) return {};
      log.debug("zone written", { position: snapshot.position });
      if (served === undefined) processLoop.wake();
      return {};
    },
  });

  const stopListening = view.onChange(() => {
    zoneLoop.wake();
    if (gateway() !== served) processLoop.wake();
  });
  return {
    async close() {
      stopListening();
      await Promise.all([zoneLoop.close(), processLoop.close()]);
      view.close();
    },
  };
}

/** Only what names depend on is followed, so a change of anything else wakes nobody; the rest of the state is empty. */
function stateOf(snapshot: Snapshot) {
  return clusterState({
    list: (collection) => (followed.some((one) => one === collection) ? snapshot.list(collection) : []),
    verdicts: () => snapshot.get(verdictsKey)?.value,
  });
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
