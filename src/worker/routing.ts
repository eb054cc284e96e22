// Keeps the host's routes to the other nodes' containers, and the rules that let their traffic through, as the store's `nodes` ask for.
// Reads a view of `nodes`; writes routes and rules of the host. On a single node there are none.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { startLoop } from "../loop.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { clusterKey, nameOf, nodeKey, placementsKey } from "../model/keys.ts";
import type { Snapshot, Store, View } from "../store/store.ts";
import { type HostNetwork, type HostState, noRoutes, peersOf, problemOf, type RouteStep, routesOf } from "./routes.ts";
import type { NodeNetwork } from "./runtime.ts";

export interface RoutingOptions {
  readonly store: Store;
  readonly host: HostNetwork;
  readonly node: string;
  readonly cluster: { readonly id: string; readonly networkRange: string };
  /** Undefined until this node has one. */
  readonly network: () => NodeNetwork | undefined;
  /** Whether a removal may rest on what this snapshot shows. */
  readonly trusts: (snapshot: Snapshot) => boolean;
  /** Why containers of other nodes are not reached; undefined: they are. Called when that has changed. */
  readonly onProblem: (problem: string | undefined) => void;
  /** What the store had of this node may be gone: an operator has had it forgotten, or the store was replaced by one that is followed now. */
  readonly onForgotten: () => void;
  /** Its document is gone with the rest of a store that is not followed: who looks there should see the node all the same. */
  readonly onUnseen: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Routing {
  /** The host's routes or rules may have changed: look again. */
  wake(): void;
  /** Ends the loop; routes and rules stay, because the containers do. */
  close(): Promise<void>;
}

/** What somebody deletes by hand is back after so long. */
const relistMs = 10_000;
const viewAgainMs = 1_000;

export function startRouting(options: RoutingOptions): Routing {
  const { store, host, node, cluster, trusts, clock, log } = options;
  let view: View | undefined;
  let isClean = false;
  let wasRegistered = false;
  /** The document has gone from a store that was not trusted at that moment: what that means is looked into once it is. */
  let isOwed = false;
  const tell = teller(options);
  const looks = openLooks(clock);

  const pass = async () => {
    const own = options.network();
    if (!own) return {};
    view ??= await openView(store, node, () => loop.wake());
    if (!view) return { againInMs: viewAgainMs };
    const snapshot = view.snapshot();
    const mayRemove = trusts(snapshot);
    // One that is damaged is there, and for people to look at.
    const isRegistered = snapshot.get(nodeKey(node)) !== undefined || snapshot.damaged.has(nodeKey(node));
    const isGone = snapshot.fresh && wasRegistered && !isRegistered;
    if (isGone && !mayRemove) options.onUnseen();
    isOwed ||= isGone;
    if (mayRemove && isOwed) {
      isOwed = false;
      options.onForgotten();
    }
    if (snapshot.fresh) wasRegistered = isRegistered;
    const peers = peersOf(nodesOf(snapshot), node, own);
    // Alone, and nothing is left from other times: no program is run.
    if (peers.length === 0 && isClean) return {};
    // The view also wakes for this node's placements, which tell nothing new here.
    const dueInMs = looks.dueInMs(JSON.stringify([own, peers, mayRemove]));
    if (dueInMs > 0) return { againInMs: dueInMs };
    const found = await host.look(own.gateway);
    const steps = routesOf({ cluster, own, peers, found, mayRemove });
    const problem = await performAll(host, steps);
    isClean = peers.length === 0 && steps.length === 0 && mayRemove;
    tell(peers.length > 0 ? (problem ?? whyElsewhere(found)) : undefined);
    return {};
  };

  const loop = startLoop({ name: "routes", pass, clock, log, resyncMs: relistMs });
  return {
    wake() {
      looks.forget();
      loop.wake();
    },
    async close() {
      await loop.close();
      view?.close();
    },
  };
}

/** Removes everything that was set up for the cluster on this host; without the rights for it there is nothing to remove. */
export async function removeRouting(host: HostNetwork, cluster: string): Promise<void> {
  await performAll(host, noRoutes(cluster, await host.look("0.0.0.0")));
}

/** Undefined while the store does not answer. */
async function openView(store: Store, node: string, wake: () => void): Promise<View | undefined> {
  try {
    const view = await store.view(["nodes", clusterKey, placementsKey(node)]);
    view.onChange(wake);
    return view;
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    return undefined;
  }
}

/** When the host is looked at again: at once when something else is wanted of it, else after a while. */
function openLooks(clock: Clock) {
  let last: { readonly wanted: string; readonly at: number } | undefined;
  return {
    /** 0: now, and it is noted as done. */
    dueInMs(wanted: string): number {
      const leftMs = last?.wanted === wanted ? last.at + relistMs - clock.now() : 0;
      if (leftMs > 0) return leftMs;
      last = { wanted, at: clock.now() };
      return 0;
    },
    forget() {
      last = undefined;
    },
  };
}

/** Says a problem once, and once that it is over. */
function teller({ log, onProblem }: RoutingOptions): (problem: string | undefined) => void {
  let told: string | undefined;
  return (problem) => {
    if (problem === told) return;
    if (problem !== undefined) log.warn("other nodes' containers cannot be reached", { problem });
    else log.info("other nodes' containers can be reached again");
    told = problem;
    onProblem(problem);
  };
}

function nodesOf(snapshot: Snapshot) {
  return snapshot.list("nodes").map(({ key, value }) => [nameOf(key), value] as const);
}

/** Does what can be done, and returns the first reason why something could not. */
async function performAll(host: HostNetwork, steps: readonly RouteStep[]): Promise<string | undefined> {
  let problem: string | undefined;
  for (const step of steps) {
    try {
      await host.perform(step);
    } catch (error) {
      problem ??= problemOf(step, messageOf(error));
    }
  }
  return problem;
}

function whyElsewhere({ bridge }: HostState): string | undefined {
  if (bridge !== undefined) return undefined;
  return "the engine's networks are not on this machine: its containers and those of other nodes do not reach each other";
}
