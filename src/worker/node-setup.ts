// What this node needs before it runs anything, and what others read of it: its network, on a range that is its own, and its document.
// Writes `nodes/<node>`, and `ranges/` through `ranges.ts`.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import type { NodeDocument } from "../model/node.ts";
import type { Snapshot, Store } from "../store/store.ts";
import { settleNetwork } from "./ranges.ts";
import { type NodeFacts, nodeDocument, registerNode } from "./registration.ts";
import type { HostNetwork } from "./routes.ts";
import type { EngineInfo, NodeNetwork, Runtime } from "./runtime.ts";

export interface NodeSetupOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: NodeFacts;
  readonly cluster: { readonly id: string; readonly networkRange: string };
  readonly host: HostNetwork;
  /** As `RangeRequest`. */
  readonly whyNotTrusted: (snapshot: Snapshot) => string | undefined;
  /** The network is there, perhaps made anew. */
  readonly onNetwork: () => void;
  /** It is time to prepare again. */
  readonly onDoubt: () => void;
}

const registerAgainMs = 1_000;
/** Whether the network's range is this node's is asked again, once the store could not tell. */
const claimAgainMs = 5_000;

export class NodeSetup {
  readonly #options: NodeSetupOptions;
  #engine: EngineInfo | undefined;
  #network: NodeNetwork | undefined;
  #isClaimed = false;
  #problem: string | undefined;
  #unregistered: NodeDocument | undefined;
  #cancel = () => {};
  #closed = false;

  constructor(options: NodeSetupOptions) {
    this.#options = options;
  }

  /** With every beginning of the engine. `isFirst`: what the store refuses is thrown; later it is asked again behind the caller's back. */
  async prepare(isFirst: boolean, signal: AbortSignal): Promise<void> {
    const { store, runtime, facts, cluster, host, whyNotTrusted, onNetwork, onDoubt } = this.#options;
    this.#engine = await runtime.info(signal);
    const hostRoutes = await host.taken();
    const held = this.#isClaimed ? this.#network?.range : undefined;
    const request = { store, runtime, node: facts.node, cluster, hostRoutes, held, whyNotTrusted };
    const { network, isClaimed } = await settleNetwork(request, signal);
    this.#network = network;
    this.#isClaimed = isClaimed;
    if (!isClaimed) this.#later(claimAgainMs, onDoubt);
    onNetwork();
    await this.#announce(isFirst);
  }

  /** Throws `unavailable` until there is one. */
  network(): NodeNetwork {
    if (this.#network) return this.#network;
    throw new OrchestraError("unavailable", "Docker has not answered yet");
  }

  /** The network once it is certain that its range is this node's. */
  claimed(): NodeNetwork | undefined {
    return this.#isClaimed ? this.#network : undefined;
  }

  /** Why other nodes' containers are not reached from here: the node's document tells it. */
  onProblem(problem: string | undefined): void {
    this.#problem = problem;
    void this.#announce(false);
  }

  /** Somebody has removed the node's document, or the whole store under it. */
  announceAgain(): void {
    void this.#announce(false);
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  async #announce(isFirst: boolean): Promise<void> {
    if (!this.#engine || !this.#network || !this.#isClaimed) return;
    this.#unregistered = nodeDocument(this.#options.facts, this.#engine, this.#network, this.#problem);
    await this.#register(isFirst);
  }

  async #register(isFirst: boolean): Promise<void> {
    const { store, facts, log } = this.#options;
    const document = this.#unregistered;
    if (!document || this.#closed) return;
    try {
      await registerNode(store, facts.node, document);
      if (this.#unregistered === document) this.#unregistered = undefined;
    } catch (error) {
      if (isFirst && !isOrchestraError(error, "unavailable")) throw error;
      log.debug("this node cannot be registered now", { error: messageOf(error) });
      this.#later(registerAgainMs, () => void this.#register(false));
    }
  }

  #later(ms: number, act: () => void): void {
    this.#cancel();
    this.#cancel = this.#closed ? () => {} : this.#options.clock.after(ms, act);
  }
}
