// That this node exists and is alive: its presence and its document. Reads and writes `presence/<node>` and `nodes/<node>`.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import { nodeKey, presenceKey } from "../model/keys.ts";
import type { NodeDocument, PresenceDocument } from "../model/node.ts";
import { overwrite, type Presence, type Store } from "../store/store.ts";
import type { EngineInfo, NodeNetwork } from "./runtime.ts";

export interface NodeFacts {
  readonly node: string;
  readonly key: string;
  readonly address: string;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of this program. */
  readonly version: string;
}

/** Rejoining after the presence was lost: soon, because a master may already be looking for new places. */
const rejoinMs = 500;
/** A presence that is lost so soon was taken by someone with our key: the two must not take it from each other without a pause. */
const shortLivedMs = 5_000;

/** What others read of this node. `problem`: why its containers and those of other nodes do not reach each other. */
export function nodeDocument(
  facts: NodeFacts,
  engine: EngineInfo,
  network: NodeNetwork,
  problem: string | undefined,
): NodeDocument {
  return {
    address: facts.address,
    capacity: engine.capacity,
    platform: engine.platform,
    labels: {
      "orchestra.hostname": facts.hostname,
      "orchestra.os": engine.platform.os,
      "orchestra.arch": engine.platform.arch,
      ...facts.labels,
    },
    versions: {
      orchestra: facts.version,
      docker: engine.version,
      dockerApi: engine.apiVersion,
      kernel: engine.kernel,
    },
    network: problem === undefined ? network : { ...network, problem },
    key: facts.key,
  };
}

/** Writes the node's document if it differs. Throws `conflict` when the name belongs to a machine with another key. */
export async function registerNode(store: Store, node: string, document: NodeDocument): Promise<void> {
  const snapshot = await store.list([nodeKey(node)]);
  const found = snapshot.get(nodeKey(node));
  if (found && found.value.key !== document.key) {
    throw new OrchestraError("conflict", `another machine (${found.value.address}) is the node ${node} of this store`, {
      hint: "give this one its own name with ORCHESTRA_NODE before its first start",
    });
  }
  if (found && JSON.stringify(found.value) === JSON.stringify(document)) return;
  await store.commit({ changes: [overwrite(snapshot, nodeKey(node), document)] });
}

export interface Membership {
  leave(): Promise<void>;
}

/**
 * Joins, and joins again whenever the presence is lost, until `leave`. Throws `conflict` when another living process is this node;
 * a store that does not answer is waited for behind the caller's back.
 */
export async function joinNode(
  store: Store,
  facts: NodeFacts,
  pid: number,
  clock: Clock,
  log: Log,
): Promise<Membership> {
  let presence: Presence | undefined;
  let left = false;
  let cancel = () => {};

  const join = async () => {
    const value = { key: facts.key, pid, since: clock.wall() };
    // A machine runs one worker (its role's lock), so whoever has our key is our predecessor, and dead.
    const replaces = (holder: PresenceDocument) => holder.key === facts.key;
    presence = await store.join(presenceKey(facts.node), value, { replaces });
    if (left) return presence.leave();
    const { lost } = presence;
    const joinedAt = clock.now();
    // It may have been lost before anybody could listen.
    if (lost.aborted) onLost(joinedAt);
    else lost.addEventListener("abort", () => onLost(joinedAt), { once: true });
  };
  const onLost = (joinedAt: number) => {
    if (left) return;
    const isSoon = clock.now() - joinedAt < shortLivedMs;
    const hint = isSoon ? "does a copy of this machine's state folder run elsewhere?" : undefined;
    log.warn("this node's presence was lost; joining again", hint === undefined ? {} : { hint });
    again(isSoon ? rejoinMs : 0);
  };
  const again = (ms: number) => {
    cancel = clock.after(ms, () => {
      join().catch((error: unknown) => {
        log.debug("joining again failed", { error: messageOf(error) });
        if (!left) again(rejoinMs);
      });
    });
  };

  try {
    await join();
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    again(rejoinMs);
  }
  return {
    async leave() {
      left = true;
      cancel();
      await presence?.leave();
    },
  };
}
