// A part of what changes for one Deployment: as many of its slots as a commit takes, each slot with its placements. Pure.
import { collectionOf, placementsKey, podsKey, slotsPerChunk } from "../model/keys.ts";
import type { PodsDocument } from "../model/pod.ts";
import type { DeploymentChange } from "./decision.ts";
import type { Written } from "./portion.ts";

/** `part`: the change itself where all of it fits. `tooLarge`: why not even one slot does. */
export type Part =
  | { readonly part: DeploymentChange; readonly tooLarge: undefined }
  | { readonly part?: undefined; readonly tooLarge: string };

/** What changes in one slot. */
interface SlotChange {
  readonly slot: number;
  readonly placements: DeploymentChange["placements"];
  readonly gone: DeploymentChange["gone"];
  /** How much larger the records become. */
  readonly growth: number;
  /** A pod is made or gets its node, so this makes documents larger, and there may be more pods than before. */
  readonly adds: boolean;
}

/**
 * Slots without a new pod come first, and one that has none to spare keeps new ones waiting: the limits of a rollout were thought out for
 * the whole, and so hold for every part of it.
 */
export function partOf(change: DeploymentChange, written: Written, bytesLimit: number): Part {
  const old = written.pods(change.deployment);
  const whole = withoutFormer(change, old);
  const slots = slotChanges(whole, old);
  const budget = openBudget(whole, old, written, bytesLimit);
  const taken = new Set<number>();
  let isHeld = false;
  for (const one of slots) {
    if (one.adds && isHeld) break;
    if (budget.takes(one)) taken.add(one.slot);
    else if (!one.adds) isHeld = true;
  }
  if (taken.size === slots.length && (slots.length > 0 || budget.fitsHead)) return { part: whole, tooLarge: undefined };
  if (taken.size === 0) return { part: undefined, tooLarge: budget.refusal() };
  return { part: cut(whole, old, taken), tooLarge: undefined };
}

/** One document holds the pods of one Deployment: those of a former one with this name leave it first. */
function withoutFormer(change: DeploymentChange, old: PodsDocument | undefined): DeploymentChange {
  if (!old || !change.pods || old.pods.length === 0 || old.uid === change.pods.uid) return change;
  return { ...change, pods: { ...old, pods: [] }, placements: [] };
}

function slotChanges({ pods, placements, gone }: DeploymentChange, old: PodsDocument | undefined): SlotChange[] {
  const before = bySlot(old?.pods ?? [], ({ slot }) => slot);
  const after = bySlot(pods?.pods ?? [], ({ slot }) => slot);
  const slotOf = new Map((old?.pods ?? []).map(({ id, slot }) => [id, slot]));
  const told = bySlot(placements, ({ placement }) => placement.slot);
  const left = bySlot(gone, ({ pod }) => slotOf.get(pod) ?? 0);
  const slots = new Set([...before.keys(), ...after.keys(), ...told.keys(), ...left.keys()]);
  const changes: SlotChange[] = [];
  for (const slot of slots) {
    const [was, is] = [before.get(slot) ?? [], after.get(slot) ?? []];
    const [some, others] = [told.get(slot) ?? [], left.get(slot) ?? []];
    const isSame = was.length === is.length && is.every((record, index) => record === was[index]);
    if (isSame && some.length + others.length === 0) continue;
    const ids = new Set(was.map(({ id }) => id));
    const adds = is.some(({ id }) => !ids.has(id)) || some.some(({ placement }) => !placement.stop);
    const growth = Math.max(0, is.reduce(sum, 0) - was.reduce(sum, 0));
    changes.push({ slot, placements: some, gone: others, growth, adds });
  }
  return changes.sort((a, b) => Number(a.adds) - Number(b.adds) || a.slot - b.slot);
}

/** A node's placements grow by new pods up to half of what a commit takes: the pods beside them, and the word to stop, need room too. */
const shareOfPlacements = 0.5;

