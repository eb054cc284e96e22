// The documents of the embedded store, as its tables hold them. Every function is one step inside a transaction that the caller holds.
import type { DatabaseSync } from "node:sqlite";
import { collectionOf, epochKey } from "../model/keys.ts";
import { prepareStatements, type Row, type Statements } from "./embedded-statements.ts";
import { conflictAt, deposed, type EncodedChange } from "./encode.ts";
import { type Changes, type Document, parseDocument, type Selection, selects, sortDocuments } from "./snapshot.ts";
import { type Check, epochElection, type Position } from "./store.ts";

/** Whether the process that holds an ephemeral document is alive. */
export type IsHeld = (holder: string) => boolean;

export interface DocumentTable {
  position(): Position;
  read(key: string): Document | undefined;
  /** Sorted by key. */
  readAll(selection: Selection): Document[];
  /** What any of these selections must know that was at `since`. */
  changesSince(since: Position, selections: readonly Selection[]): Changes;
  /** Ephemeral documents whose holder lives: key to holder. */
  holders(): Map<string, string>;
  /** Throws the conflict that forbids the commit, if there is one; writes nothing. */
  check(checks: readonly Check[], epoch: number | undefined): void;
  /** Throws a conflict half-way: the caller's transaction rolls back. */
  write(changes: readonly EncodedChange[]): Position;
  writeEphemeral(key: string, json: string, holder: string): Position;
  /** Undefined when someone else holds the document by now. */
  removeEphemeral(key: string, holder: string): Position | undefined;
  /** The living or dead holder of an ephemeral document, as stored. */
  storedHolder(key: string): { readonly holder: string; readonly json: string } | undefined;
  electionHolder(name: string): string | undefined;
  /** Makes `holder` the leader and returns the epoch that it raised; 0 where there is none. */
  writeElection(name: string, holder: string): number;
}

export function openDocumentTable(database: DatabaseSync, isHeld: IsHeld): DocumentTable {
  return new SqlDocumentTable(database, isHeld);
}

class SqlDocumentTable implements DocumentTable {
  readonly #sql: Statements;
  readonly #isHeld: IsHeld;

  constructor(database: DatabaseSync, isHeld: IsHeld) {
    this.#sql = prepareStatements(database);
    this.#isHeld = isHeld;
  }

  position(): Position {
    return Number(this.#sql.position.get()?.["position"]);
  }

  read(key: string): Document | undefined {
    const row = this.#living(key);
    return row && parseRow(row);
  }

  readAll({ collections, keys }: Selection): Document[] {
    const rows = [...collections].flatMap((collection) => this.#range(collection));
    for (const key of keys) {
      const row = collections.has(collectionOf(key)) && key.includes("/") ? undefined : this.#row(key);
      if (row) rows.push(row);
    }
    return sortDocuments(rows.filter((row) => this.#lives(row)).map(parseRow));
  }

  changesSince(since: Position, selections: readonly Selection[]): Changes {
    const rows = this.#sql.since.all(since) as unknown as Row[];
    const wanted = rows.filter((row) => selections.some((selection) => selects(selection, row.key)));
    const written = wanted.filter((row) => this.#lives(row)).map(parseRow);
    return { position: this.position(), written, left: this.#leftSince(since, selections) };
  }

  holders(): Map<string, string> {
    return new Map(this.#livingPresence().map(({ key, holder }) => [key, holder ?? ""]));
  }

  check(checks: readonly Check[], epoch: number | undefined): void {
    if (epoch !== undefined) {
      const found = this.#epoch();
      if (found !== epoch) throw deposed(epoch, found);
    }
    for (const { key, version } of checks) {
      const found = this.#living(key)?.version;
      if (found !== version) throw conflictAt(key, version, found);
    }
  }

  write(changes: readonly EncodedChange[]): Position {
    const at = this.#raise();
    for (const change of changes) {
      const { key, version } = change;
      if (!this.#writeOne(change, at)) throw conflictAt(key, version, this.#living(key)?.version);
    }
    return at;
  }

  writeEphemeral(key: string, json: string, holder: string): Position {
    const at = this.#raise();
    this.#sql.ephemeral.run(key, at, json, holder);
    return at;
  }

  removeEphemeral(key: string, holder: string): Position | undefined {
    if (this.#sql.removeEphemeral.run(key, holder).changes !== 1) return undefined;
    const at = this.#raise();
    this.#sql.removal.run(collectionOf(key), at);
    return at;
  }

  storedHolder(key: string): { readonly holder: string; readonly json: string } | undefined {
    const row = this.#row(key);
    return row?.holder ? { holder: row.holder, json: row.json } : undefined;
  }

  electionHolder(name: string): string | undefined {
    return this.#sql.election.get(name)?.["holder"]?.toString();
  }

  writeElection(name: string, holder: string): number {
    this.#sql.elect.run(name, holder);
    if (name !== epochElection) return 0;
    const epoch = (this.#epoch() ?? 0) + 1;
    this.#sql.upsert.run(epochKey, this.#raise(), JSON.stringify({ epoch }));
    return epoch;
  }

  #row(key: string): Row | undefined {
    return this.#sql.one.get(key) as Row | undefined;
  }

  #living(key: string): Row | undefined {
    const row = this.#row(key);
    return row && this.#lives(row) ? row : undefined;
  }

  #lives({ holder }: Row): boolean {
    return holder === null || this.#isHeld(holder);
  }

  #range(collection: string): Row[] {
    return this.#sql.range.all(`${collection}/`, `${collection}0`) as unknown as Row[];
  }

  #livingPresence(): Row[] {
    return this.#range("presence").filter((row) => this.#lives(row));
  }

  #epoch(): number | undefined {
    const row = this.#row(epochKey);
    return row && (JSON.parse(row.json) as { readonly epoch: number }).epoch;
  }

  /** Of each selected collection that has lost a document: the keys that are left. */
  #leftSince(since: Position, selections: readonly Selection[]): Map<string, ReadonlySet<string>> {
    const left = new Map<string, ReadonlySet<string>>();
    for (const row of this.#sql.removedSince.all(since)) {
      const collection = String(row["collection"]);
      if (selectsFrom(collection, selections)) left.set(collection, this.#keysLeft(collection));
    }
    // A holder may have died without a commit.
    if (selectsFrom("presence", selections))
      left.set("presence", new Set(this.#livingPresence().map(({ key }) => key)));
    return left;
  }

  #keysLeft(collection: string): Set<string> {
    const rows = this.#sql.keys.all(collection, `${collection}/`, `${collection}0`);
    return new Set(rows.map(({ key }) => String(key)));
  }

  #raise(): Position {
    const next = this.position() + 1;
    this.#sql.raise.run(next);
    return next;
  }

  /** Returns whether the document still had the version that the change names. */
  #writeOne({ key, version, json }: EncodedChange, at: Position): boolean {
    if (json === undefined) {
      if (this.#sql.remove.run(key, version).changes !== 1) return false;
      this.#sql.removal.run(collectionOf(key), at);
      return true;
    }
    if (version === "absent") return this.#sql.create.run(key, at, json).changes === 1;
    return this.#sql.update.run(at, json, key, version).changes === 1;
  }
}

/** Whether any of these selections may have a document of this collection. */
function selectsFrom(collection: string, selections: readonly Selection[]): boolean {
  return selections.some(
    ({ collections, keys }) => collections.has(collection) || [...keys].some((key) => collectionOf(key) === collection),
  );
}

function parseRow({ key, version, json }: Row): Document {
  return parseDocument(key, version, json);
}
