// The node's bridge network in Docker: looked at, made on the range that was decided, removed.
import type Docker from "dockerode";
import { OrchestraError } from "../model/errors.ts";
import { labels, type Owner, ownerLabels } from "./docker-container.ts";
import { compareVersions, type Engine } from "./docker-engine.ts";
import { engineError, engineText, statusOf } from "./docker-errors.ts";
import type { TakenRange } from "./network.ts";
import type { EngineNetworks, NodeNetwork } from "./runtime.ts";

/** Room for the headers of a tunnel between hosts: a network keeps its MTU for life, so it is chosen for many hosts from the start. */
const mtu = 1450;
/** From here on Docker drops routed traffic to containers unless it is asked not to. */
const routedModeSince = "28.0";

/** Throws `invalid` when `name` is the network of someone else. */
export async function listNetworks(
  engine: Engine,
  cluster: string,
  name: string,
  signal: AbortSignal,
): Promise<EngineNetworks> {
  const networks = await engine.call((docker) => docker.listNetworks({ abortSignal: signal }));
  const found = networks.find((network) => network.Name === name);
  const taken = networks.flatMap(subnetsOf);
  if (!found) return { taken };
  const config = found.IPAM?.Config?.[0];
  if (!isOurs(found, cluster) || !config?.Subnet || !config.Gateway) {
    throw new OrchestraError("invalid", `the Docker network ${name} is not ours`, {
      hint: `remove it (docker network rm ${name}) or rename it`,
    });
  }
  const node = found.Labels?.[labels.node];
  const ours = { name, range: config.Subnet, gateway: config.Gateway, ...(node === undefined ? {} : { node }) };
  return { ours, taken };
}

/** False when the engine has the name or a part of the range already. */
export async function createNetwork(
  engine: Engine,
  owner: Owner,
  network: NodeNetwork,
  signal: AbortSignal,
): Promise<boolean> {
  const { version } = await engine.clients();
  const routed = compareVersions(version.replace(/[^\d.].*$/, ""), routedModeSince) >= 0;
  try {
    await engine.call(
      (docker) =>
        docker.createNetwork({
          Name: network.name,
          Driver: "bridge",
          CheckDuplicate: true,
          IPAM: { Driver: "default", Config: [{ Subnet: network.range, Gateway: network.gateway }] },
          Options: {
            "com.docker.network.driver.mtu": String(mtu),
            ...(routed ? { "com.docker.network.bridge.gateway_mode_ipv4": "nat-unprotected" } : {}),
          },
          Labels: ownerLabels(owner),
          abortSignal: signal,
        }),
      (error) => error as Error,
    );
    return true;
  } catch (error) {
    // 403 and 409: the range overlaps with a network made meanwhile, or ours was made by another worker of this cluster.
    if ([403, 409].includes(statusOf(error) ?? 0) || /overlaps/i.test(engineText(error))) return false;
    throw engineError(error);
  }
}

/** Removes the network `name` of `cluster` when nothing is attached, or with `force`; returns whether it was there and is gone. */
export async function removeNetwork(
  engine: Engine,
  cluster: string,
  { name, force }: { readonly name: string; readonly force: boolean },
  signal: AbortSignal,
): Promise<boolean> {
  const abortSignal = signal;
  const networks = await engine.call((docker) => docker.listNetworks({ abortSignal }));
  const found = networks.find((network) => network.Name === name);
  if (!found || !isOurs(found, cluster)) return false;
  // The engine itself counts running containers only; a stopped one could never be started again.
  const options = { all: true, filters: { network: [found.Id] }, abortSignal };
  const attached = await engine.call((docker) => docker.listContainers(options));
  if (attached.length > 0 && !force) return false;
  try {
    const asIs = (error: unknown) => error as Error;
    for (const { Id: Container } of attached) {
      await engine.call(
        (docker) => docker.getNetwork(found.Id).disconnect({ Container, Force: true, abortSignal }),
        asIs,
      );
    }
    await engine.call((docker) => docker.getNetwork(found.Id).remove({ abortSignal }), asIs);
    return true;
  } catch (error) {
    // 403: a container came meanwhile. 404: somebody else removed it.
    if ([403, 404].includes(statusOf(error) ?? 0)) return false;
    throw engineError(error);
  }
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