/** What the documents that are written take together. */
function openBudget(change: DeploymentChange, old: PodsDocument | undefined, written: Written, limit: number) {
  const sizes = openSizes(change, old, written);
  /** The documents that are written, with what they have come to. */
  const open = new Map<string, number>([sizes.head]);
  let used = sizes.head[1];
  let refused: string | undefined;
  return {
    fitsHead: used <= limit,
    takes(one: SlotChange): boolean {
      const next = sizes.after(one, open);
      const more = [...next].reduce((bytes, [key, size]) => bytes + size - (open.get(key) ?? 0), 0);
      const isFull = ([key, size]: [string, number]) =>
        one.adds && collectionOf(key) === "placements" && size > limit * shareOfPlacements;
      const full = [...next].find(isFull);
      if (full || used + more > limit) {
        const [key, size] = full ?? [...next].reduce((a, b) => (b[1] > a[1] ? b : a));
        refused ??= `${key} would have ${size} bytes, and a commit takes ${limit} with all that belongs to it`;
        return false;
      }
      used += more;
      for (const [key, size] of next) open.set(key, size);
      return true;
    },
    refusal: () =>
      `${refused ?? `${sizes.head[0]} has ${used} bytes, and a commit takes ${limit}`}: use fewer replicas or more nodes`,
  };
}

/** How large documents are, each measured once. */
function openSizes({ deployment, pods }: DeploymentChange, old: PodsDocument | undefined, written: Written) {
  const chunks = bySlot(old?.pods ?? [], chunkOf);
  const measured = new Map<string, number>();
  const measure = (name: string, there: readonly object[], head = 0): number => {
    const bytes = measured.get(name) ?? there.reduce(sum, overhead + head);
    measured.set(name, bytes);
    return bytes;
  };
  const name = podsKey(deployment);
  return {
    /** Written with every part: its version guards the others. */
    head: [name as string, measure(name, chunks.get(0) ?? [], bytesOf({ ...(pods ?? old), pods: [] }))] as const,
    /** The documents of this slot once it has changed. `open`: what they have come to before. */
    after({ slot, growth, placements, gone }: SlotChange, open: ReadonlyMap<string, number>): Map<string, number> {
      const chunk = Math.floor(slot / slotsPerChunk);
      const own: string = podsKey(deployment, chunk);
      const next = new Map([[own, (open.get(own) ?? measure(own, chunks.get(chunk) ?? [])) + growth]]);
      for (const { node, ...one } of [...placements, ...gone]) {
        const key = placementsKey(node);
        const bytes = next.get(key) ?? open.get(key) ?? measure(key, written.placements.get(node)?.placements ?? []);
        const isNew = "placement" in one && !one.placement.stop;
        next.set(key, bytes + (isNew ? bytesOf(withStop(one.placement)) : 0));
      }
      return next;
    },
  };
}

/** What a document has besides its list. */
const overhead = 100;

/** With room for the word to stop, so that telling it never fails. */
function withStop<T extends object>(one: T): T {
  return { stop: { reason: "superseded" }, ...one };
}

function sum(bytes: number, one: object): number {
  return bytes + bytesOf(withStop(one));
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1;
}

/** The change of these slots alone. What it was thought out from counts as carried out with the last part only. */
function cut(change: DeploymentChange, old: PodsDocument | undefined, slots: ReadonlySet<number>): DeploymentChange {
  const kept = (old?.pods ?? []).filter(({ slot }) => !slots.has(slot));
  const next = (change.pods?.pods ?? []).filter(({ slot }) => slots.has(slot));
  const pods = [...kept, ...next].sort((a, b) => a.slot - b.slot || a.serial - b.serial);
  const slotOf = new Map((old?.pods ?? []).map(({ id, slot }) => [id, slot]));
  const { generation: _later, ...head } = change.pods ?? old ?? { uid: "" };
  return {
    deployment: change.deployment,
    finished: false,
    pods: {
      ...head,
      ...(old?.generation === undefined ? {} : { generation: old.generation }),
      nextSerial: pods.reduce((serial, pod) => Math.max(serial, pod.serial + 1), old?.nextSerial ?? 0),
      pods,
    },
    placements: change.placements.filter(({ placement }) => slots.has(placement.slot)),
    gone: change.gone.filter(({ pod }) => slots.has(slotOf.get(pod) ?? 0)),
  };
}

function chunkOf({ slot }: { readonly slot: number }): number {
  return Math.floor(slot / slotsPerChunk);
}

function bySlot<T>(all: readonly T[], slotOf: (one: T) => number): Map<number, T[]> {
  const slots = new Map<number, T[]>();
  for (const one of all) {
    const slot = slotOf(one);
    const there = slots.get(slot);
    if (there) there.push(one);
    else slots.set(slot, [one]);
  }
  return slots;
}
