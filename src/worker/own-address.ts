// Which of the host's addresses other machines reach it by, unless a setting says it.
import type { NetworkInterfaceInfo } from "node:os";

/** How interfaces are called that lead to containers or virtual machines of this host, and to nobody else. */
const inner = /^(docker|br-|veth|virbr|cni|podman|lxc)/;

/**
 * The address of the interface that leads out (`routeTable`: `/proc/net/route`), else the first that other machines may have; on a machine without
 * a network 127.0.0.1.
 */
export function ownAddress(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  routeTable: string,
): string {
  const outer = Object.entries(interfaces).flatMap(([name, list = []]) =>
    inner.test(name) ? [] : list.filter(isUsable).map(({ address }) => ({ name, address })),
  );
  const leadsOut = leadingOut(routeTable);
  return (outer.find(({ name }) => name === leadsOut) ?? outer[0])?.address ?? "127.0.0.1";
}

function isUsable({ family, internal, address }: NetworkInterfaceInfo): boolean {
  return family === "IPv4" && !internal && !address.startsWith("169.254.");
}

/** The interface of the default route, the one with the lowest metric if there are several. */
function leadingOut(table: string): string | undefined {
  const routes = table.split("\n").map((line) => line.trim().split(/\s+/));
  const defaults = routes.filter(
    ([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000",
  );
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}
