// The scheduler's rules in the plainest way: every pod looks at every node. The real one must make the very same choices.
// It shares no code with it: what a filter or a score means is written down here a second time.
import type { NodeDocument } from "../../src/model/node.ts";
import type { PodGroup, RoomNode } from "../../src/scheduler/room.ts";

interface NaivePod {
  readonly deployment: string;
  readonly revision: string;
  readonly demand: PodGroup["demand"];
}

export interface NaiveNode extends RoomNode {
  readonly name: string;
  readonly pods: NaivePod[];
  /** Sums over `pods`, kept up to date: even a naive scheduler does not add them up for each pod. */
  readonly used: { cpuMilli: number; memoryBytes: number; pids: number };
}

/** Nodes without pods, sorted by name. */
export function naiveNodes(nodes: ReadonlyMap<string, RoomNode>): NaiveNode[] {
  return [...nodes.keys()].sort().map((name) => {
    const node = nodes.get(name) as RoomNode;
    return { ...node, name, pods: [], used: { cpuMilli: 0, memoryBytes: 0, pids: 0 } };
  });
}

/** The node of each pod of the group, in their order; undefined: it fits nowhere. Puts them there. */
export function naiveSchedule(nodes: readonly NaiveNode[], group: PodGroup): (string | undefined)[] {
  return group.pods.map(() => {
    let best: NaiveNode | undefined;
    let bestScores: readonly number[] = [];
    for (const node of nodes) {
      if (!accepts(node, group)) continue;
      const scores = scoresOf(node, group);
      if (best && !isLess(scores, bestScores)) continue;
      best = node;
      bestScores = scores;
    }
    if (best) put(best, group);
    return best?.name;
  });
}

function put(node: NaiveNode, { deployment, revision, demand }: PodGroup): void {
  node.pods.push({ deployment, revision, demand });
  node.used.cpuMilli += demand.resources.cpuMilli;
  node.used.memoryBytes += demand.resources.memoryBytes;
  node.used.pids += demand.resources.pids;
}

function accepts(node: NaiveNode, { deployment, demand, rules }: PodGroup): boolean {
  const { platform, labels, capacity, network } = node.document;
  if (!node.present || !node.engine || node.cordoned || platform.os !== "linux") return false;
  for (const [name, value] of Object.entries(rules.nodeSelector ?? {})) if (labels[name] !== value) return false;
  for (const { port, ip } of demand.hostPorts) {
    for (const pod of node.pods) {
      for (const taken of pod.demand.hostPorts) {
        const all = ip === "0.0.0.0" || taken.ip === "0.0.0.0";
        if (taken.port === port && (all || taken.ip === ip)) return false;
      }
    }
  }
  const same = node.pods.filter((pod) => pod.deployment === deployment).length;
  if (rules.maxPerNode !== undefined && same >= rules.maxPerNode) return false;
  const { cpuMilli, memoryBytes, pids } = demand.resources;
  if (cpuMilli > 0 && node.used.cpuMilli + cpuMilli > capacity.cpuMilli) return false;
  if (memoryBytes > 0 && node.used.memoryBytes + memoryBytes > capacity.memoryBytes) return false;
  if (pids > 0 && capacity.pids > 0 && node.used.pids + pids > capacity.pids) return false;
  return node.pods.length < addresses(network);
}

function addresses(network: NodeDocument["network"]): number {
  if (!network) return Number.POSITIVE_INFINITY;
  return 2 ** (32 - Number(network.range.split("/")[1])) - 3;
}

function scoresOf(node: NaiveNode, { deployment, revision, demand, rules }: PodGroup): readonly number[] {
  const kind = node.pods.filter((pod) => pod.deployment === deployment && pod.revision === revision).length;
  const { capacity } = node.document;
  const fullest = (["cpuMilli", "memoryBytes", "pids"] as const).map((what) =>
    capacity[what] === 0 ? 0 : (node.used[what] + demand.resources[what]) / capacity[what],
  );
  return [rules.spread === "none" ? 0 : kind, Math.max(...fullest), node.pods.length];
}

/** The names are sorted, so the first of equals is the one to take. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
