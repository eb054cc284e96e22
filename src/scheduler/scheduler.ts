// The scheduler: pods → nodes. Pure but for the room it is given, which it fills. Reads and writes no documents.
// Identical pods of a group choose one after another, as if each looked at all nodes: a choice changes the score of the chosen node
// only, so a heap of the nodes gives the same answer at the price of one look.
import { type Ask, filters, fits } from "./filters.ts";
import { heapOf } from "./heap.ts";
import { type NodeRoom, occupy, type PodGroup, type Room } from "./room.ts";
import { type Candidate, compareCandidates, score } from "./scores.ts";

export interface Scheduled {
  /** The node of each pod that has found one, by pod. */
  readonly placed: ReadonlyMap<string, string>;
  /** Those that fit nowhere now. */
  readonly unplaced: readonly string[];
}

/** Chooses a node for each pod of the group and takes the room there. */
export function schedule(room: Room, group: PodGroup): Scheduled {
  const ask = askOf(room, group);
  const kind = room.runningRevision.get(`${group.deployment}/${group.revision}`);
  const candidates: Candidate[] = [];
  for (const node of room.nodes) {
    if (!fits(ask, node)) continue;
    const candidate = { node, spread: 0, load: 0, pods: 0 };
    score(candidate, group, kind?.get(node.name) ?? 0);
    candidates.push(candidate);
  }
  const heap = heapOf(candidates, compareCandidates);
  const placed = new Map<string, string>();
  for (const pod of group.pods) {
    const candidate = heap.best();
    if (!candidate) break;
    const { node } = candidate;
    const { deployment, revision, demand } = group;
    occupy(room, { pod, node: node.name, deployment, revision, demand, stopping: false });
    placed.set(pod, node.name);
    if (fits(ask, node)) {
      score(candidate, group, runningOf(room, group).get(node.name) ?? 0);
      heap.worsened();
    } else heap.removeBest();
  }
  return { placed, unplaced: group.pods.slice(placed.size) };
}

/** What each pod of the group asks. */
export function askOf(room: Room, group: PodGroup): Ask {
  return {
    deployment: group.deployment,
    demand: group.demand,
    rules: group.rules,
    runningOn: (node) => room.running.get(group.deployment)?.get(node.name) ?? 0,
  };
}

/** Which filters refuse the node only because of what this pod takes there. */
type HeldReason = "hostPort" | "maxPerNode";

/**
 * Whether a pod of the group would fit on `holder`'s node if only `holder` gave up its host port or its place under `maxPerNode`:
 * what it holds, or undefined when something else is missing too.
 */
export function heldBy(room: Room, group: PodGroup, holder: string): HeldReason | undefined {
  const occupant = room.occupants.get(holder);
  const node = occupant === undefined ? undefined : room.byName.get(occupant.node);
  if (!occupant || !node) return undefined;
  const ask = askOf(room, group);
  const refusing = filters.filter((filter) => !filter.accepts(ask, node)).map(({ name }) => name);
  const without: Ask = {
    ...ask,
    runningOn: (on) => ask.runningOn(on) - (on.name === node.name && !occupant.stopping ? 1 : 0),
  };
  const left = { ...node, ports: portsWithout(node, holder) };
  const others = filters.filter((filter) => !filter.accepts(without, left));
  if (others.length > 0) return undefined;
  return refusing.find((name): name is HeldReason => name === "hostPort" || name === "maxPerNode");
}

function runningOf(room: Room, { deployment, revision }: PodGroup): ReadonlyMap<string, number> {
  return room.runningRevision.get(`${deployment}/${revision}`) ?? new Map();
}

function portsWithout(node: NodeRoom, pod: string): NodeRoom["ports"] {
  return new Map([...node.ports].map(([port, holders]) => [port, holders.filter((holder) => holder.pod !== pod)]));
}
