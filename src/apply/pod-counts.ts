// How many of the pods that run now a plan replaces in the end, and how many it takes away by lower counts. Pure.
// A forecast tells what can be done with the nodes as they are: a rollout that has to wait for room, or for a node that is absent, replaces all
// its pods all the same once it goes on. So these are counted by the documents, and not by how far the forecast gets.
import { wantedReplicas } from "../model/deployment.ts";
import { type PodsDocument, podName } from "../model/pod.ts";
import type { Forecast } from "./forecast.ts";
import type { Plan, PlanItem } from "./plan.ts";

export interface PodCounts {
  /** Slots with a pod that should run. */
  readonly live: number;
  /** Those of them that get another pod. */
  readonly replaced: number;
  /** Those of them that a lower count leaves out. */
  readonly removed: number;
}

/** Of an item that changes a Deployment which is there; what is created or deleted has no such pods. */
export function podCounts(item: PlanItem, forecast: Forecast | undefined, pods: PodsDocument | undefined): PodCounts {
  const { name, before, after } = item;
  const slots = liveSlots(pods, before?.value.uid);
  const live = slots.size;
  if (!before || !after || after.deleted) return { live, replaced: 0, removed: 0 };
  // Pods that another change has left over go anyway.
  const kept = Math.min(live, wantedReplicas(before.value));
  const removed = Math.max(0, kept - wantedReplicas(after));
  const isRolled = before.value.revision !== after.revision;
  const told = successorsIn(forecast);
  const isReplaced = ([slot, revisions]: readonly [number, ReadonlySet<string>]) => {
    const isNew = revisions.has(after.revision);
    return isRolled ? !isNew : isNew && told.has(podName(name, slot));
  };
  const replaced = Math.min([...slots].filter(isReplaced).length, live - removed);
  return { live, replaced, removed };
}

/** Of a whole plan, what is deleted too: how many of the pods that run now get another one, and how many go. */
export function podTotals(
  { items }: Plan,
  forecasts: ReadonlyMap<string, Forecast>,
  pods: ReadonlyMap<string, PodsDocument>,
): { readonly replaced: number; readonly stopped: number } {
  const all = items.map((item) => ({ item, counts: podCounts(item, forecasts.get(item.name), pods.get(item.name)) }));
  const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    replaced: sum(({ counts }) => counts.replaced),
    stopped: sum(({ item, counts }) => (item.after?.deleted ? counts.live : counts.removed)),
  };
}

/** The revisions of the pods that should run, by slot. A Deployment of another time had other pods under the same name. */
function liveSlots(document: PodsDocument | undefined, uid: string | undefined): Map<number, Set<string>> {
  const slots = new Map<number, Set<string>>();
  if (!document || document.uid !== uid) return slots;
  for (const { slot, revision, stop } of document.pods) {
    if (stop) continue;
    const there = slots.get(slot);
    if (there) there.add(revision);
    else slots.set(slot, new Set([revision]));
  }
  return slots;
}

/** The names of pods that get a successor, or would if there were a place for it. */
function successorsIn(forecast: Forecast | undefined): ReadonlySet<string> {
  const { replaced = [], moved = [], unplaced = [] } = forecast ?? {};
  return new Set([...replaced, ...moved, ...unplaced].map(({ name }) => name));
}
