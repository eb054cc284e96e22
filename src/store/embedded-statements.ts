// The SQL of the embedded store's documents.
import type { DatabaseSync } from "node:sqlite";

/** What the statements `one`, `range` and `since` give. */
export interface Row {
  readonly key: string;
  readonly version: number;
  readonly json: string;
  readonly holder: string | null;
}

export type Statements = ReturnType<typeof prepareStatements>;

const columns = "SELECT key, version, json, holder FROM documents";

/** The tables must be there. */
export function prepareStatements(database: DatabaseSync) {
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
