// The file that a store is exported to: a line for what it is, one for each document, sorted by key, and a last one with a checksum.
// JSON in lines, so that people can read it and `diff` and `jq` work on it. Pure.
import { createHash } from "node:crypto";
import { type ClusterDocument, storeLayout } from "../model/cluster.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { type Collection, clusterKey, collectionOf, verdictsKey } from "../model/keys.ts";
import { checkKey } from "./encode.ts";
import { type Document, sortDocuments } from "./snapshot.ts";
import type { Position, Selector, Snapshot } from "./store.ts";

/** What moves with a store. A new collection does not compile without a decision. The election's `epoch` does not: each store counts its own leaders. */
const moves: Readonly<Record<Collection, boolean>> = {
  deployments: true,
  revisions: true,
  pods: true,
  placements: true,
  // With them phases, readiness and names go on where they were.
  statuses: true,
  failures: true,
  nodes: true,
  controls: true,
  ranges: true,
  // Without what was applied last, changes by hand could not be told from those of the files.
  syncs: true,
  // Ends with its process: whoever is alive joins another store by himself.
  presence: false,
};

const movedCollections = (Object.keys(moves) as Collection[]).filter((collection) => moves[collection]);

/** What a list must hold to be exported, and what an import replaces. */
export const movedSelectors: readonly Selector[] = [...movedCollections, clusterKey, verdictsKey];

/** The first line. */
export interface ExportHeader {
  readonly orchestra: "store export";
  readonly layout: number;
  readonly exportedAt: string;
  /** URL of the store, and how far it had come. */
  readonly store: string;
  readonly position: Position;
  /** Nodes whose worker was alive: then the store went on changing. */
  readonly present: readonly string[];
}

export interface ExportedDocument {
  readonly key: string;
  readonly value: unknown;
}

export interface ExportFile {
  readonly header: ExportHeader;
  readonly cluster: ClusterDocument;
  /** All but the cluster's own, sorted by key. */
  readonly documents: readonly ExportedDocument[];
  /** SHA-256 in hex, of every line before the last one. */
  readonly sha256: string;
}

/** The documents of a snapshot that move, with the versions they have there; the cluster's own is apart. */
export function movedDocuments(snapshot: Snapshot): readonly Document[] {
  const verdicts = snapshot.get(verdictsKey);
  const documents: Document[] = movedCollections.flatMap((collection) => [...snapshot.list(collection)]);
  return sortDocuments(verdicts ? [...documents, verdicts] : documents);
}

/** The file's text. `snapshot` holds `movedSelectors`, `cluster` is its cluster. */
export function exportText(
  snapshot: Snapshot,
  cluster: ClusterDocument,
  about: Pick<ExportHeader, "exportedAt" | "store" | "present">,
): string {
  const { position } = snapshot;
  const header: ExportHeader = { orchestra: "store export", layout: cluster.layout, ...about, position };
  const documents = movedDocuments(snapshot).map(({ key, value }): ExportedDocument => ({ key, value }));
  const all = [{ key: clusterKey, value: cluster }, ...documents];
  const body = [header, ...all].map((line) => `${JSON.stringify(line)}\n`).join("");
  return `${body}${JSON.stringify({ documents: all.length, sha256: checksumOf(body) })}\n`;
}

/** What the text of a file holds. Throws `invalid`, naming the file, for anything that is not a whole export that this program understands. */
export function parseExport(text: string, name: string): ExportFile {
  const header = parseHeader(text, name);
  const { body, sha256 } = checkWhole(text, name);
  const lines = body.trimEnd().split("\n").slice(1);
  const documents = lines.map((line, index) => parseDocument(line, `${name}:${index + 2}`));
  const [first, ...others] = documents;
  if (first?.key !== clusterKey) throw damaged(name, "its second line is not the cluster's document");
  return { header, cluster: first.value as ClusterDocument, documents: others, sha256 };
}

/** First of all, because a newer layout may have another checksum. */
function parseHeader(text: string, name: string): ExportHeader {
  const header = parsed(text.slice(0, text.indexOf("\n"))) as Partial<ExportHeader> | null | undefined;
  if (header?.orchestra !== "store export" || typeof header.layout !== "number") {
    throw new OrchestraError("invalid", `${name} is no export of a store`, {
      hint: "make one with orchestra store export",
    });
  }
  if (header.layout > storeLayout) {
    const known = `this orchestra knows layout ${storeLayout}`;
    throw new OrchestraError("invalid", `${name} was exported from a store of layout ${header.layout}; ${known}`, {
      hint: "import it with the newer orchestra that exported it",
      details: { found: header.layout, known: storeLayout },
    });
  }
  return header as ExportHeader;
}

function checkWhole(text: string, name: string): { readonly body: string; readonly sha256: string } {
  const end = text.lastIndexOf("\n", text.length - 2) + 1;
  const last = parsed(text.slice(end)) as { readonly sha256?: unknown } | null | undefined;
  if (typeof last?.sha256 !== "string") throw damaged(name, "its end is missing");
  const body = text.slice(0, end);
  if (checksumOf(body) !== last.sha256) throw damaged(name, "its checksum does not agree");
  return { body, sha256: last.sha256 };
}

function parseDocument(line: string, place: string): ExportedDocument {
  const { key, value } = (parsed(line) ?? {}) as Partial<ExportedDocument>;
  if (typeof key !== "string" || value === undefined) throw damaged(place, "it is no document");
  try {
    checkKey(key);
  } catch (error) {
    throw damaged(place, messageOf(error));
  }
  const collection = collectionOf(key);
  if (movedSelectors.some((selector) => selector === (key.includes("/") ? collection : key))) return { key, value };
  throw damaged(place, `${key} does not belong into an export`);
}

function damaged(place: string, why: string): OrchestraError {
  return new OrchestraError("invalid", `${place} is damaged: ${why}`, {
    hint: "export the store again, or use another backup",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checksumOf(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}
