// What the host needs so that containers of different nodes see each other: a route to each other node's range, and two rules of the firewall.
// Pure: the adapter tells what is there and carries out the steps. Everything of ours bears our mark, and nothing else is touched.
import type { NodeDocument } from "../model/node.ts";
import type { TakenRange } from "./network.ts";
import type { NodeNetwork } from "./runtime.ts";

/** The way to another node's containers. */
export interface Route {
  readonly range: string;
  /** The node's address. */
  readonly via: string;
  /** What this host itself calls from: an address of its own range, which the other nodes know the way back to. */
  readonly from: string;
}

/**
 * `accept`: Docker drops what is routed to its containers; DOCKER-USER is where others may have a say before it does. `nat`: Docker gives what leaves its
 * network the host's address.
 */
export type Chain = "accept" | "nat";

/** What the host has now. */
export interface HostState {
  /** Ours, of this cluster. */
  readonly routes: readonly Route[];
  /** The interface that has the gateway's address; absent: the engine's networks are on another machine. */
  readonly bridge?: string;
  /** Every rule, as `iptables -S` writes it, without `-A` and the chain. Absent: there is no such chain, so nothing is dropped in it. */
  readonly rules: Readonly<Partial<Record<Chain, readonly string[]>>>;
}

export type RouteStep =
  | { readonly do: "set-route"; readonly route: Route; readonly node: string }
  | { readonly do: "remove-route"; readonly route: Route }
  | { readonly do: "insert-rule" | "delete-rule"; readonly chain: Chain; readonly rule: string };

/** What an adapter does with the routes and the firewall of the host, for one cluster. */
export interface HostNetwork {
  /** What the host routes already, but for our own routes of this cluster. */
  taken(): Promise<readonly TakenRange[]>;
  look(gateway: string): Promise<HostState>;
  /** Throws what the host's program said. */
  perform(step: RouteStep): Promise<void>;
}

/** Another node with a network. */
export interface Peer {
  readonly name: string;
  readonly address: string;
  readonly range: string;
}

export interface RoutesRequest {
  readonly cluster: { readonly id: string; readonly networkRange: string };
  readonly own: NodeNetwork;
  readonly peers: readonly Peer[];
  readonly found: HostState;
  /** False: what the store shows is not to be trusted, so nothing is removed or led elsewhere on its word. */
  readonly mayRemove: boolean;
}

/** The nodes that containers of this one can only reach by a route. A node with our own address or range shares this host. */
export function peersOf(nodes: Iterable<readonly [string, NodeDocument]>, self: string, own: NodeNetwork): Peer[] {
  const all = [...nodes];
  const ownAddress = all.find(([name]) => name === self)?.[1].address;
  const ranges = new Set([own.range]);
  return all.flatMap(([name, { address, network }]) => {
    if (name === self || !network || address === ownAddress || address.startsWith("127.")) return [];
    if (ranges.has(network.range)) return [];
    ranges.add(network.range);
    return [{ name, address, range: network.range }];
  });
}

/** What is to be done now; empty: the host is as it should be. Removals come last: at no moment is less possible than before. */
export function routesOf({ cluster, own, peers, found, mayRemove }: RoutesRequest): RouteStep[] {
  // Without the bridge there is nothing here that could be reached.
  const reached = found.bridge === undefined ? [] : peers;
  const wanted = new Map(reached.map(({ name, address, range }) => [range, { name, via: address }]));
  const sets = [...wanted].flatMap(([range, { name, via }]): RouteStep[] => {
    const route = { range, via, from: own.gateway };
    const there = found.routes.find((one) => one.range === range);
    return there && (isSame(there, route) || !mayRemove) ? [] : [{ do: "set-route", route, node: name }];
  });
  const removals = found.routes.flatMap((route): RouteStep[] =>
    wanted.has(route.range) ? [] : [{ do: "remove-route", route }],
  );
  const rules = chains.flatMap((chain) => {
    const there = found.rules[chain];
    const rule = reached.length > 0 ? ruleOf(chain, cluster, own, found.bridge ?? "") : undefined;
    return there ? ruleSteps(chain, rule, there, cluster.id) : [];
  });
  const steps = [...sets, ...rules, ...removals];
  // A rule that comes anew takes the old one's place; one that only goes does so on the store's word.
  const isRemoval = (step: RouteStep) =>
    step.do === "remove-route" || (step.do === "delete-rule" && reached.length === 0);
  return mayRemove ? steps : steps.filter((step) => !isRemoval(step));
}

/** Everything of ours goes. */
export function noRoutes(cluster: string, found: HostState): RouteStep[] {
  const rules = chains.flatMap((chain) => ruleSteps(chain, undefined, found.rules[chain] ?? [], cluster));
  return [...rules, ...found.routes.map((route): RouteStep => ({ do: "remove-route", route }))];
}

const chains: readonly Chain[] = ["accept", "nat"];

/** The comment that our rules bear. */
function markOf(cluster: string): string {
  return `-m comment --comment orchestra-${cluster}`;
}

/**
 * In the words of `iptables -S`, so that the two can be compared. What leaves by the bridge itself stays Docker's: a container that calls
 * itself through a published port has to get the host's address.
 */
function ruleOf(chain: Chain, cluster: RoutesRequest["cluster"], own: NodeNetwork, bridge: string): string {
  const mark = markOf(cluster.id);
  return chain === "accept"
    ? `-s ${cluster.networkRange} -d ${own.range} ${mark} -j ACCEPT`
    : `-s ${own.range} -d ${cluster.networkRange} ! -o ${bridge} ${mark} -j ACCEPT`;
}

function ruleSteps(chain: Chain, wanted: string | undefined, there: readonly string[], cluster: string): RouteStep[] {
  const mark = markOf(cluster);
  const ours = there.filter((rule) => rule.includes(`${mark} `));
  if (wanted !== undefined && ours.length === 1 && ours[0] === wanted && isInFront(wanted, there)) return [];
  const deletions = ours.map((rule): RouteStep => ({ do: "delete-rule", chain, rule }));
  return wanted === undefined ? deletions : [...deletions, { do: "insert-rule", chain, rule: wanted }];
}

/** Docker puts its own rules in front whenever a network is made, and the first that changes the address wins. */
function isInFront(rule: string, all: readonly string[]): boolean {
  const rival = all.findIndex((other) => /-j (MASQUERADE|SNAT)\b/.test(other));
  return rival < 0 || all.indexOf(rule) < rival;
}

function isSame(a: Route, b: Route): boolean {
  return a.range === b.range && a.via === b.via && a.from === b.from;
}

/** Routes of two clusters on one host differ in this. Never 0, which is the kernel's own. */
export function routeMetric(cluster: string): number {
  return 1 + (Number.parseInt(cluster, 16) % 0x0fff_ffff);
}

/** Why a step failed, as a sentence for people that ends what depends on it. `text`: what the host's program said. */
export function problemOf(step: RouteStep, text: string): string {
  if (/ENOENT/.test(text)) {
    const program = step.do.endsWith("route") ? "ip (iproute2)" : "iptables";
    return `the program ${program} is missing: containers here do not reach those of other nodes`;
  }
  if (/not permitted|permission denied|must be root/i.test(text)) {
    return "routes need root: containers here do not reach those of other nodes";
  }
  if (step.do === "set-route" && /gateway|unreachable/i.test(text)) {
    const { range, via } = step.route;
    return `${step.node} (${via}) is on no network of this host: give the router between them a route to ${range}, or set ORCHESTRA_NODE_ADDRESS there`;
  }
  return `${step.do.replace("-", " ")}: ${text}`;
}
