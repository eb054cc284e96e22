// Cluster state → the records that the zone should have. Pure; the same state gives the same list, whatever its order.
import type { ClusterState } from "../model/cluster-state.ts";
import type { Placement, PodRecord, PodStatus } from "../model/pod.ts";
import { podName } from "../model/pod.ts";
import { type ResolvedPort, resolveTemplate } from "../model/template.ts";

/** One line of the zone; `name` and SRV's `target` are relative to the cluster domain. */
export type DnsRecord =
  | { readonly type: "A"; readonly name: string; readonly address: string }
  | { readonly type: "SRV"; readonly name: string; readonly port: number; readonly target: string };

/** The part of the state that names depend on. Of a node's verdict only the loss: what an absent one ran may well run on. */
export type DnsState = Pick<ClusterState, "pods" | "placements" | "statuses" | "templates" | "verdicts">;

interface ReadyPod {
  readonly deployment: string;
  readonly pod: PodRecord;
  readonly address: string;
}

/**
 * For each Deployment an A record per ready pod that is not told to stop; for each slot the A record of its newest such pod,
 * and per named port an SRV record. Names and addresses that are none are left out: no document can write a directive into the zone.
 */
export function recordsOf(state: DnsState): DnsRecord[] {
  const records = new Map<string, DnsRecord>();
  const add = (record: DnsRecord) => records.set(sortKey(record), record);
  const ready = readyPods(state);
  for (const { deployment, address } of ready) add({ type: "A", name: deployment, address });
  for (const { deployment, pod, address } of newestOfSlots(ready)) {
    const label = podName(deployment, pod.slot);
    if (!isLabel(label)) continue;
    const target = `${label}.${deployment}`;
    add({ type: "A", name: target, address });
    for (const { name, protocol, containerPort } of portsOf(state, deployment, pod.revision)) {
      if (name === undefined || !isLabel(name) || name.length > 62) continue; // One more for the underscore.
      add({ type: "SRV", name: `_${name}._${protocol.toLowerCase()}.${deployment}`, port: containerPort, target });
    }
  }
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

function readyPods(state: DnsState): ReadyPod[] {
  const statuses = statusesOfPlacedPods(state);
  const ready: ReadyPod[] = [];
  for (const [deployment, { pods }] of state.pods) {
    if (!isLabel(deployment)) continue;
    for (const pod of pods) {
      const status = statuses.get(pod.id);
      if (pod.stop || status?.phase !== "ready" || !isIPv4(status.ip)) continue;
      ready.push({ deployment, pod, address: status.ip });
    }
  }
  return ready;
}

/** What each pod's own node says of it. A pod that its placement tells to stop is left out, as is one without a placement or on a lost node. */
function statusesOfPlacedPods(state: DnsState): Map<string, PodStatus> {
  const found = new Map<string, PodStatus>();
  for (const [node, { placements }] of state.placements) {
    if (state.verdicts.get(node)?.state === "lost") continue;
    const placed = new Map(placements.map((placement): [string, Placement] => [placement.pod, placement]));
    for (const status of state.statuses.get(node)?.statuses ?? []) {
      const placement = placed.get(status.pod);
      if (placement && !placement.stop) found.set(status.pod, status);
    }
  }
  return found;
}

/** In a rollout a successor shares the slot with its predecessor; the slot's name answers for the newest that is ready. */
function newestOfSlots(ready: readonly ReadyPod[]): ReadyPod[] {
  const newest = new Map<string, ReadyPod>();
  for (const candidate of ready) {
    const slot = `${candidate.deployment}/${candidate.pod.slot}`;
    const known = newest.get(slot);
    if (!known || known.pod.serial < candidate.pod.serial) newest.set(slot, candidate);
  }
  return [...newest.values()];
}

/** None where the template is missing: the pod answers by address all the same. */
function portsOf(state: DnsState, deployment: string, revision: string): readonly ResolvedPort[] {
  const template = state.templates.get(`${deployment}/${revision}`);
  return template ? resolveTemplate(template).ports : [];
}

/** Also what makes two records the same: equal name, type and data. A space sorts before every character of a name. */
function sortKey(record: DnsRecord): string {
  const data = record.type === "A" ? record.address : `${record.port} ${record.target}`;
  return `${record.name} ${record.type} ${data}`;
}

/** What DNS allows between two dots, in lower case. */
function isLabel(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

function isIPv4(address: string | undefined): address is string {
  return address !== undefined && /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(address);
}
