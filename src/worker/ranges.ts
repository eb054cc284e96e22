// Which part of the cluster's range this node's network has: claimed in the store before it is used, so that no two nodes have the same.
// Reads and writes `ranges/`: one document for each range, which only one of two nodes can create. The engine gets its network here.
import { networkName } from "../model/cluster.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { clusterKey, collectionOf, type Key, nameOf, placementsKey, rangeKey } from "../model/keys.ts";
import type { RangeDocument } from "../model/range.ts";
import { put, remove, type Snapshot, type Store } from "../store/store.ts";
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
  /** Why the store that shows this is not followed; undefined: it is. What one says that is not counts as if it did not answer. */
  readonly whyNotTrusted: (snapshot: Snapshot) => string | undefined;
}

export interface SettledNetwork {
  readonly network: NodeNetwork;
  /** False: the store did not answer, or is not followed, so whose range this is has to be looked at later. */
  readonly isClaimed: boolean;
}

/** Each attempt has met another worker: as many nodes may start at the same moment as a site has. */
const attempts = 50;

/**
 * The node's network, on a range that is this node's alone: as it is, or a new one. Throws `invalid` when no part of the cluster's range may be used,
 * `unavailable` when a range has to be claimed and the store does not answer, or is not followed.
 */
export async function settleNetwork(request: RangeRequest, signal: AbortSignal): Promise<SettledNetwork> {
  const { store, runtime, node, cluster, held } = request;
  const name = networkName(cluster.id);
  const refused: TakenRange[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const engine = await runtime.networks(name, signal);
    const { claims, why } = await claimsIn(request);
    if (engine.ours) {
      const { node: maker, ...network } = engine.ours;
      if (!claims) return { network, isClaimed: network.range === held };
      const claimed = claims.get(network.range);
      const owner = claimed?.node;
      const isFree = owner === undefined || (owner === node && claimed?.isDamaged === true);
      if (isFree && !(await claim(store, network.range, node, claims))) continue;
      // Another node on this engine may have made it, and then it has the claim for both.
      if (isFree || owner === node || owner === maker) {
        await release(store, node, claims, network.range);
        return { network, isClaimed: true };
      }
      // This node was forgotten, and another one got its range: addresses in it lead there.
      await runtime.removeNetwork(name, { force: true }, signal);
      continue;
    }
    const taken = [...engine.taken, ...refused];
    const { range, gateway } = choose(request, taken, claims ?? new Map(), attempt);
    if (claims ? !isClaimedBy(node, claims.get(range)) : range !== held) {
      if (!claims) throw notSettled(why);
      if (!(await claim(store, range, node, claims))) continue;
    }
    const made = await runtime.createNetwork({ name, range, gateway }, signal);
    if (!made) refused.push({ range, isBridge: true, name: "what the engine has there" });
  }
  throw new OrchestraError(
    "unavailable",
    `no part of ${cluster.networkRange} could be had: others were faster each time`,
  );
}

interface Claim {
  /** Undefined: the document is damaged, and no node's own document names the range. */
  readonly node: string | undefined;
  readonly isDamaged: boolean;
  readonly key: Key<RangeDocument>;
  readonly version: number;
}

type Claims = ReadonlyMap<string, Claim>;

/** Of a store that cannot be asked: why. */
type Claimed =
  | { readonly claims: Claims; readonly why?: undefined }
  | { readonly claims?: undefined; readonly why: string };

/** By range. Whose a damaged one is, the nodes' own documents tell. */
async function claimsIn({ store, node: self, whyNotTrusted }: RangeRequest): Promise<Claimed> {
  try {
    const snapshot = await store.list(["ranges", "nodes", clusterKey, placementsKey(self)]);
    const why = whyNotTrusted(snapshot);
    if (why !== undefined) return { why };
    const claims = snapshot.list("ranges").map(({ key, value, version }): Claim => {
      return { key, version, node: value.node, isDamaged: false };
    });
    // Two nodes name the same range when one of them was forgotten and has not heard of it: that is this one.
    const nodes = snapshot.list("nodes").map(({ key, value }) => [value.network?.range, nameOf(key)] as const);
    const users = new Map([...nodes.filter(([, node]) => node === self), ...nodes.filter(([, node]) => node !== self)]);
    for (const [key, { version }] of snapshot.damaged) {
      if (collectionOf(key) !== "ranges") continue;
      claims.push({ key: key as Key<RangeDocument>, version, node: users.get(rangeOf(key)), isDamaged: true });
    }
    return { claims: new Map(claims.map((one) => [rangeOf(one.key), one])) };
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    return { why: "the store does not answer" };
  }
}

function isClaimedBy(node: string, claimed: Claim | undefined): boolean {
  return claimed?.node === node && !claimed.isDamaged;
}

/** Also in the place of a damaged claim that is nobody's. False: another node was faster. */
async function claim(store: Store, range: string, node: string, claims: Claims): Promise<boolean> {
  try {
    await store.commit({ changes: [put(rangeKey(range), { node }, claims.get(range)?.version ?? "absent")] });
    return true;
  } catch (error) {
    if (!isOrchestraError(error, "conflict")) throw error;
    return false;
  }
}

/** What this node has claimed and does not use: the engine had it already, or the network was made anew elsewhere. */
async function release(store: Store, node: string, claims: Claims, kept: string): Promise<void> {
  const idle = [...claims].filter(([range, claimed]) => claimed.node === node && range !== kept);
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
  const own = [...claims].filter(([, claimed]) => claimed.node === node).map(([range]) => range);
  // A damaged claim may be anybody's, but not that of a range which this process has claimed before.
  const others = [...claims].filter(([range, { node: owner = range === held ? node : undefined }]) => owner !== node);
  const choice = chooseSubnet({
    clusterRange: cluster.networkRange,
    taken: [
      ...hostRoutes,
      ...engineTaken,
      ...others.map(([range, { node: owner = "that a damaged claim does not tell" }]) => {
        return { range, isBridge: true, name: `the range of node ${owner}` };
      }),
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

function notSettled(why: string): OrchestraError {
  return new OrchestraError("unavailable", `this node has no network yet: ${why}`, {
    hint: "its range is claimed in the store, so that no other node has the same",
  });
}
