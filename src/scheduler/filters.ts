// The filters: what a node must have for a pod. Each answers yes or no, says what this node lacks, and speaks for many nodes at once.
import { formatCpu, formatMemory } from "../model/quantity.ts";
import { addressesMeet, type NodeRoom, type PodGroup } from "./room.ts";

export type FilterName =
  | "present"
  | "engine"
  | "cordon"
  | "platform"
  | "nodeSelector"
  | "hostPort"
  | "maxPerNode"
  | "cpu"
  | "memory"
  | "pids"
  | "addresses";

/** What a pod asks of a node. */
export interface Ask extends Pick<PodGroup, "deployment" | "demand" | "rules"> {
  /** Pods of the same Deployment that should run on this node already. */
  readonly runningOn: (node: NodeRoom) => number;
}

export interface Filter {
  readonly name: FilterName;
  readonly accepts: (ask: Ask, node: NodeRoom) => boolean;
  /** What a node that refused lacks: `memory 512Mi wanted, 300Mi free`. */
  readonly missing: (ask: Ask, node: NodeRoom) => string;
  /** The same of many nodes, to follow their number: `without enough free memory`. */
  readonly explain: string;
}

const present: Filter = {
  name: "present",
  accepts: (_ask, node) => node.present,
  missing: () => "its worker is not there",
  explain: "absent",
};

const engine: Filter = {
  name: "engine",
  accepts: (_ask, node) => node.engine,
  missing: () => "its engine is silent",
  explain: "with a silent engine",
};

const cordon: Filter = {
  name: "cordon",
  accepts: (_ask, node) => !node.cordoned,
  missing: () => "cordoned",
  explain: "cordoned",
};

/** Containers here are Linux containers; which processor an image is made for only its registry knows. */
const platform: Filter = {
  name: "platform",
  accepts: (_ask, node) => node.os === "linux",
  missing: (_ask, node) => `runs ${node.os} containers, not linux`,
  explain: "that cannot run linux containers",
};

const nodeSelector: Filter = {
  name: "nodeSelector",
  accepts: ({ rules }, node) => satisfiesSelector(rules.nodeSelector, node.labels),
  missing: ({ rules }, node) =>
    Object.entries(rules.nodeSelector ?? {})
      .filter(([name, value]) => labelOf(node.labels, name) !== value)
      .map(([name, value]) => `label ${name}=${value} wanted, ${describeLabel(name, labelOf(node.labels, name))}`)
      .join("; "),
  explain: "without the labels of nodeSelector",
};

const hostPort: Filter = {
  name: "hostPort",
  accepts: ({ demand }, node) => demand.hostPorts.every((wanted) => holdersOf(node, wanted).length === 0),
  missing: ({ demand }, node) =>
    demand.hostPorts
      .filter((wanted) => holdersOf(node, wanted).length > 0)
      .map((wanted) => `host port ${wanted.port} is held by ${holdersOf(node, wanted)[0]?.deployment}`)
      .join("; "),
  explain: "whose host port is taken",
};

const maxPerNode: Filter = {
  name: "maxPerNode",
  accepts: ({ rules, runningOn }, node) => rules.maxPerNode === undefined || runningOn(node) < rules.maxPerNode,
  missing: ({ rules, runningOn }, node) => `maxPerNode ${rules.maxPerNode}, ${runningOn(node)} there`,
  explain: "with maxPerNode pods already",
};

const cpu: Filter = {
  name: "cpu",
  accepts: ({ demand }, node) =>
    demand.resources.cpuMilli === 0 || demand.resources.cpuMilli <= node.capacity.cpuMilli - node.cpuMilli,
  missing: ({ demand }, node) =>
    `cpu ${formatCpu(demand.resources.cpuMilli)} wanted, ${formatCpu(free(node.capacity.cpuMilli, node.cpuMilli))} free`,
  explain: "without enough free cpu",
};

const memory: Filter = {
  name: "memory",
  accepts: ({ demand }, node) =>
    demand.resources.memoryBytes === 0 || demand.resources.memoryBytes <= node.capacity.memoryBytes - node.memoryBytes,
  missing: ({ demand }, node) =>
    `memory ${formatMemory(demand.resources.memoryBytes)} wanted, ${roundedMemory(free(node.capacity.memoryBytes, node.memoryBytes))} free`,
  explain: "without enough free memory",
};

const pids: Filter = {
  name: "pids",
  accepts: ({ demand }, node) =>
    demand.resources.pids === 0 || node.capacity.pids === 0 || demand.resources.pids <= node.capacity.pids - node.pids,
  missing: ({ demand }, node) => `pids ${demand.resources.pids} wanted, ${free(node.capacity.pids, node.pids)} free`,
  explain: "without enough free pids",
};

const addresses: Filter = {
  name: "addresses",
  accepts: (_ask, node) => node.pods < node.addresses,
  missing: (_ask, node) => `all ${node.addresses} addresses of its network are taken`,
  explain: "without a free address",
};

/** In the order in which a reason is named: what an operator did or sees first, what only numbers tell last. */
export const filters: readonly Filter[] = [
  present,
  engine,
  cordon,
  platform,
  nodeSelector,
  hostPort,
  maxPerNode,
  cpu,
  memory,
  pids,
  addresses,
];

/** Whether every filter accepts. */
export function fits(ask: Ask, node: NodeRoom): boolean {
  for (const filter of filters) if (!filter.accepts(ask, node)) return false;
  return true;
}

/** Whether a node with these labels is one that the selector asks for. */
export function satisfiesSelector(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (!selector) return true;
  for (const name in selector) if (labelOf(labels, name) !== selector[name]) return false;
  return true;
}

/** The label's value. `__proto__` and its like are no labels unless the node says so. */
export function labelOf(labels: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}

function describeLabel(name: string, value: string | undefined): string {
  return value === undefined ? `it has no ${name}` : `it has ${name}=${value}`;
}

function holdersOf(node: NodeRoom, wanted: PodGroup["demand"]["hostPorts"][number]) {
  const holders = node.ports.get(wanted.port);
  return holders ? holders.filter(({ ip }) => addressesMeet(ip, wanted.ip)) : [];
}

/** Less than nothing is free where a node has shrunk under its pods. */
function free(capacity: number, reserved: number): number {
  return Math.max(0, capacity - reserved);
}

/** Free memory as text. It is rarely a round number of bytes: rounded down, so that what is said to be free is free. */
export function roundedMemory(bytes: number): string {
  const mebibyte = 1024 ** 2;
  return bytes > mebibyte ? formatMemory(bytes - (bytes % mebibyte)) : formatMemory(bytes);
}
