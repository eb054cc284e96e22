// What this worker is told: its placements with their templates, and whether the word of the store may be trusted now.
// Reads a view of `placements/<node>` and `cluster`, and each template once: a revision never changes. Without the store it goes on with the last known.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError } from "../model/errors.ts";
import { clusterKey, placementsKey } from "../model/keys.ts";
import { type KnownStore, toFollow, whyStrange } from "../model/known-store.ts";
import type { Placement, Reason, WorkerHold } from "../model/pod.ts";
import type { PodTemplate, ResolvedTemplate } from "../model/template.ts";
import type { Snapshot, Store, View } from "../store/store.ts";
import { workerHold } from "./hold.ts";
import type { LastKnown } from "./last-known.ts";
import { Templates } from "./templates.ts";

export interface Orders {
  readonly placements: readonly Placement[];
  templateOf(placement: Placement): ResolvedTemplate | undefined;
  /** Why validation refused the template. */
  refusalOf(placement: Placement): Reason | undefined;
  /** Pods may be stopped and strays removed: the view is fresh, and its store is the one that we know. */
  readonly mayStop: boolean;
  /** Why the store, which answers, is not followed. */
  readonly hold?: WorkerHold;
  /** The placements changed since the last look. */
  readonly isNew: boolean;
  /** Not everything could be read: look again after a while. */
  readonly incomplete: boolean;
  /** The store is there, and was not at the last look. */
  readonly isBack: boolean;
}

export type KnownOrders = Pick<LastKnown, keyof KnownStore | "placements" | "templates">;

export interface OrdersOptions {
  readonly store: Store;
  readonly node: string;
  readonly lastKnown: KnownOrders | undefined;
  /** Returns the template, or throws what is wrong with it: what the store holds is not believed. */
  readonly validateTemplate: (template: unknown) => PodTemplate;
  readonly clock: Clock;
  readonly log: Log;
  readonly wake: () => void;
}

export interface OrdersSource {
  look(): Promise<Orders>;
  /** For the disk. */
  known(): KnownOrders | undefined;
  close(): void;
}

export function openOrders(options: OrdersOptions): OrdersSource {
  return new StoreOrders(options);
}

class StoreOrders implements OrdersSource {
  readonly #options: OrdersOptions;
  readonly #templates: Templates;
  #view: View | undefined;
  #known: KnownOrders | undefined;
  #distrusted: { readonly reason: string; readonly since: string } | undefined;
  #lookedAt: readonly Placement[] | undefined;
  #wasAway = false;

  constructor(options: OrdersOptions) {
    const { store, validateTemplate, lastKnown } = options;
    this.#options = options;
    this.#known = lastKnown;
    this.#templates = new Templates({ store, validateTemplate, known: lastKnown?.templates ?? {} });
  }

  async look(): Promise<Orders> {
    const { node } = this.#options;
    const snapshot = (this.#view ?? (await this.#openView()))?.snapshot();
    const isBack = snapshot?.fresh === true && this.#wasAway;
    this.#wasAway = snapshot?.fresh !== true;
    const reason = snapshot ? whyNotTrusted(snapshot, node, this.#known) : "the store cannot be reached";
    this.#say(reason);
    if (snapshot && reason === undefined) this.#known = follow(snapshot, node, this.#known);
    const placements = this.#known?.placements ?? [];
    const isNew = placements !== this.#lookedAt;
    this.#lookedAt = placements;
    const complete = await this.#templates.follow(placements);
    return {
      placements,
      templateOf: (placement) => this.#templates.of(placement),
      refusalOf: (placement) => this.#templates.refusalOf(placement),
      mayStop: reason === undefined && snapshot?.get(placementsKey(node)) !== undefined,
      ...this.#holdAgainst(snapshot),
      isNew,
      isBack,
      incomplete: !complete || reason !== undefined,
    };
  }

  known(): KnownOrders | undefined {
    return this.#known && { ...this.#known, templates: this.#templates.stored() };
  }

  close(): void {
    this.#view?.close();
  }

  async #openView(): Promise<View | undefined> {
    const { store, node, wake } = this.#options;
    try {
      this.#view = await store.view([placementsKey(node), clusterKey]);
      this.#view.onChange(wake);
    } catch (error) {
      if (!isOrchestraError(error, "unavailable")) throw error;
    }
    return this.#view;
  }

  #say(reason: string | undefined): void {
    const { clock, log } = this.#options;
    if (reason === this.#distrusted?.reason) return;
    if (reason === undefined) log.info("the worker follows the store again");
    else log.warn("the worker holds: it keeps the last known pods running and stops nothing", { reason });
    this.#distrusted = reason === undefined ? undefined : { reason, since: clock.wall() };
  }

  #holdAgainst(snapshot: Snapshot | undefined): { hold?: WorkerHold } {
    const known = this.#known;
    const distrusted = this.#distrusted;
    if (!snapshot?.fresh || !known || !distrusted) return {};
    const shown = snapshot.get(placementsKey(this.#options.node))?.value.placements ?? [];
    return { hold: workerHold(distrusted.reason, distrusted.since, known, shown) };
  }
}

/** Why what the store shows is not acted on; undefined: it is. Nothing that is absent means anything. */
export function whyNotTrusted(snapshot: Snapshot, node: string, known: KnownOrders | undefined): string | undefined {
  if (!snapshot.fresh) return "the store cannot be reached";
  for (const key of [clusterKey, placementsKey(node)]) {
    const damage = snapshot.damaged.get(key);
    if (damage) return `the document ${key} is damaged (${damage.why}); put it back`;
  }
  const cluster = snapshot.get(clusterKey)?.value;
  const placements = snapshot.get(placementsKey(node))?.value;
  const isAccepted = known !== undefined && (cluster?.incarnation ?? 0) > known.incarnation;
  // Without a document there is nothing to compare; that is told below.
  const written = placements ? placements.count : known?.written;
  const strange = whyStrange(
    { cluster, position: snapshot.position, ...(written === undefined ? {} : { written }) },
    known,
  );
  if (strange !== undefined) return strange;
  if (known && known.placements.length > 0 && !placements && !isAccepted) {
    return `the store no longer has the placements of this node; put them back, or ${toFollow}`;
  }
  return undefined;
}

function follow(snapshot: Snapshot, node: string, known: KnownOrders | undefined): KnownOrders {
  const cluster = snapshot.get(clusterKey)?.value;
  const { placements = [], count = 0 } = snapshot.get(placementsKey(node))?.value ?? {};
  const clusterId = cluster?.id ?? known?.clusterId;
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    incarnation: cluster?.incarnation ?? known?.incarnation ?? 1,
    position: snapshot.position,
    written: count,
    placements,
    templates: {},
  };
}
