// What this worker knows of each pod right now: the container as last seen, the memory, the step under way.
// No I/O and no clock: the loop and the steps tell it what happened, `decide` reads it.
import type { Placement } from "../model/pod.ts";
import type { ResolvedTemplate } from "../model/template.ts";
import { sharedBy, sharing } from "./address-conflict.ts";
import type { PodView, Step } from "./decide.ts";
import {
  crashed,
  endedWithHost,
  isSameRun,
  type PodMemory,
  type ProbeKind,
  removed,
  seen,
  settled,
  silenced,
  started,
  starved,
} from "./history.ts";
import { readiness } from "./readiness.ts";
import type { ContainerState, RuntimeEvent } from "./runtime.ts";

interface Entry {
  placement?: Placement;
  template?: ResolvedTemplate;
  container?: ContainerState;
  stale: boolean;
  /** The tick of the last news about the container: an answer that was asked for before it is old. */
  changed: number;
  /** The container was found ended after the engine had been silent: its end was not its own. */
  endedWithHost: boolean;
  /** The container as it was when its last end was told: a cause that comes later is told of the same. */
  ended?: ContainerState;
  memory: PodMemory;
  busy?: Step["do"];
  readonly probing: Set<ProbeKind>;
}

export interface TableOptions {
  /** What was kept of a pod from before this process; the container that it has now, if any. */
  readonly recall: (pod: string, container: ContainerState | undefined) => PodMemory;
  /** When the container's process started, in monotonic time. */
  readonly sinceOf: (container: ContainerState) => number;
  /** Again, with the same container, when the cause is known better than it was. */
  readonly onCrash: (container: ContainerState, placement: Placement | undefined, memory: PodMemory) => void;
}

