// A commit as one transaction of ZooKeeper: which operations, in which order, and what each refusal means. Pure.
import { collectionOf } from "../model/keys.ts";
import type { Acl, Op } from "../zookeeper/records.ts";
import { commitTooLarge, type EncodedChange } from "./encode.ts";
import { commitsPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { blanksOf, markBytes } from "./zookeeper-text.ts";

/** A document that a commit writes, removes or only checks, in the order in which a conflict is told: checks, then changes. */
export type Item = EncodedChange | Checked;

interface Checked {
  readonly do: "check";
  readonly key: string;
  readonly version: number;
  readonly json?: never;
  readonly bytes?: never;
}

/** What an operation is about, for the case that it is refused. A number: the epoch of a leader. */
export type Subject = "store" | "removals" | "commits" | number | Item;

export interface Transaction {
  readonly ops: readonly Op[];
  readonly subjects: readonly Subject[];
}

export interface TransactionParts {
  /** Fails in every other store than the one that the counters are of. */
  readonly pin: Op;
  readonly items: readonly Item[];
  /** The node's own counter of an item that exists. */
  readonly counterOf: (item: Item) => number;
  /** Under which the counters were learnt. Only needed where an item exists. */
  readonly removals: number | undefined;
  /** The leaders who write, and the counter of the epoch's node that each rests on. */
  readonly epochs: readonly (readonly [epoch: number, counter: number])[];
  readonly mark: string;
  readonly acl: readonly Acl[];
}

export function itemsOf(
  changes: readonly EncodedChange[],
  checks: readonly { readonly key: string; readonly version: number }[],
): readonly Item[] {
  if (checks.length === 0) return changes;
  const checked = checks.map(({ key, version }): Item => ({ do: "check", key, version }));
  return [...checked, ...changes];
}

export function transactionOf({ pin, items, counterOf, removals, epochs, mark, acl }: TransactionParts): Transaction {
  const subjects: Subject[] = ["store"];
  const ops: Op[] = [pin];
  const add = (subject: Subject, op: Op) => {
    subjects.push(subject);
    ops.push(op);
  };
  if (items.some((item) => item.do === "remove")) {
    add("removals", { do: "set", path: removalsPath, data: [mark], version: removals ?? 0 });
  } else if (items.some((item) => item.do !== "create")) {
    add("removals", { do: "check", path: removalsPath, version: removals ?? 0 });
  }
  for (const [epoch, version] of epochs) add(epoch, { do: "check", path: pathOfKey("epoch"), version });
  const blanks = blanksOf(mark);
  for (const item of items) add(item, operationOf(item, counterOf, blanks, acl));
  if (items.some((item) => item.do !== "check")) {
    add("commits", { do: "set", path: commitsPath, data: [mark], version: -1 });
  }
  return { subjects, ops };
}

function operationOf(item: Item, counterOf: (item: Item) => number, blanks: string, acl: readonly Acl[]): Op {
  const path = pathOfKey(item.key);
  switch (item.do) {
    case "create":
      return { do: "create", path, data: [item.json ?? "", blanks], mode: "persistent", acl };
    case "set":
      return { do: "set", path, data: [item.json ?? "", blanks], version: counterOf(item) };
    case "remove":
      return { do: "delete", path, version: counterOf(item) };
    case "check":
      return { do: "check", path, version: counterOf(item) };
    default:
      return item satisfies never;
  }
}

/** A server's limit for one request (`jute.maxbuffer`, 1 MiB less one), less what stands around the documents' operations. */
export const transactionBytesLimit = 1024 * 1024 - 1024;

/** The bytes of these items on the wire. `chroot` stands in front of each path. */
export function bytesOf(items: readonly Item[], chroot: string, acl: readonly Acl[]): number {
  const aclBytes = acl.reduce((sum, { scheme, id }) => sum + 12 + scheme.length + id.length, 8);
  return items.reduce((sum, { do: what, key, bytes }) => {
    const data = bytes === undefined ? 0 : 4 + bytes + markBytes;
    return sum + 18 + chroot.length + key.length + data + (what === "create" ? aclBytes : 0);
  }, 0);
}

export interface Arrangement {
  /** Transactions that go first, each on its own. Whoever sees only them sees templates that nothing names yet. */
  readonly first: readonly (readonly Item[])[];
  /** The one that counts. What went first is only checked in it, once its version is known. */
  readonly rest: readonly Item[];
}

/** How these items fit into transactions. Throws `invalid` when they do not: nothing has been written then. */
export function arrange(items: readonly Item[], chroot: string, acl: readonly Acl[]): Arrangement {
  const bytes = (some: readonly Item[]) => bytesOf(some, chroot, acl);
  if (bytes(items) <= transactionBytesLimit) return { first: [], rest: items };
  const first: Item[][] = [];
  let left = 0;
  for (const item of items) {
    if (!isNewRevision(item)) continue;
    const size = bytes([item]);
    if (size > left) {
      first.push([]);
      left = transactionBytesLimit;
    }
    first.at(-1)?.push(item);
    left -= size;
  }
  const rest = items.map((item): Item => (isNewRevision(item) ? { do: "check", key: item.key, version: 0 } : item));
  if (bytes(rest) > transactionBytesLimit) throw commitTooLarge(bytes(rest), transactionBytesLimit);
  return { first, rest };
}

/** Written once and never changed, so it may be there before what names it. */
function isNewRevision({ do: what, key }: Item): boolean {
  return what === "create" && collectionOf(key) === "revisions";
}
