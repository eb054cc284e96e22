// doctor: looks at everything that orchestra needs on this machine, in the order in which it needs it. Changes nothing.
import type { Config } from "../../config.ts";
import { clusterKey } from "../../model/keys.ts";
import { findNamesProgram, namesStatus, openRuntime } from "../../roles.ts";
import { upRecordsOf } from "../../state-folder.ts";
import type { Store } from "../../store/store.ts";
import { chooseSubnet, routesIn } from "../../worker/network.ts";
import { runningUp } from "../run/serve.ts";
import { checkEngine } from "./check-engine.ts";
import { checkClock, checkDisk, hasAddress, routeTable } from "./check-host.ts";
import { checkNames } from "./check-names.ts";
import { checkStore } from "./check-store.ts";
import { type Check, fail, ok } from "./checks.ts";

/** What the store knows of this machine; all absent while there is none. */
interface Known {
  readonly cluster?: string;
  readonly range?: string;
  readonly newest?: string;
  readonly gateway?: string;
}

/** `storeUrl` with the absolute path. */
export async function examine(config: Config, storeUrl: string): Promise<Check[]> {
  const up = runningUp(config.stateDir, storeUrl);
  const node = up?.node ?? upRecordsOf(config.stateDir, storeUrl).at(-1)?.node;
  const engine = await checkEngine(openRuntime(config, { cluster: "doctor", node: "doctor" }));
  const stored = await checkStore(storeUrl, config.storeAccess);
  try {
    const known = stored.store ? await readKnown(stored.store, node) : {};
    const { info } = engine;
    // The store remembers a bridge that `down --pods` has removed: the next one takes its range.
    const gateway = known.gateway !== undefined && (await hasAddress(known.gateway)) ? known.gateway : undefined;
    return [
      up
        ? ok("orchestra", `runs as node ${up.node} (pid ${up.pid}) since ${up.since}`)
        : ok("orchestra", "not running here"),
      ...engine.checks,
      ...(info && isLocal(config) ? [await checkDisk("Docker's disk", info.dataFolder)] : []),
      ...stored.checks,
      await checkDisk("State folder", config.stateDir),
      checkRange(known.range ?? config.networkRange, gateway),
      ...(await checkNames({
        program: await findNamesProgram(config),
        status: known.cluster === undefined ? undefined : await namesStatus(config.stateDir, known.cluster),
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

async function readKnown(store: Store, node: string | undefined): Promise<Known> {
  const cluster = (await store.read(clusterKey))?.value;
  const snapshot = await store.list(["statuses", "nodes"]);
  const times = snapshot.list("statuses").map(({ value }) => value.at);
  const newest = [...times, ...(cluster ? [cluster.createdAt] : [])].sort().at(-1);
  const network = snapshot.list("nodes").find(({ key }) => key === `nodes/${node}`)?.value.network;
  return {
    ...(cluster ? { cluster: cluster.id, range: cluster.networkRange } : {}),
    ...(newest === undefined ? {} : { newest }),
    ...(network ? { gateway: network.gateway } : {}),
  };
}

/** Whether the engine's folders are on this machine. */
function isLocal({ dockerHost }: Config): boolean {
  return dockerHost === undefined || dockerHost.startsWith("unix://");
}

function checkRange(range: string, gateway: string | undefined): Check {
  const name = "Network";
  if (gateway !== undefined) return ok(name, `this node's bridge has the gateway ${gateway}, out of ${range}`);
  const choice = chooseSubnet({ clusterRange: range, taken: routesIn(routeTable()), seed: "doctor" });
  if (!("refused" in choice))
    return ok(name, `${range} meets none of this host's routes; orchestra up makes this node's bridge`);
  return fail(
    name,
    choice.refused,
    "set ORCHESTRA_NETWORK_RANGE to a range that this host does not use, before the first up",
  );
}
