// doctor: the range of the containers' network, and the ways from it to the other nodes' containers. Changes nothing.
import type { NodeDocument } from "../../model/node.ts";
import { chooseSubnet, routesIn } from "../../worker/network.ts";
import { type HostState, peersOf, type RouteStep, routesOf } from "../../worker/routes.ts";
import { routeTable } from "./check-host.ts";
import { type Check, fail, ok, warn } from "./checks.ts";

/** `gateway`: of this node, once it has its network. */
export function checkRange(range: string, gateway: string | undefined): Check {
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

export interface RoutesToCheck {
  readonly cluster: { readonly id: string; readonly networkRange: string };
  readonly node: string;
  readonly nodes: ReadonlyMap<string, NodeDocument>;
  /** What this host has. */
  readonly found: HostState;
}

/** Nothing on a node that is alone. */
export function checkRoutes({ cluster, node, nodes, found }: RoutesToCheck): Check[] {
  const name = "Other nodes";
  const own = nodes.get(node)?.network;
  const peers = own ? peersOf(nodes, node, own) : [];
  if (!own || peers.length === 0) return [];
  const missing = routesOf({ cluster, own, peers, found, mayRemove: true }).filter(
    (step) => step.do === "set-route" || step.do === "insert-rule",
  );
  const problem = own.problem ?? whatIsMissing(missing, found);
  if (problem !== undefined)
    return [warn(name, problem, "the worker keeps routes and rules while it runs, as root: orchestra up")];
  return [ok(name, `a way to the containers of ${peers.length} other ${peers.length === 1 ? "node" : "nodes"}`)];
}

function whatIsMissing([first]: readonly RouteStep[], { bridge }: HostState): string | undefined {
  if (bridge === undefined) return "the bridge of this node's network is not on this machine, or the network is gone";
  if (first === undefined) return undefined;
  if (first.do === "set-route") return `there is no route to ${first.node} (${first.route.range})`;
  return "the firewall does not let other nodes' traffic to containers, or hides where it is from";
}
