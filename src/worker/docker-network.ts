// The node's bridge network in Docker: adopts ours, or makes one out of a free part of the cluster range.
import { readFile } from "node:fs/promises";
import type Docker from "dockerode";
import { OrchestraError } from "../model/errors.ts";
import { labels } from "./docker-container.ts";
import { compareVersions, type Engine } from "./docker-engine.ts";
import { engineError, engineText, statusOf } from "./docker-errors.ts";
import { chooseSubnet, routesIn, type TakenRange } from "./network.ts";
import type { NetworkRequest, NodeNetwork } from "./runtime.ts";

/** Room for the headers of a tunnel between hosts: a network keeps its MTU for life, so it is chosen for many hosts from the start. */
const mtu = 1450;
/** From here on Docker drops routed traffic to containers unless it is asked not to. */
const routedModeSince = "28.0";
/** Another worker on this host may take the same part between our look and our creation. */
const attempts = 5;

/** Returns the network that `cluster` asks for; throws `invalid` when it belongs to someone else or no part of the range may be used. */
export async function ensureNetwork(engine: Engine, cluster: string, request: NetworkRequest): Promise<NodeNetwork> {
  for (let attempt = 1; ; attempt += 1) {
    const networks = await engine.call((docker) => docker.listNetworks());
    const found = networks.find((network) => network.Name === request.name);
    if (found) return adopt(found, cluster);
    const choice = chooseSubnet({
      clusterRange: request.range,
      taken: [...(await hostRoutes()), ...networks.flatMap(subnetsOf)],
      seed: `${request.name}/${attempt}`,
      last: attempt === 1 ? request.last : undefined,
    });
    if ("refused" in choice) {
      throw new OrchestraError("invalid", choice.refused, {
        hint: "set ORCHESTRA_NETWORK_RANGE to a range that this host does not use, before the first `orchestra up` of the cluster",
      });
    }
    try {
      await create(engine, { name: request.name, cluster, subnet: choice });
    } catch (error) {
      // 403 and 409: the pool overlaps with a network made meanwhile, or ours was made by another worker of this cluster.
      const lostRace = [403, 409].includes(statusOf(error) ?? 0) || /overlaps/i.test(engineText(error));
      if (!lostRace || attempt === attempts) throw engineError(error);
    }
  }
}

/** Removes the network `name` of `cluster` when nothing is attached; returns whether it was there and is gone. */
export async function removeNetwork(engine: Engine, cluster: string, name: string): Promise<boolean> {
  const networks = await engine.call((docker) => docker.listNetworks());
  const found = networks.find((network) => network.Name === name);
  if (!found || !isOurs(found, cluster)) return false;
  // The engine itself counts running containers only; a stopped one could never be started again.
  const options = { all: true, filters: { network: [found.Id] } };
  const attached = await engine.call((docker) => docker.listContainers(options));
  if (attached.length > 0) return false;
  try {
    await engine.call(
      (docker) => docker.getNetwork(found.Id).remove(),
      (error) => error as Error,
    );
    return true;
  } catch (error) {
    // 403: a container came meanwhile. 404: somebody else removed it.
    if ([403, 404].includes(statusOf(error) ?? 0)) return false;
    throw engineError(error);
  }
}

interface NewNetwork {
  readonly name: string;
  readonly cluster: string;
  readonly subnet: { readonly range: string; readonly gateway: string };
}

async function create(engine: Engine, { name, cluster, subnet }: NewNetwork) {
  const { version } = await engine.clients();
  const routed = compareVersions(version.replace(/[^\d.].*$/, ""), routedModeSince) >= 0;
  await engine.call(
    (docker) =>
      docker.createNetwork({
        Name: name,
        Driver: "bridge",
        CheckDuplicate: true,
        IPAM: { Driver: "default", Config: [{ Subnet: subnet.range, Gateway: subnet.gateway }] },
        Options: {
          "com.docker.network.driver.mtu": String(mtu),
          ...(routed ? { "com.docker.network.bridge.gateway_mode_ipv4": "nat-unprotected" } : {}),
        },
        Labels: { [labels.cluster]: cluster },
      }),
    (error) => error as Error,
  );
}

function adopt(network: Docker.NetworkInspectInfo, cluster: string): NodeNetwork {
  const config = network.IPAM?.Config?.[0];
  if (!isOurs(network, cluster) || !config?.Subnet || !config.Gateway) {
    throw new OrchestraError("invalid", `the Docker network ${network.Name} is not ours`, {
      hint: `remove it (docker network rm ${network.Name}) or rename it`,
    });
  }
  return { name: network.Name, range: config.Subnet, gateway: config.Gateway };
}

function isOurs(network: Docker.NetworkInspectInfo, cluster: string): boolean {
  return network.Labels?.[labels.cluster] === cluster;
}

function subnetsOf(network: Docker.NetworkInspectInfo): TakenRange[] {
  return (network.IPAM?.Config ?? []).flatMap((config) =>
    config.Subnet === undefined
      ? []
      : [{ range: config.Subnet, isBridge: true, name: `the Docker network ${network.Name}` }],
  );
}

/** Elsewhere than on Linux the engine runs in a machine of its own, whose routes we cannot see. */
async function hostRoutes(): Promise<TakenRange[]> {
  return routesIn(await readFile("/proc/net/route", "utf8").catch(() => ""));
}
