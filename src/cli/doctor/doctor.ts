// doctor: looks at everything that orchestra needs on this machine, in the order in which it needs it. Changes nothing.
import type { Config } from "../../config.ts";
import type { ClusterDocument } from "../../model/cluster.ts";
import { clusterKey, nameOf } from "../../model/keys.ts";
import type { NodeDocument } from "../../model/node.ts";
import { findNamesProgram, hostNetwork, namesStatus, openRuntime } from "../../roles.ts";
import { upRecordsOf } from "../../state-folder.ts";
import type { Store } from "../../store/store.ts";
import { runningUp } from "../run/running.ts";
import { checkEngine } from "./check-engine.ts";
import { checkClock, checkDisk, hasAddress } from "./check-host.ts";
import { checkNames } from "./check-names.ts";
import { checkRange, checkRoutes } from "./check-network.ts";
import { checkStore } from "./check-store.ts";
import { type Check, ok } from "./checks.ts";

/** What the store knows of this machine; nothing while there is none. */
interface Known {
  readonly cluster?: ClusterDocument;
  readonly newest?: string;
  readonly nodes: ReadonlyMap<string, NodeDocument>;
}

/** `storeUrl` with the absolute path. */
export async function examine(config: Config, storeUrl: string): Promise<Check[]> {
  const up = runningUp(config.stateDir, storeUrl);
  const node = up?.node ?? upRecordsOf(config.stateDir, storeUrl).at(-1)?.node;
  const engine = await checkEngine(openRuntime(config, { cluster: "doctor", node: "doctor" }));
  const stored = await checkStore(storeUrl, config.storeAccess);
  try {
    const known: Known = stored.store ? await readKnown(stored.store) : { nodes: new Map() };
    const { cluster, nodes } = known;
    const { info } = engine;
    const network = nodes.get(node ?? "")?.network;
    // The store remembers a bridge that `down --pods` has removed: the next one takes its range.
    const gateway = network && (await hasAddress(network.gateway)) ? network.gateway : undefined;
    return [
      up
        ? ok("orchestra", `runs as node ${up.node} (pid ${up.pid}) since ${up.since}`)
        : ok("orchestra", "not running here"),
      ...engine.checks,
      ...(info && isLocal(config) ? [await checkDisk("Docker's disk", info.dataFolder)] : []),
      ...stored.checks,
      await checkDisk("State folder", config.stateDir),
      checkRange(cluster?.networkRange ?? config.networkRange, gateway),
      ...(cluster && node !== undefined && network
        ? checkRoutes({ cluster, node, nodes, found: await hostNetwork(cluster.id).look(network.gateway) })
        : []),
      ...(await checkNames({
        program: await findNamesProgram(config),
        status: cluster === undefined ? undefined : await namesStatus(config.stateDir, cluster.id),
        upIsRunning: up !== undefined,
        wantedLocalPort: config.dnsPort,
        gateway,
      })),
      checkClock(Date.now(), known.newest),
    ];
  } finally {
    await stored.store?.close();
  }
}

async function readKnown(store: Store): Promise<Known> {
  const cluster = (await store.read(clusterKey))?.value;
  const snapshot = await store.list(["statuses", "nodes"]);
  const times = snapshot.list("statuses").map(({ value }) => value.at);
  const newest = [...times, ...(cluster ? [cluster.createdAt] : [])].sort().at(-1);
  return {
    ...(cluster ? { cluster } : {}),
    ...(newest === undefined ? {} : { newest }),
    nodes: new Map(snapshot.list("nodes").map(({ key, value }) => [nameOf(key), value])),
  };
}

/** Whether the engine's folders are on this machine. */
function isLocal({ dockerHost }: Config): boolean {
  return dockerHost === undefined || dockerHost.startsWith("unix://");
}
