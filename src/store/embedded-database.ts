// The file of the embedded store: finding or creating it, and making sure that it is one of ours.
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { OrchestraError } from "../model/errors.ts";
import { newerLayout, notAStore } from "./embedded-errors.ts";

/** "orch" in ASCII: tells our files from other programs' SQLite databases. */
const applicationId = 0x6f726368;
/** Of the tables below; the documents in them have a layout of their own (`cluster.layout`). */
const tablesLayout = 1;

/**
 * `documents.version` is the position of the commit that wrote the document, so a key that is created again never repeats a version,
 * and an index on it tells what changed since a position. `holder` names the lock of an ephemeral document.
 * `removals` has the last removal of each collection: who is behind it compares the keys.
 */
const tables = `
  CREATE TABLE documents (key TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT NOT NULL, holder TEXT) STRICT;
  CREATE INDEX documents_by_version ON documents (version);
  CREATE TABLE removals (collection TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE elections (name TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE state (position INTEGER NOT NULL) STRICT;
  INSERT INTO state VALUES (0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${tablesLayout};`;

/** Never waits for a lock: waiting would stop the event loop, so the caller tries again instead. */
const noWait = { timeout: 0 };

/** One attempt to open the store. Throws what SQLite or the file system throws, "busy" included; `not-found` when it is missing and not to be created. */
export function openDatabase(path: string, create: boolean): DatabaseSync {
  if (create) createFile(path);
  if (!isFile(path)) throw notAStore(path);
  // mode=rw: a file that vanishes between the look and the opening must not be made again by SQLite itself.
  const url = pathToFileURL(path);
  url.searchParams.set("mode", "rw");
  const database = new DatabaseSync(url, noWait);
  try {
    const state = stateOf(database, path);
    if (state === "empty" && !create) throw missing(path);
    // An empty file may have been put there by others. SQLite gives its side files the same permissions, so this comes first.
    if (state === "empty") chmodSync(path, 0o600);
    // A copy that SQLite made (VACUUM INTO, .backup) keeps no log, and its readers would wait for writers.
    if (pragma(database, "journal_mode") !== "wal") database.exec("PRAGMA journal_mode = WAL");
    if (state === "empty") createTables(database, path);
    // A power cut loses no acknowledged commit: every commit waits for the disk.
    database.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `run` inside one transaction: all of it, or nothing. */
export function transaction<T>(database: DatabaseSync, mode: "DEFERRED" | "IMMEDIATE", run: () => T): T {
  database.exec(`BEGIN ${mode}`);
  try {
    const result = run();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // After some errors (a full disk) SQLite has rolled back by itself.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function createFile(path: string): void {
  makeFolder(dirname(path));
  try {
    // SQLite gives its side files the permissions of the file itself. Only ever opened when new: closing a descriptor of a file
    // that this process has open elsewhere would drop SQLite's locks on it (fcntl(2)).
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** Makes a folder, and those above it, for this user only. By hand: Node's own `recursive` says ENOENT for a read-only disk. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    if (!hasCode(error, "ENOENT")) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Throws `not-found`, or what keeps us from looking: `statSync`'s own option would take a path below a file for a missing one. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    throw hasCode(error, "ENOENT") ? missing(path) : error;
  }
}

function createTables(database: DatabaseSync, path: string): void {
  transaction(database, "IMMEDIATE", () => {
    if (stateOf(database, path) === "empty") database.exec(tables);
  });
}

function stateOf(database: DatabaseSync, path: string): "ours" | "empty" {
  const id = Number(pragma(database, "application_id"));
  const layout = Number(pragma(database, "user_version"));
  if (id === applicationId && layout <= tablesLayout) return "ours";
  if (id === applicationId) throw newerLayout(path, layout, tablesLayout);
  const empty = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (empty && id === 0) return "empty";
  throw notAStore(path);
}

function pragma(database: DatabaseSync, name: string) {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

function missing(path: string): OrchestraError {
  return new OrchestraError("not-found", `there is no store at ${path}`, {
    hint: `"orchestra up" creates it; give another path with --store file:PATH`,
    details: { path },
  });
}
