// Keeps the table's picture of the engine true: lists at the start, after every gap and once a while, follows events in between.
// With every new beginning of the engine, and when in doubt, it also sees to the network, and registers what this node is.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import type { NodeDocument } from "../model/node.ts";
import type { Store } from "../store/store.ts";
import { settleNetwork } from "./ranges.ts";
import { type NodeFacts, nodeDocument, registerNode } from "./registration.ts";
import type { HostNetwork } from "./routes.ts";
import type { EngineInfo, NodeNetwork, Runtime } from "./runtime.ts";
import type { PodTable } from "./table.ts";

export interface PictureOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly table: PodTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: NodeFacts;
  readonly cluster: { readonly id: string; readonly networkRange: string };
  readonly host: HostNetwork;
  readonly wake: () => void;
  /** The network is there, perhaps made anew. */
  readonly onNetwork: () => void;
}

export interface Picture {
  /** Lists if something may have been missed, or `afterMs` have passed; returns when it is due again. Throws `unavailable` while the engine is silent. */
  refresh(afterMs: number, signal: AbortSignal): Promise<number>;
  /** Follows the engine's events until the signal. */
  watch(signal: AbortSignal): Promise<void>;
  /** A call was not answered. */
  onSilence(): void;
  /** The node's network may be gone: it is seen to again. */
  onDoubt(): void;
  /** Throws `unavailable` until there is one. */
  network(): NodeNetwork;
  /** The network once it is certain that its range is this node's. */
  claimed(): NodeNetwork | undefined;
  /** Why other nodes' containers are not reached from here: the node's document tells it. */
  onProblem(problem: string | undefined): void;
  close(): void;
}

/** Looks at once: they are quick reads. */
const looksAtATime = 8;
const registerAgainMs = 1_000;
/** Whether the network's range is this node's is asked again, once the store could not tell. */
const claimAgainMs = 5_000;

export function openPicture(options: PictureOptions): Picture {
  const { store, runtime, table, clock, log, facts, cluster, host, wake } = options;
  let network: NodeNetwork | undefined;
  let isClaimed = false;
  let engine: EngineInfo | undefined;
  let problem: string | undefined;
  let isDue = true;
  /** The engine was silent (or we were): what has ended since ended with it. */
  let wasSilent = true;
  let isDoubted = false;
  let listedAt = Number.NEGATIVE_INFINITY;
  let unregistered: NodeDocument | undefined;
  let cancel = () => {};
  let closed = false;

  const onSilence = () => {
    if (!wasSilent) table.silent(clock.now());
    wasSilent = true;
    isDue = true;
  };

  const onDoubt = () => {
    isDoubted = true;
    isDue = true;
  };

  const register = async () => {
    if (!unregistered || closed) return;
    const document = unregistered;
    try {
      await registerNode(store, facts.node, document);
      if (unregistered === document) unregistered = undefined;
    } catch (error) {
      if (!isOrchestraError(error, "unavailable") && listedAt === Number.NEGATIVE_INFINITY) throw error;
      log.debug("this node cannot be registered now", { error: messageOf(error) });
      cancel = clock.after(registerAgainMs, () => void register());
    }
  };

  const announce = async () => {
    if (!engine || !network || !isClaimed) return;
    unregistered = nodeDocument(facts, engine, network, problem);
    await register();
  };

  const prepare = async (signal: AbortSignal) => {
    engine = await runtime.info(signal);
    const hostRoutes = await host.taken();
    const held = isClaimed ? network?.range : undefined;
    const request = { store, runtime, node: facts.node, cluster, hostRoutes, held };
    ({ network, isClaimed } = await settleNetwork(request, signal));
    if (!isClaimed) {
      cancel = clock.after(claimAgainMs, () => {
        onDoubt();
        wake();
      });
    }
    options.onNetwork();
    await announce();
  };

  const look = async (signal: AbortSignal) => {
    const stale = table.views().filter((view) => view.stale && view.container && !view.busy);
    const next = async () => {
      for (let view = stale.pop(); view; view = stale.pop()) {
        const asOf = table.asOf;
        try {
          table.looked(view.id, await runtime.inspect(view.container?.id ?? "", signal), asOf, clock.now());
        } catch (error) {
          if (!isOrchestraError(error, "not-found")) throw error;
          table.gone(view.id, clock.now());
        }
      }
    };
    await Promise.all(Array.from({ length: looksAtATime }, next));
  };

  return {
    async refresh(afterMs, signal) {
      if (!isDue && clock.now() - listedAt < afterMs) return listedAt + afterMs;
      try {
        isDue = false;
        const afterSilence = wasSilent;
        const isDoubtedNow = isDoubted;
        isDoubted = false;
        if (afterSilence || isDoubtedNow) await prepare(signal);
        const asOf = table.asOf;
        const containers = await runtime.list(signal);
        table.listed(containers, asOf, afterSilence, clock.now());
        await look(signal);
        // A silence that began meanwhile is still to be looked at.
        if (!isDue) wasSilent = false;
        listedAt = clock.now();
        return listedAt + afterMs;
      } catch (error) {
        onSilence();
        throw error;
      }
    },
    async watch(signal) {
      await runtime.watch((event) => {
        if (event.kind === "lost") onSilence();
        else if (event.kind === "network-gone") onDoubt();
        else if (event.kind === "gap") isDue = true;
        else if (table.event(event, clock.now())) isDue = true;
        wake();
      }, signal);
    },
    onSilence,
    onDoubt,
    claimed: () => (isClaimed ? network : undefined),
    onProblem(now) {
      problem = now;
      announce().catch((error: unknown) => log.debug("a problem cannot be told", { error: messageOf(error) }));
    },
    network() {
      if (network) return network;
      throw new OrchestraError("unavailable", "Docker has not answered yet");
    },
    close() {
      closed = true;
      cancel();
    },
  };
}
