// Why a pod fits nowhere, as data and as text: the same words in get, why, diff and apply.
import { type FilterName, filters } from "./filters.ts";
import { remedyText } from "./remedy.ts";
import type { PodGroup, Room } from "./room.ts";
import { askOf } from "./scheduler.ts";

export interface Refusal {
  readonly node: string;
  /** The first filter that refused: the reason this node is counted under. */
  readonly filter: FilterName;
  /** All that this node lacks: `memory 512Mi wanted, 300Mi free`. */
  readonly missing: readonly string[];
}

export interface Explanation {
  readonly nodes: number;
  /** Pods of the same Deployment and revision that have a node: as all that wait have been tried, the most that fit. */
  readonly fitting: number;
  /** Sorted: commonest first, then by name of the filter. Their nodes add up to those that refuse. */
  readonly counts: readonly { readonly filter: FilterName; readonly nodes: number; readonly text: string }[];
  /** By node, those that refuse. */
  readonly refusals: readonly Refusal[];
  /** Where all refuse: what would make one more fit. */
  readonly remedy?: string;
}

/** Looks at every node for one more pod of the group. No refusals: it fits now. */
export function explain(room: Room, group: PodGroup): Explanation {
  const ask = askOf(room, group);
  const refusals: Refusal[] = [];
  for (const node of room.nodes) {
    const refusing = filters.filter((filter) => !filter.accepts(ask, node));
    const [first] = refusing;
    if (!first) continue;
    refusals.push({
      node: node.name,
      filter: first.name,
      missing: refusing.map((filter) => filter.missing(ask, node)),
    });
  }
  const running = room.runningRevision.get(`${group.deployment}/${group.revision}`);
  const fitting = [...(running?.values() ?? [])].reduce((sum, pods) => sum + pods, 0);
  const remedy = refusals.length === 0 ? undefined : remedyText(ask, room.nodes);
  return {
    nodes: room.nodes.length,
    fitting,
    counts: countRefusals(refusals),
    refusals,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** One line: `fits on none of 3 nodes: 2 without enough free memory, 1 cordoned; 4 others have found room`. */
export function explanationText({ nodes, fitting, counts, refusals }: Explanation): string {
  if (nodes === 0) return "no node has registered yet: start one with `orchestra up`";
  if (refusals.length < nodes) return `fits on ${nodes - refusals.length} of ${countOf(nodes)}`;
  const reasons = counts.map((count) => `${count.nodes} ${count.text}`).join(", ");
  const others = fitting === 0 ? "" : `; ${fitting === 1 ? "1 other has" : `${fitting} others have`} found room`;
  return `fits on none of ${countOf(nodes)}: ${reasons}${others}`;
}

/** One line for each node: `w2: memory 512Mi wanted, 300Mi free`. */
export function refusalTexts({ refusals }: Explanation): string[] {
  return refusals.map(({ node, missing }) => `${node}: ${missing.join("; ")}`);
}

function countRefusals(refusals: readonly Refusal[]): Explanation["counts"] {
  const counts = new Map<FilterName, number>();
  for (const { filter } of refusals) counts.set(filter, (counts.get(filter) ?? 0) + 1);
  return filters
    .flatMap(({ name, explain: text }) => {
      const nodes = counts.get(name);
      return nodes === undefined ? [] : [{ filter: name, nodes, text }];
    })
    .sort((a, b) => b.nodes - a.nodes || (a.filter < b.filter ? -1 : 1));
}

function countOf(nodes: number): string {
  return nodes === 1 ? "1 node" : `${nodes} nodes`;
}
