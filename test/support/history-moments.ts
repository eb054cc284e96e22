// A store's history as documents: what each transaction changed, and what there was after it.
import type { VerdictsDocument } from "../../src/model/node.ts";
import type { PlacementsDocument } from "../../src/model/pod.ts";
import { keyOfPath } from "../../src/store/zookeeper-paths.ts";
import type { Transaction } from "./zookeeper-history.ts";

/** One transaction as changes of documents: their value after it, or undefined for what it removed. */
export interface Moment {
  readonly transaction: Transaction;
  readonly changes: ReadonlyMap<string, unknown>;
  /** The documents after it. */
  readonly documents: ReadonlyMap<string, unknown>;
}

/** Of what lies below the chroot. */
export function* momentsOf(history: readonly Transaction[], chroot: string): Generator<Moment> {
  const documents = new Map<string, unknown>();
  for (const transaction of history) {
    const changes = new Map<string, unknown>();
    for (const op of transaction.ops) {
      if (op.do === "check" || !op.path.startsWith(`${chroot}/`)) continue;
      const key = keyOfPath(op.path.slice(chroot.length));
      if (key === undefined) continue;
      const value = op.do === "delete" || op.text === "" ? undefined : parse(op.text);
      changes.set(key, value);
      if (value === undefined) documents.delete(key);
      else documents.set(key, value);
    }
    if (changes.size > 0) yield { transaction, changes, documents: new Map(documents) };
  }
}

/** What no program wrote is no document. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The pods of lost nodes: what becomes of them there nobody knows, and their successors elsewhere are not too many. */
export function podsOnLostNodes(documents: Moment["documents"]): ReadonlySet<string> {
  const verdicts = documents.get("verdicts") as VerdictsDocument | undefined;
  const lost = Object.entries(verdicts?.nodes ?? {}).filter(([, { state }]) => state === "lost");
  const placements = lost.map(([node]) => documents.get(`placements/${node}`) as PlacementsDocument | undefined);
  return new Set(placements.flatMap((document) => document?.placements.map(({ pod }) => pod) ?? []));
}
