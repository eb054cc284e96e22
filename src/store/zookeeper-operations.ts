// A commit as one transaction of ZooKeeper: which operations, in which order, and what each refusal means. Pure.
import { collectionOf } from "../model/keys.ts";
import type { Acl, Op } from "../zookeeper/records.ts";
import { commitTooLarge, type EncodedChange } from "./encode.ts";
import { commitsPath, pathOfKey, removalsPath } from "./zookeeper-paths.ts";
import { encoderOf, markBytes } from "./zookeeper-text.ts";

/** A document that a commit writes, removes or only checks, in the order in which a conflict is told: checks, then changes. */
export interface Item {
  readonly do: "create" | "set" | "remove" | "check";
  readonly key: string;
  readonly version: number | "absent";
  readonly json?: string;
  /** Of the text. */
  readonly bytes?: number;
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
): Item[] {
  const checked = checks.map(({ key, version }): Item => ({ do: "check", key, version }));
  const changed = changes.map(({ key, version, json, bytes }): Item => {
    if (json === undefined || bytes === undefined) return { do: "remove", key, version };
    return { do: version === "absent" ? "create" : "set", key, version, json, bytes };
  });
  return [...checked, ...changed];
}

export function transactionOf({ pin, items, counterOf, removals, epochs, mark, acl }: TransactionParts): Transaction {
  const steps: [Subject, Op][] = [["store", pin]];
  const marked = Buffer.from(mark);
  if (items.some((item) => item.do === "remove")) {
    steps.push(["removals", { do: "set", path: removalsPath, data: marked, version: removals ?? 0 }]);
  } else if (items.some((item) => item.do !== "create")) {
    steps.push(["removals", { do: "check", path: removalsPath, version: removals ?? 0 }]);
  }
  for (const [epoch, version] of epochs) steps.push([epoch, { do: "check", path: pathOfKey("epoch"), version }]);
  const encode = encoderOf(mark, items);
  for (const item of items) steps.push([item, operationOf(item, counterOf, encode, acl)]);
  if (items.some((item) => item.do !== "check")) {
    steps.push(["commits", { do: "set", path: commitsPath, data: marked, version: -1 }]);
  }
  return { subjects: steps.map(([subject]) => subject), ops: steps.map(([, op]) => op) };
}

function operationOf(
  item: Item,
  counterOf: (item: Item) => number,
  encode: (text: Item) => Uint8Array,
  acl: readonly Acl[],
): Op {
  const path = pathOfKey(item.key);
  const data = () => encode(item);
  switch (item.do) {
    case "create":
      return { do: "create", path, data: data(), mode: "persistent", acl };
    case "set":
      return { do: "set", path, data: data(), version: counterOf(item) };
    case "remove":
      return { do: "delete", path, version: counterOf(item) };
    case "check":
      return { do: "check", path, version: counterOf(item) };
    default:
      return item.do satisfies never;
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
