// Which part of the cluster's range this node's network has: claimed in the store before it is used, so that no two nodes have the same.
// Reads and writes `ranges/`: one document for each range, which only one of two nodes can create. The engine gets its network here.
import { networkName } from "../model/cluster.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { rangeKey } from "../model/keys.ts";
import type { RangeDocument } from "../model/range.ts";
import { put, remove, type Store, type Versioned } from "../store/store.ts";
import { chooseSubnet, isWithin, type TakenRange } from "./network.ts";
import type { NodeNetwork, Runtime } from "./runtime.ts";

export interface RangeRequest {
  readonly store: Store;
  readonly runtime: Pick<Runtime, "networks" | "createNetwork" | "removeNetwork">;
  readonly node: string;
  readonly cluster: { readonly id: string; readonly networkRange: string };
  /** The host's own routes. */
  readonly hostRoutes: readonly TakenRange[];
  /** The range that this process has claimed before: it is ours, whether the store answers or not. */
  readonly held: string | undefined;
}

export interface SettledNetwork {
  readonly network: NodeNetwork;
  /** False: the store did not answer, so whose range this is has to be looked at later. */
  readonly isClaimed: boolean;
}

/** Each attempt has met another worker: as many nodes may start at the same moment as a site has. */
const attempts = 50;

/**
 * The node's network, on a range that is this node's alone: as it is, or a new one. Throws `invalid` when no part of the cluster's range may be used,
 * `unavailable` when a range has to be claimed and the store does not answer.
 */
export async function settleNetwork(request: RangeRequest, signal: AbortSignal): Promise<SettledNetwork> {
  const { store, runtime, node, cluster, held } = request;
  const name = networkName(cluster.id);
  const refused: TakenRange[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const engine = await runtime.networks(name, signal);
    const claims = await claimsIn(store);
    if (engine.ours) {
      const { node: maker, ...network } = engine.ours;
      if (!claims) return { network, isClaimed: network.range === held };
      const owner = claims.get(network.range)?.value.node;
      if (owner === undefined && !(await claim(store, network.range, node))) continue;
      // Another node on this engine may have made it, and then it has the claim for both.
      if (owner === undefined || owner === node || owner === maker) {
        await release(store, node, claims, network.range);
        return { network, isClaimed: true };
      }
      // This node was forgotten, and another one got its range: addresses in it lead there.
      await runtime.removeNetwork(name, { force: true }, signal);
      continue;
    }
    const taken = [...engine.taken, ...refused];
    const { range, gateway } = choose(request, taken, claims ?? new Map(), attempt);
    if (claims ? claims.get(range)?.value.node !== node : range !== held) {
      if (!claims) throw storeAway();
      if (!(await claim(store, range, node))) continue;
    }
    const made = await runtime.createNetwork({ name, range, gateway }, signal);
    if (!made) refused.push({ range, isBridge: true, name: "what the engine has there" });
  }
  throw new OrchestraError(
    "unavailable",
    `no part of ${cluster.networkRange} could be had: others were faster each time`,
  );
}

type Claims = ReadonlyMap<string, Versioned<RangeDocument>>;

/** By range; undefined while the store does not answer. */
async function claimsIn(store: Store): Promise<Claims | undefined> {
  try {
    const found = (await store.list(["ranges"])).list("ranges");
    return new Map(found.map((document) => [rangeOf(document.key), document]));
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    return undefined;
  }
}

/** False: another node was faster. */
async function claim(store: Store, range: string, node: string): Promise<boolean> {
  try {
    await store.commit({ changes: [put(rangeKey(range), { node }, "absent")] });
    return true;
  } catch (error) {
    if (!isOrchestraError(error, "conflict")) throw error;
    return false;
  }
}

/** What this node has claimed and does not use: the engine had it already, or the network was made anew elsewhere. */
async function release(store: Store, node: string, claims: Claims, kept: string): Promise<void> {
  const idle = [...claims].filter(([range, { value }]) => value.node === node && range !== kept);
  if (idle.length === 0) return;
  try {
    await store.commit({ changes: idle.map(([, { key, version }]) => remove(key, version)) });
  } catch (error) {
    // Somebody has seen to them, or the next look does.
    if (!isOrchestraError(error, "conflict") && !isOrchestraError(error, "unavailable")) throw error;
  }
}

function choose(
  { node, cluster, hostRoutes, held }: RangeRequest,
  engineTaken: readonly TakenRange[],
  claims: Claims,
  attempt: number,
) {
  const own = [...claims].filter(([, { value }]) => value.node === node).map(([range]) => range);
  const others = [...claims].filter(([, { value }]) => value.node !== node);
  const choice = chooseSubnet({
    clusterRange: cluster.networkRange,
    taken: [
      ...hostRoutes,
      ...engineTaken,
      ...others.map(([range, { value }]) => ({ range, isBridge: true, name: `the range of node ${value.node}` })),
    ],
    seed: `${networkName(cluster.id)}/${node}/${attempt}`,
    last: [held, ...own].find((range) => range !== undefined && isWithin(range, cluster.networkRange)),
  });
  if (!("refused" in choice)) return choice;
  throw new OrchestraError("invalid", choice.refused, {
    hint: "set ORCHESTRA_NETWORK_RANGE to a range that this host does not use, before the first `orchestra up` of the cluster",
  });
}

function rangeOf(key: string): string {
  return key.slice(key.indexOf("/") + 1).replace("-", "/");
}

function storeAway(): OrchestraError {
  return new OrchestraError("unavailable", "the store does not answer, and this node has no network yet", {
    hint: "its range is claimed in the store, so that no other node has the same",
  });
}
