// What this worker is told: its placements with their templates, and whether the word of the store may be trusted now.
// Reads a view of `placements/<node>` and `cluster`, and each template once: a revision never changes. Without the store it goes on with the last known.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { clusterKey, placementsKey, revisionKey } from "../model/keys.ts";
import { type KnownStore, toFollow, whyStrange } from "../model/known-store.ts";
import type { Placement, Reason, WorkerHold } from "../model/pod.ts";
import { type PodTemplate, type ResolvedTemplate, resolveTemplate } from "../model/template.ts";
import type { Snapshot, Store, View } from "../store/store.ts";
import { workerHold } from "./hold.ts";
import type { LastKnown } from "./last-known.ts";

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

interface Template {
  readonly stored: PodTemplate;
  readonly resolved?: ResolvedTemplate;
  readonly refusal?: Reason;
}

export interface OrdersSource {
  look(): Promise<Orders>;
  /** For the disk. */
  known(): KnownOrders | undefined;
  close(): void;
}

export function openOrders({
  store,
  node,
  lastKnown,
  validateTemplate,
  clock,
  log,
  wake,
}: OrdersOptions): OrdersSource {
  let view: View | undefined;
  let known = lastKnown;
  let distrusted: { readonly reason: string; readonly since: string } | undefined;
  let lookedAt: readonly Placement[] | undefined;
  const templates = new Map<string, Template>();
  for (const [key, stored] of Object.entries(lastKnown?.templates ?? {})) templates.set(key, checked(stored));

  function checked(stored: PodTemplate): Template {
    try {
      return { stored, resolved: resolveTemplate(validateTemplate(stored)) };
    } catch (error) {
      return {
        stored,
        refusal: { code: "BAD_TEMPLATE", message: messageOf(error).replace(/\s+/g, " ").slice(0, 160) },
      };
    }
  }

  const openView = async () => {
    try {
      view = await store.view([placementsKey(node), clusterKey]);
      view.onChange(wake);
    } catch (error) {
      if (!isOrchestraError(error, "unavailable")) throw error;
    }
  };

  const readTemplates = async (placements: readonly Placement[]): Promise<boolean> => {
    const wanted = new Map(placements.map((placement) => [keyOf(placement), placement]));
    for (const key of templates.keys()) if (!wanted.has(key)) templates.delete(key);
    const missing = [...wanted].filter(([key]) => !templates.has(key));
    const found = await Promise.all(
      missing.map(async ([key, { deployment, revision }]) => {
        const document = await store.read(revisionKey(deployment, revision)).catch((error: unknown) => {
          // A damaged one is as good as none: others' pods do not wait for it.
          if (!isOrchestraError(error, "unavailable") && !isOrchestraError(error, "invalid")) throw error;
        });
        if (document) templates.set(key, checked(document.value));
        return document !== undefined;
      }),
    );
    return found.every(Boolean);
  };

  const say = (reason: string | undefined) => {
    if (reason === distrusted?.reason) return;
    if (reason === undefined) log.info("the worker follows the store again");
    else log.warn("the worker holds: it keeps the last known pods running and stops nothing", { reason });
    distrusted = reason === undefined ? undefined : { reason, since: clock.wall() };
  };

  const holdAgainst = (snapshot: Snapshot | undefined): { hold?: WorkerHold } => {
    if (!snapshot?.fresh || !known || !distrusted) return {};
    const shown = snapshot.get(placementsKey(node))?.value.placements ?? [];
    return { hold: workerHold(distrusted.reason, distrusted.since, known, shown) };
  };

  return {
    async look() {
      if (!view) await openView();
      const snapshot = view?.snapshot();
      const reason = snapshot ? whyNotTrusted(snapshot, node, known) : "the store cannot be reached";
      say(reason);
      if (snapshot && reason === undefined) known = follow(snapshot, node, known);
      const placements = known?.placements ?? [];
      const isNew = placements !== lookedAt;
      lookedAt = placements;
      const complete = await readTemplates(placements);
      return {
        placements,
        templateOf: (placement) => templates.get(keyOf(placement))?.resolved,
        refusalOf: (placement) => templates.get(keyOf(placement))?.refusal,
        mayStop: reason === undefined && snapshot?.get(placementsKey(node)) !== undefined,
        ...holdAgainst(snapshot),
        isNew,
        incomplete: !complete || reason !== undefined,
      };
    },
    known: () =>
      known && { ...known, templates: Object.fromEntries([...templates].map(([key, { stored }]) => [key, stored])) },
    close() {
      view?.close();
    },
  };
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

function keyOf({ deployment, revision }: Placement): string {
  return `${deployment}/${revision}`;
}
