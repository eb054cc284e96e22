// Snapshots: an immutable, sorted list of documents at one position, and how changes make the next one. Pure; every adapter shares it.

import { shapeProblem } from "../model/document-shape.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { type Collection, type Collections, collectionOf, type Key } from "../model/keys.ts";
import type { Damage, Position, Selector, Snapshot, Versioned } from "./store.ts";

/** A document of which only the key is known to the compiler. Frozen to its leaves. */
export interface Document extends Versioned<unknown> {
  /** Why it cannot be understood; its value means nothing then. */
  readonly damaged?: string;
}

/** What a view or a listing asks for, ready to be asked about single keys. */
export interface Selection {
  readonly collections: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
}

/** What happened since a position, as an adapter saw it. */
export interface Changes {
  readonly position: Position;
  /** Written since, with their values now. */
  readonly written: readonly Document[];
  /** For each collection (or key outside collections) that lost a document: the keys it still has. */
  readonly left: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Sorts out selectors: a name without a slash is a collection, or the key of a document there is one of. */
export function selectionOf(selectors: readonly Selector[]): Selection {
  const collections = new Set<string>();
  const keys = new Set<string>();
  for (const selector of selectors) {
    if (selector.includes("/")) keys.add(selector);
    else {
      collections.add(selector);
      keys.add(selector);
    }
  }
  return { collections, keys };
}

/** Whether a document with this key is part of the selection. */
export function selects(selection: Selection, key: string): boolean {
  return selection.keys.has(key) || selection.collections.has(collectionOf(key));
}

/** `documents` must be sorted by key and frozen; the snapshot keeps them as they are. */
export function makeSnapshot(
  selection: Selection,
  all: readonly Document[],
  position: Position,
  fresh: boolean,
): Snapshot {
  const damaged = damageIn(all);
  const documents = damaged.size === 0 ? all : all.filter((document) => document.damaged === undefined);
  const lists = new Map<string, readonly Document[]>();
  const list = (collection: string): readonly Document[] => {
    const known = lists.get(collection);
    if (known) return known;
    // "0" follows "/" in ASCII: everything of the collection lies between the two.
    const found = Object.freeze(
      documents.slice(lowerBound(documents, `${collection}/`), lowerBound(documents, `${collection}0`)),
    );
    lists.set(collection, found);
    return found;
  };
  return Object.freeze({
    position,
    fresh,
    damaged,
    get<T>(key: Key<T>): Versioned<T> | undefined {
      if (!selects(selection, key)) throw outside(key);
      const found = documents[lowerBound(documents, key)];
      return found?.key === key ? (found as Versioned<T>) : undefined;
    },
    list<C extends Collection>(collection: C): readonly Versioned<Collections[C]>[] {
      if (!selection.collections.has(collection)) throw outside(collection);
      return list(collection) as readonly Versioned<Collections[C]>[];
    },
  });
}

/** The documents after `changes`, or the very same list when nothing of the selection changed. */
export function applyChanges(
  selection: Selection,
  documents: readonly Document[],
  changes: Changes,
): readonly Document[] {
  const kept = changes.left.size === 0 ? documents : documents.filter((document) => stays(document.key, changes));
  const next = kept.length === documents.length ? [...documents] : [...kept];
  let changed = kept.length !== documents.length;
  const created: Document[] = [];
  for (const document of changes.written) {
    if (!selects(selection, document.key)) continue;
    const at = lowerBound(kept, document.key);
    const known = kept[at];
    if (known?.key !== document.key) created.push(document);
    else if (known.version === document.version) continue;
    else next[at] = document;
    changed = true;
  }
  if (!changed) return documents;
  // The list is nearly sorted already, which is what the engine's sort is fastest at.
  return created.length === 0 ? next : sortDocuments([...next, ...created]);
}

/** Sorts in place by key, as code units: the same in every adapter. */
export function sortDocuments(documents: Document[]): Document[] {
  return documents.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** A document out of its stored text, or a damaged one; nobody can change the value in place. */
export function parseDocument(key: string, version: number, json: string): Document {
  try {
    const value: unknown = JSON.parse(json);
    const why = shapeProblem(key, value);
    if (why !== undefined) return damagedDocument(key, version, why);
    return Object.freeze({ key: key as Key<unknown>, version, value: freezeDeep(value) });
  } catch (error) {
    return damagedDocument(key, version, messageOf(error).replace(/\s+/g, " ").slice(0, 160));
  }
}

export function damagedDocument(key: string, version: number, damaged: string): Document {
  return Object.freeze({ key: key as Key<unknown>, version, value: undefined, damaged });
}

/** The document, for whoever asks for this one alone. Throws `invalid` for a damaged one. */
export function soundDocument(document: Document | undefined, url: string): Document | undefined {
  if (document?.damaged === undefined) return document;
  throw new OrchestraError(
    "invalid",
    `the document ${document.key} of the store ${url} is damaged: ${document.damaged}`,
    {
      hint: "write it again, or remove it, with the tools of the store",
    },
  );
}

function damageIn(documents: readonly Document[]): ReadonlyMap<string, Damage> {
  let found: Map<string, Damage> | undefined;
  for (const { key, version, damaged } of documents) {
    if (damaged === undefined) continue;
    found ??= new Map();
    found.set(key, { version, why: damaged });
  }
  return found ?? noDamage;
}

const noDamage: ReadonlyMap<string, Damage> = new Map();

function freezeDeep(value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    for (const name in value) freezeDeep((value as Record<string, unknown>)[name]);
    Object.freeze(value);
  }
  return value;
}

function stays(key: string, { left }: Changes): boolean {
  const keys = left.get(collectionOf(key));
  return keys === undefined || keys.has(key);
}

/** The first index whose key is not below `key`. */
function lowerBound(documents: readonly Document[], key: string): number {
  let low = 0;
  let high = documents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((documents[middle]?.key ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function outside(what: string): OrchestraError {
  return new OrchestraError("bug", `"${what}" was asked of a snapshot that does not select it`);
}
