// The SQL of the embedded store. Every function is one step inside a transaction that the caller holds.
import type { DatabaseSync } from "node:sqlite";
import { collectionOf, epochKey } from "../model/keys.ts";
import { conflictAt, deposed, type EncodedChange } from "./encode.ts";
import { type Changes, type Document, parseDocument, type Selection, selects, sortDocuments } from "./snapshot.ts";
import type { Check, Position } from "./store.ts";

/** Whether the process that holds an ephemeral document is alive. */
export type IsHeld = (holder: string) => boolean;

interface Row {
  readonly key: string;
  readonly version: number;
  readonly json: string;
  readonly holder: string | null;
}

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
  /** Makes `holder` the leader and returns the epoch that it raised. */
  writeElection(name: string, holder: string): number;
}

const columns = "SELECT key, version, json, holder FROM documents";

export function openDocumentTable(database: DatabaseSync, isHeld: IsHeld): DocumentTable {
  const sql = statements(database);
  const alive = ({ holder }: Row) => holder === null || isHeld(holder);
  const one = (key: string) => sql.one.get(key) as Row | undefined;
  const range = (collection: string) => sql.range.all(`${collection}/`, `${collection}0`) as unknown as Row[];
  const position = () => Number(sql.position.get()?.["position"]);

  const raise = (): Position => {
    const next = position() + 1;
    sql.raise.run(next);
    return next;
  };

  const versionOf = (key: string): number | undefined => {
    const row = one(key);
    return row && alive(row) ? row.version : undefined;
  };

  const writeOne = ({ key, version, json }: EncodedChange, at: Position) => {
    if (json === undefined) {
      if (sql.remove.run(key, version).changes !== 1) throw conflictAt(key, version, versionOf(key));
      sql.removal.run(collectionOf(key), at);
    } else if (version === "absent") {
      if (sql.create.run(key, at, json).changes !== 1) throw conflictAt(key, version, versionOf(key));
    } else if (sql.update.run(at, json, key, version).changes !== 1) {
      throw conflictAt(key, version, versionOf(key));
    }
  };

  const keysLeft = (collection: string): Set<string> => {
    const keys = sql.keys.all(collection, `${collection}/`, `${collection}0`) as unknown as { readonly key: string }[];
    return new Set(keys.map(({ key }) => key));
  };

  const livingPresence = () => range("presence").filter(alive);

  return {
    position,
    read(key) {
      const row = one(key);
      return row && alive(row) ? parseRow(row) : undefined;
    },
    readAll({ collections, keys }) {
      const rows = [...collections].flatMap(range);
      for (const key of keys) {
        const row = collections.has(collectionOf(key)) && key.includes("/") ? undefined : one(key);
        if (row) rows.push(row);
      }
      return sortDocuments(rows.filter(alive).map(parseRow));
    },
    changesSince(since, selections) {
      const wanted = (key: string) => selections.some((selection) => selects(selection, key));
      const rows = (sql.since.all(since) as unknown as Row[]).filter((row) => wanted(row.key));
      const left = new Map<string, ReadonlySet<string>>();
      for (const row of sql.removedSince.all(since)) {
        const collection = String(row["collection"]);
        const asked = selections.some(
          ({ collections, keys }) =>
            collections.has(collection) || [...keys].some((key) => collectionOf(key) === collection),
        );
        if (asked) left.set(collection, keysLeft(collection));
      }
      // A holder may have died without a commit.
      if (selections.some(({ collections, keys }) => collections.has("presence") || [...keys].some(isPresence))) {
        left.set("presence", new Set(livingPresence().map(({ key }) => key)));
      }
      return { position: position(), written: rows.filter(alive).map(parseRow), left };
    },
    holders: () => new Map(livingPresence().map(({ key, holder }) => [key, holder ?? ""])),
    check(checks, epoch) {
      if (epoch !== undefined) {
        const found = currentEpoch(one(epochKey));
        if (found !== epoch) throw deposed(epoch, found);
      }
      for (const { key, version } of checks) {
        const found = versionOf(key);
        if (found !== version) throw conflictAt(key, version, found);
      }
    },
    write(changes) {
      const at = raise();
      for (const change of changes) writeOne(change, at);
      return at;
    },
    writeEphemeral(key, json, holder) {
      const at = raise();
      sql.ephemeral.run(key, at, json, holder);
      return at;
    },
    removeEphemeral(key, holder) {
      if (sql.removeEphemeral.run(key, holder).changes !== 1) return undefined;
      const at = raise();
      sql.removal.run(collectionOf(key), at);
      return at;
    },
    storedHolder(key) {
      const row = one(key);
      return row?.holder ? { holder: row.holder, json: row.json } : undefined;
    },
    electionHolder: (name) => sql.election.get(name)?.["holder"]?.toString(),
    writeElection(name, holder) {
      const epoch = (currentEpoch(one(epochKey)) ?? 0) + 1;
      sql.upsert.run(epochKey, raise(), JSON.stringify({ epoch }));
      sql.elect.run(name, holder);
      return epoch;
    },
  };
}

function statements(database: DatabaseSync) {
  const prepare = (text: string) => database.prepare(text);
  const insert = "INSERT INTO documents (key, version, json, holder) VALUES";
  return {
    position: prepare("SELECT position FROM state"),
    raise: prepare("UPDATE state SET position = ?"),
    one: prepare(`${columns} WHERE key = ?`),
    range: prepare(`${columns} WHERE key >= ? AND key < ?`),
    since: prepare(`${columns} WHERE version > ?`),
    keys: prepare("SELECT key FROM documents WHERE key = ? OR (key >= ? AND key < ?)"),
    removedSince: prepare("SELECT collection FROM removals WHERE position > ?"),
    create: prepare(`${insert} (?, ?, ?, NULL) ON CONFLICT DO NOTHING`),
    update: prepare("UPDATE documents SET version = ?, json = ? WHERE key = ? AND version = ?"),
    upsert: prepare(
      `${insert} (?, ?, ?, NULL) ON CONFLICT DO UPDATE SET version = excluded.version, json = excluded.json`,
    ),
    ephemeral: prepare(
      `${insert} (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, json = excluded.json, holder = excluded.holder`,
    ),
    remove: prepare("DELETE FROM documents WHERE key = ? AND version = ?"),
    removeEphemeral: prepare("DELETE FROM documents WHERE key = ? AND holder = ?"),
    removal: prepare("INSERT INTO removals VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position"),
    election: prepare("SELECT holder FROM elections WHERE name = ?"),
    elect: prepare("INSERT INTO elections VALUES (?, ?) ON CONFLICT DO UPDATE SET holder = excluded.holder"),
  };
}

function parseRow({ key, version, json }: Row): Document {
  return parseDocument(key, version, json);
}

function isPresence(key: string): boolean {
  return collectionOf(key) === "presence";
}

function currentEpoch(row: Row | undefined): number | undefined {
  return row ? (JSON.parse(row.json) as { readonly epoch: number }).epoch : undefined;
}