export class PodTable {
  readonly #entries = new Map<string, Entry>();
  readonly #podOf = new Map<string, string>();
  readonly #options: TableOptions;
  #tick = 0;
  #isSilent = false;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Everything, sorted as the placements are: first come, first served. */
  views(): PodView[] {
    return [...this.#entries].map(([id, entry]) => ({ id, ...entry }));
  }

  placementOf(pod: string): Placement | undefined {
    return this.#entries.get(pod)?.placement;
  }

  /** Whether the pod is ready and its probes agree: nothing follows from their last answer. */
  isCalm(pod: string): boolean {
    const run = this.#entries.get(pod)?.memory.run;
    return run?.ready === true && (run.readiness.ok || run.readiness.asked === 0) && !run.ending;
  }

  /** The number of steps under way that keep the engine busy. */
  get calls(): number {
    const counted = new Set<Step["do"] | undefined>(["create", "start", "signal", "remove"]);
    return [...this.#entries.values()].filter(({ busy }) => counted.has(busy)).length;
  }

  /** A moment for `listed` and `looked`: answers to questions asked now are as of it. */
  get asOf(): number {
    return this.#tick;
  }

  /** The pods that this node should have. `mayStop`: the word of the store is fresh and trusted. */
  place(
    placements: readonly Placement[],
    templateOf: (placement: Placement) => ResolvedTemplate | undefined,
    mayStop: boolean,
    now: number,
  ): void {
    const wanted = new Map(placements.map((placement) => [placement.pod, placement]));
    for (const [id, placement] of wanted) {
      const entry = this.#entry(id);
      entry.placement = placement;
      const template = templateOf(placement);
      if (template) entry.template = template;
    }
    for (const [id, entry] of this.#entries) {
      if (!wanted.has(id)) delete entry.placement;
      const mustEnd = !entry.placement || entry.placement.stop;
      if (mustEnd && mayStop && !entry.memory.stop) entry.memory = { ...entry.memory, stop: { seenAt: now } };
      if (!entry.placement && !entry.container && !entry.busy) this.#entries.delete(id);
    }
  }

  /** All containers, as of an earlier moment. `afterSilence`: what has changed since it was last seen ended with the engine. */
  listed(containers: readonly ContainerState[], asOf: number, afterSilence: boolean, now: number): void {
    const found = new Set<string>();
    for (const container of containers) {
      found.add(container.pod);
      const entry = this.#entry(container.pod, container);
      if (entry.changed > asOf || entry.busy) continue;
      const known = entry.container;
      if (known && isSameAsListed(known, container) && !entry.stale) continue;
      entry.endedWithHost = afterSilence;
      // Until it has been looked at, what was known counts: a status must not flap because of a listing.
      this.#know(entry, known?.id === container.id ? known : container, true);
    }
    for (const [id, entry] of this.#entries) {
      if (!entry.container || found.has(id) || entry.changed > asOf || entry.busy) continue;
      entry.endedWithHost = afterSilence;
      this.gone(id, now);
    }
  }

  /** One container, as of an earlier moment. */
  looked(pod: string, container: ContainerState, asOf: number, now: number): void {
    const entry = this.#entries.get(pod);
    if (entry?.container?.id !== container.id) return;
    const { run } = entry.memory;
    const isOld = entry.changed > asOf;
    this.#know(entry, container, false);
    entry.stale = isOld;
    entry.memory = seen(entry.memory);
    if (run && (container.state !== "running" || !isSameRun(run, container))) this.#ended(entry, container, false, now);
    // What runs without an address is removed next. Where the engine's silence took the address, that is no end of its own either; and where an
    // engine was killed in the middle of a start there has been no run.
    const isCutOff = container.state === "running" && container.ip === undefined;
    entry.endedWithHost &&= isCutOff;
    if (container.state === "running" && !isCutOff)
      entry.memory = started(entry.memory, container, this.#options.sinceOf(container));
  }

  /** The container of this pod was created, or found. */
  created(pod: string, container: ContainerState): void {
    this.#know(this.#entry(pod), container, false);
  }

  /** Its start was answered: the process runs, and its address is still to be looked at. */
  startedNow(pod: string, now: number): void {
    const entry = this.#entries.get(pod);
    if (!entry?.container) return;
    const { ip: _old, exitCode: _code, startedAt: _at, ...rest } = entry.container;
    this.#know(entry, { ...rest, state: "running" }, true);
    entry.memory = started(entry.memory, entry.container, now);
  }

  /** The container of this pod no longer exists. */
  gone(pod: string, now: number): void {
    const entry = this.#entries.get(pod);
    if (!entry?.container) return;
    this.#ended(entry, entry.container, true, now);
    if (entry.busy !== "remove") this.#explain(entry, removed(entry.memory, entry.container.id, now));
    this.#podOf.delete(entry.container.id);
    delete entry.container;
    entry.stale = false;
    entry.changed = ++this.#tick;
  }

  /** Returns whether the event is about a container that nobody here knows: list. */
  event(event: Extract<RuntimeEvent, { kind: "changed" }>, now: number): boolean {
    const pod = this.#podOf.get(event.container);
    const entry = pod === undefined ? undefined : this.#entries.get(pod);
    if (pod === undefined || entry?.container?.id !== event.container) return event.to === "running";
    if (event.to === "gone") {
      this.gone(pod, now);
      return false;
    }
    if (event.to === "starved") {
      this.#explain(entry, starved(entry.memory, entry.template, now));
      return false;
    }
    // The echo of our own start, or of one that was already looked at.
    const isEcho = entry.busy === "start" || (entry.container.state === "running" && !entry.stale);
    if (event.to === "running" && isEcho) return false;
    // It leaves its network with its end.
    if (event.to === "disconnected" && entry.container.state !== "running") return false;
    entry.stale = true;
    entry.changed = ++this.#tick;
    // How a pod that had to end has ended is nobody's question.
    if (event.to === "exited" && entry.memory.stop) this.#know(entry, { ...entry.container, state: "exited" }, false);
    return false;
  }

  /** The engine went silent at `now`: until it is heard again, whatever ends does so with it. Some of its connections may still tell of that. */
  silent(now: number): void {
    this.#isSilent = true;
    this.#forgive(now);
  }

  /** Everything has been listed again. */
  heard(now: number): void {
    if (this.#isSilent) this.#forgive(now);
    this.#isSilent = false;
  }

  #forgive(now: number): void {
    for (const entry of this.#entries.values()) entry.memory = silenced(entry.memory, now);
  }

  /** Brings each pod's readiness up to date. What speaks against its network has its container looked at. */
  settle(now: number): void {
    const shared = sharedBy([...this.#entries.values()].map(({ container }) => container));
    for (const entry of this.#entries.values()) {
      const wasShared = entry.memory.run?.shared;
      entry.memory = sharing(entry.memory, shared.has(entry.container?.ip ?? "") ? entry.container : undefined, now);
      if (entry.memory.run?.shared && !wasShared) this.#doubt(entry);
      if (!entry.template || entry.memory.stop) continue;
      const { ready } = readiness(entry.memory, entry.container, entry.template, now);
      // Its end may have been told: that it has lived long enough is not known before the look.
      if (ready && entry.stale && !entry.memory.run?.ready) continue;
      if (entry.memory.run?.ready && !ready) this.#doubt(entry);
      entry.memory = settled(entry.memory, ready);
    }
  }

  update(pod: string, change: (memory: PodMemory) => PodMemory): void {
    const entry = this.#entries.get(pod);
    if (entry) entry.memory = change(entry.memory);
  }

  begin(step: Step): void {
    const entry = this.#entry(step.pod);
    if (step.do === "probe") entry.probing.add(step.kind);
    else entry.busy = step.do;
  }

  end(step: Step): void {
    const entry = this.#entries.get(step.pod);
    if (step.do === "probe") entry?.probing.delete(step.kind);
    else delete entry?.busy;
  }

  #entry(pod: string, container?: ContainerState): Entry {
    let entry = this.#entries.get(pod);
    if (!entry) {
      const memory = this.#options.recall(pod, container);
      entry = { stale: false, changed: 0, endedWithHost: false, memory, probing: new Set() };
      this.#entries.set(pod, entry);
    }
    return entry;
  }

  #know(entry: Entry, container: ContainerState, stale: boolean): void {
    if (entry.container) this.#podOf.delete(entry.container.id);
    this.#podOf.set(container.id, container.pod);
    entry.container = container;
    entry.stale = stale;
    if (stale) entry.changed = ++this.#tick;
  }

  #doubt(entry: Entry): void {
    entry.stale = true;
    entry.changed = ++this.#tick;
  }

  /** Takes a memory that may know the cause of the last end, and tells it then. */
  #explain(entry: Entry, memory: PodMemory): void {
    const { lastEnd } = entry.memory;
    entry.memory = memory;
    if (entry.ended && memory.lastEnd !== lastEnd) this.#options.onCrash(entry.ended, entry.placement, memory);
  }

  #ended(entry: Entry, container: ContainerState, removed: boolean, now: number): void {
    if (!entry.memory.run) return;
    const isExcused = this.#isSilent || entry.endedWithHost || entry.memory.stop || !entry.placement;
    if (isExcused) entry.memory = endedWithHost(entry.memory);
    else {
      entry.memory = crashed(entry.memory, { ...container, removed }, entry.template, now);
      entry.ended = container;
      this.#options.onCrash(container, entry.placement, entry.memory);
    }
    entry.endedWithHost = false;
  }
}

function isSameAsListed(known: ContainerState, listed: ContainerState): boolean {
  return (
    known.id === listed.id &&
    known.state === listed.state &&
    known.ip === listed.ip &&
    known.paused === listed.paused &&
    known.health === listed.health
  );
}
