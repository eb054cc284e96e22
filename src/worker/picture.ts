// Keeps the table's picture of the engine true: lists at the start, after every gap and once a while, follows events in between.
// With every new beginning of the engine, and when in doubt, it also sees to the network, and registers what this node is.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { networkName } from "../model/cluster.ts";
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import type { NodeDocument } from "../model/node.ts";
import type { Store } from "../store/store.ts";
import { type NodeFacts, nodeDocument, recordedRange, registerNode } from "./registration.ts";
import type { NodeNetwork, Runtime } from "./runtime.ts";
import type { PodTable } from "./table.ts";

export interface PictureOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly table: PodTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: NodeFacts;
  readonly cluster: { readonly id: string; readonly networkRange: string };
  readonly wake: () => void;
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
  network(): NodeNetwork;
  close(): void;
}

/** Looks at once: they are quick reads. */
const looksAtATime = 8;
const registerAgainMs = 1_000;

export function openPicture({ store, runtime, table, clock, log, facts, cluster, wake }: PictureOptions): Picture {
  let network: NodeNetwork | undefined;
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

  const prepare = async (signal: AbortSignal) => {
    const engine = await runtime.info(signal);
    const last = network?.range ?? (await recordedRange(store, facts.node));
    network = await runtime.ensureNetwork({ name: networkName(cluster.id), range: cluster.networkRange, last }, signal);
    unregistered = nodeDocument(facts, engine, network);
    await register();
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
