// What would make one more pod fit: the smallest change of one node, or another node. Pure.
import { formatCpu, formatMemory } from "../model/quantity.ts";
import { type Ask, type FilterName, filters, labelOf } from "./filters.ts";
import { addressesMeet, type NodeRoom } from "./room.ts";

/** What has to change on a node so that a filter accepts it, and how much that is to ask for. */
interface Mend {
  readonly text: string;
  /** Compared only: resources count by their share of the node, what people have decided counts more, what has broken most. */
  readonly cost: number;
}

const mebibyte = 1024 ** 2;

/** Undefined: nothing that anybody can do to this node helps. */
const mends: Readonly<Record<FilterName, (ask: Ask, node: NodeRoom) => Mend | undefined>> = {
  present: () => ({ text: "its worker there again", cost: 20 }),
  engine: () => ({ text: "its engine answering again", cost: 20 }),
  cordon: () => ({ text: "its cordon lifted", cost: 6 }),
  platform: () => undefined,
  nodeSelector: ({ rules }, node) => {
    const missing = Object.entries(rules.nodeSelector ?? {}).filter(
      ([name, value]) => labelOf(node.labels, name) !== value,
    );
    return { text: labelsText(missing), cost: 8 * missing.length };
  },
  hostPort: (ask, node) => {
    const holders = ask.demand.hostPorts.flatMap(({ port, ip }) =>
      (node.ports.get(port) ?? [])
        .filter((holder) => addressesMeet(holder.ip, ip))
        .map(({ deployment }) => ({ port, deployment })),
    );
    // A pod of the same Deployment would want it back: only another node helps.
    if (holders.some(({ deployment }) => deployment === ask.deployment)) return undefined;
    const texts = holders.map(({ port, deployment }) => `host port ${port} given up by ${deployment}`);
    return { text: [...new Set(texts)].join(" and "), cost: 10 * holders.length };
  },
  maxPerNode: ({ runningOn }, node) => ({ text: `maxPerNode ${runningOn(node) + 1}`, cost: 6 }),
  cpu: ({ demand }, node) => {
    const missing = demand.resources.cpuMilli + node.cpuMilli - node.capacity.cpuMilli;
    return { text: `${formatCpu(missing)} more cpu`, cost: costOf(missing, node.capacity.cpuMilli) };
  },
  memory: ({ demand }, node) => {
    const missing = demand.resources.memoryBytes + node.memoryBytes - node.capacity.memoryBytes;
    const rounded = Math.ceil(missing / mebibyte) * mebibyte;
    return { text: `${formatMemory(rounded)} more memory`, cost: costOf(missing, node.capacity.memoryBytes) };
  },
  pids: ({ demand }, node) => {
    const missing = demand.resources.pids + node.pids - node.capacity.pids;
    return { text: `${missing} more pids`, cost: costOf(missing, node.capacity.pids) };
  },
  addresses: () => ({ text: "a free address in its network", cost: 12 }),
};

/** One clause: `one more fits on n1 with 250m more cpu`. Undefined where one more fits as it is. */
export function remedyText(ask: Ask, nodes: readonly NodeRoom[]): string | undefined {
  let best: (Mend & { readonly node: string }) | undefined;
  for (const node of nodes) {
    const mend = mendOf(ask, node);
    if (mend === "none needed") return undefined;
    if (mend && (best === undefined || mend.cost < best.cost)) best = { ...mend, node: node.name };
  }
  return best ? `one more fits on ${best.node} with ${best.text}` : `one more fits on another node${needsText(ask)}`;
}

function mendOf(ask: Ask, node: NodeRoom): Mend | "none needed" | undefined {
  const refusing = filters.filter((filter) => !filter.accepts(ask, node));
  if (refusing.length === 0) return "none needed";
  const all: Mend[] = [];
  for (const { name } of refusing) {
    const mend = mends[name](ask, node);
    if (!mend) return undefined;
    all.push(mend);
  }
  return { text: listText(all.map(({ text }) => text)), cost: all.reduce((sum, { cost }) => sum + cost, 0) };
}

/** What a node must have for this pod. */
function needsText({ rules, demand: { resources } }: Ask): string {
  const labels = Object.entries(rules.nodeSelector ?? {});
  const needs = [
    ...(labels.length > 0 ? [labelsText(labels)] : []),
    ...(resources.cpuMilli > 0 ? [`${formatCpu(resources.cpuMilli)} cpu free`] : []),
    ...(resources.memoryBytes > 0 ? [`${formatMemory(resources.memoryBytes)} memory free`] : []),
    ...(resources.pids > 0 ? [`${resources.pids} pids free`] : []),
  ];
  return needs.length === 0 ? "" : ` with ${listText(needs)}`;
}

function labelsText(labels: readonly (readonly [string, string])[]): string {
  const pairs = labels.map(([name, value]) => `${name}=${value}`).join(", ");
  return `${labels.length === 1 ? "the label" : "the labels"} ${pairs}`;
}

function listText(texts: readonly string[]): string {
  if (texts.length < 2) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}

/** Five times what the node has is out of the question like anything above it. */
function costOf(missing: number, capacity: number): number {
  return 1 + Math.min(5, missing / Math.max(1, capacity));
}
