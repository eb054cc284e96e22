// Results by content, in one file: a thousand unchanged manifests are read and compared, not parsed again.
// Only a help: whatever is wrong with the file, everything is parsed as if it were not there.
import { createHash, randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeploymentSpec } from "../model/deployment.ts";
import { programHash } from "./validators.generated.js";

type LineColumn = readonly [line: number, column: number];

/** One Deployment of a file without problems. */
export interface CachedManifest {
  readonly spec: DeploymentSpec;
  readonly revision: string;
  readonly manifestHash: string;
  readonly name: LineColumn;
  readonly replicas?: LineColumn;
}

export interface ParseCache {
  get(key: string): readonly CachedManifest[] | undefined;
  /** Kept with `save`. */
  put(key: string, manifests: readonly CachedManifest[]): void;
  /** Writes the file if anything was added. Never throws. */
  save(): void;
}

/** Two runs of the largest set (10,000 manifests of 1 KiB) fit, and the file is read in a tenth of a second. */
const cacheBytesLimit = 32 * 1024 ** 2;
const fileName = "manifests.cache";

/** Names the content of a file. */
export function contentKey(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64url");
}

/** Remembers nothing. */
export const noCache: ParseCache = Object.freeze({ get: () => undefined, put: () => {}, save: () => {} });

/** The cache kept in `folder`, which is made when the cache is first saved. */
export function openCache(folder: string): ParseCache {
  const kept = readEntries(join(folder, fileName));
  const used = new Map<string, string>();
  let hasNew = false;
  return {
    get(key) {
      const text = kept.get(key);
      if (text === undefined) return undefined;
      used.set(key, text);
      return JSON.parse(text);
    },
    put(key, manifests) {
      used.set(key, JSON.stringify(manifests));
      hasNew = true;
    },
    save() {
      if (hasNew) writeEntries(folder, new Map([...used, ...kept]));
    },
  };
}

/** Three kinds of lines: which program wrote it and a checksum of the rest; then key and result in turns. */
function readEntries(path: string): Map<string, string> {
  const entries = new Map<string, string>();
  const text = readOwn(path);
  const end = text?.indexOf("\n") ?? -1;
  if (text === undefined || end < 0) return entries;
  const body = text.slice(end + 1);
  if (text.slice(0, end) !== header(body)) return entries;
  const lines = body.split("\n");
  for (let index = 0; index + 1 < lines.length; index += 2) entries.set(lines[index] ?? "", lines[index + 1] ?? "");
  return entries;
}

/** A file that someone else could have written is not believed. */
function readOwn(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { uid, mode, size } = fstatSync(file);
    const isOurs = uid === process.getuid?.() && (mode & 0o022) === 0;
    return isOurs && size <= cacheBytesLimit ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** What was used last comes first, and what no longer fits is forgotten. A new file replaces the old one whole: readers see one or the other. */
function writeEntries(folder: string, entries: ReadonlyMap<string, string>): void {
  const path = join(folder, fileName);
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const lines: string[] = [];
  let bytes = 0;
  for (const [key, text] of entries) {
    bytes += key.length + Buffer.byteLength(text) + 2;
    if (bytes > cacheBytesLimit - 1024) break;
    lines.push(key, text);
  }
  const body = lines.join("\n");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${header(body)}\n${body}`, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch {
    // A full or read-only disk: the next run parses again.
    removeDraft(draft);
  }
}

function removeDraft(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where it could not be written, there is none.
  }
}

function header(body: string): string {
  return `orchestra manifests ${programHash} ${createHash("sha256").update(body).digest("hex")}`;
}
