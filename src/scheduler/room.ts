// What is free on each node: the scheduler's working copy, built from the documents for one pass and changed by what the pass decides.
import type { PlacementRules } from "../model/deployment.ts";
import type { NodeDocument } from "../model/node.ts";
import { type PodTemplate, type Resources, resolveResources, templateDefaults } from "../model/template.ts";

/** A port that a pod takes on its host. */
export interface HostPort {
  /** `TCP/80`. */
  readonly port: string;
  readonly ip: string;
}

/** What one pod takes on its node. */
export interface Demand {
  readonly resources: Resources;
  readonly hostPorts: readonly HostPort[];
}

/** A pod that has a node, running or stopping: both take room and ports. */
export interface Occupant {
  readonly pod: string;
  readonly node: string;
  readonly deployment: string;
  readonly revision: string;
  readonly demand: Demand;
  /** Told to stop: it no longer counts for spread and `maxPerNode`. */
  readonly stopping: boolean;
}

export interface NodeRoom {
  readonly name: string;
  /** Its place among the names: ties go to the lowest. */
  readonly order: number;
  readonly present: boolean;
  readonly cordoned: boolean;
  /** Its engine answers, as far as its worker has told. */
  readonly engine: boolean;
  readonly os: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Resources;
  /** Pods that its network has addresses for. */
  readonly addresses: number;
  /** Reserved so far. */
  cpuMilli: number;
  memoryBytes: number;
  pids: number;
  pods: number;
  /** Who holds each host port, by `TCP/80`. */
  readonly ports: Map<string, { readonly ip: string; readonly pod: string; readonly deployment: string }[]>;
}

/** So many pods on each node, by the node's name. */
type Counts = Map<string, number>;

export interface Room {
  readonly nodes: readonly NodeRoom[];
  readonly byName: ReadonlyMap<string, NodeRoom>;
  readonly occupants: Map<string, Occupant>;
  /** Pods that should run, by Deployment. */
  readonly running: Map<string, Counts>;
  /** The same by Deployment and revision: successors spread among themselves, whatever their predecessors do. */
  readonly runningRevision: Map<string, Counts>;
}

/** Identical pods of one Deployment, and the rules of that Deployment. */
export interface PodGroup {
  readonly deployment: string;
  readonly revision: string;
  readonly demand: Demand;
  readonly rules: PlacementRules;
  /** Ids, in the order in which they choose. */
  readonly pods: readonly string[];
}

export interface RoomNode {
  readonly document: NodeDocument;
  readonly present: boolean;
  readonly cordoned: boolean;
  readonly engine: boolean;
}

/** An empty room with these nodes; pods on a node that is not among them take no room. */
export function openRoom(nodes: ReadonlyMap<string, RoomNode>): Room {
  const rooms = [...nodes.keys()].sort().map((name, order) => nodeRoom(name, order, nodes.get(name) as RoomNode));
  return {
    nodes: rooms,
    byName: new Map(rooms.map((room) => [room.name, room])),
    occupants: new Map(),
    running: new Map(),
    runningRevision: new Map(),
  };
}

/** Takes room for a pod. */
export function occupy(room: Room, occupant: Occupant): void {
  room.occupants.set(occupant.pod, occupant);
  if (!occupant.stopping) count(room, occupant, 1);
  const node = room.byName.get(occupant.node);
  if (!node) return;
  reserve(node, occupant.demand, 1);
  for (const { port, ip } of occupant.demand.hostPorts) {
    const { pod, deployment } = occupant;
    const holders = node.ports.get(port);
    if (holders) holders.push({ ip, pod, deployment });
    else node.ports.set(port, [{ ip, pod, deployment }]);
  }
}

/** The pod has been told to stop: it keeps its room and ports until it has. */
export function markStopping(room: Room, pod: string): void {
  const occupant = room.occupants.get(pod);
  if (!occupant || occupant.stopping) return;
  room.occupants.set(pod, { ...occupant, stopping: true });
  count(room, occupant, -1);
}

/** What a pod of this template takes. Throws a RangeError only for a template that validation would have refused. */
export function demandOf(template: PodTemplate): Demand {
  const hostPorts: HostPort[] = [];
  for (const { hostPort, hostIP, protocol } of template.ports ?? []) {
    if (hostPort === undefined) continue;
    const port = `${protocol ?? templateDefaults.protocol}/${hostPort}`;
    hostPorts.push({ port, ip: hostIP ?? templateDefaults.hostIP });
  }
  return { resources: resolveResources(template), hostPorts };
}

/** What a pod takes whose template is not known. */
export const noDemand: Demand = Object.freeze({
  resources: Object.freeze({ cpuMilli: 0, memoryBytes: 0, pids: 0 }),
  hostPorts: Object.freeze([]),
});

/** Whether two pods cannot have the same port on these addresses: one for all addresses takes it from every other. */
export function addressesMeet(a: string, b: string): boolean {
  return a === b || everyAddress.has(a) || everyAddress.has(b);
}

const everyAddress: ReadonlySet<string> = new Set([templateDefaults.hostIP, "::", ""]);

function reserve(node: NodeRoom, { resources }: Demand, times: number): void {
  node.cpuMilli += resources.cpuMilli * times;
  node.memoryBytes += resources.memoryBytes * times;
  node.pids += resources.pids * times;
  node.pods += times;
}

function count(room: Room, { deployment, revision, node }: Occupant, by: number): void {
  add(room.running, deployment, node, by);
  add(room.runningRevision, `${deployment}/${revision}`, node, by);
}

function add(counts: Map<string, Counts>, key: string, node: string, by: number): void {
  const nodes = counts.get(key);
  if (nodes) nodes.set(node, (nodes.get(node) ?? 0) + by);
  else counts.set(key, new Map([[node, by]]));
}

function nodeRoom(name: string, order: number, { document, ...about }: RoomNode): NodeRoom {
  const { platform, labels, capacity, network } = document;
  const empty = { cpuMilli: 0, memoryBytes: 0, pids: 0, pods: 0, ports: new Map() };
  const addresses = addressesOf(network?.range);
  return { name, order, ...about, os: platform.os, labels, capacity, addresses, ...empty };
}

/** A bridge network keeps three addresses for itself: its own, the gateway's and the broadcast one. */
function addressesOf(range: string | undefined): number {
  const prefix = Number(range?.split("/")[1] ?? Number.NaN);
  return prefix >= 0 && prefix <= 30 ? 2 ** (32 - prefix) - 3 : Number.POSITIVE_INFINITY;
}
