// Files → manifests and problems: reads bytes, asks the cache, and has the rest parsed and checked.
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type CachedManifest, contentKey, noCache, openCache, type ParseCache } from "./cache.ts";
import { canonicalSpec } from "./canonical.ts";
import { decode, type TextProblem } from "./decode.ts";
import { findFiles, reasonOf, type Source, stdinName } from "./files.ts";
import { manifestHashOf, revisionOf } from "./hash.ts";
import { documentsLimit, fileBytesLimit, filesLimit, totalBytesLimit } from "./limits.ts";
import type { LoadedManifest, LoadOptions } from "./loaded.ts";
import type { ParsedDocument } from "./parse.ts";
import { type Finding, type Problem, pathText } from "./problem.ts";
import { checkManifest } from "./validate.ts";

export interface LoadedFiles {
  readonly manifests: readonly LoadedManifest[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Files are read one after another, faster than the engine's thread pool does it; after so many others get their turn. */
const filesPerTurn = 200;

interface Reading {
  readonly cache: ParseCache;
  readonly manifests: LoadedManifest[];
  readonly problems: Problem[];
  readonly onRead: LoadOptions["onRead"];
  bytes: number;
}

export async function loadFiles(
  paths: readonly string[],
  { stdin, cacheDir, onRead }: LoadOptions,
): Promise<LoadedFiles> {
  const found = findFiles(paths);
  // Refused already: what the first twenty thousand say would change nothing.
  const sources = found.sources.length > filesLimit ? [] : found.sources;
  const cache = cacheDir === undefined ? noCache : openCache(cacheDir);
  const reading: Reading = { cache, manifests: [], problems: [...found.problems], onRead, bytes: 0 };
  for (const [index, source] of sources.entries()) {
    if (index % filesPerTurn === filesPerTurn - 1) await setImmediate();
    const bytes = source.path === undefined ? await readStdin(reading, stdin) : readSource(reading, source);
    if (bytes && !(await loadBytes(reading, source.name, bytes))) break;
  }
  cache.save();
  return { manifests: reading.manifests, problems: reading.problems, warnings: found.warnings };
}

function readSource(reading: Reading, { name, path = "" }: Source): Uint8Array | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    if (size <= fileBytesLimit) return readFileSync(file);
    complain(reading, name, `has ${size} bytes, and may have ${fileBytesLimit}`, "split it");
  } catch (error) {
    complain(reading, name, ...reasonOf(error));
  } finally {
    if (file !== undefined) closeSync(file);
  }
  return undefined;
}

async function readStdin(reading: Reading, stdin: LoadOptions["stdin"]): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stdin ?? []) {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    bytes += chunk.length;
    if (bytes <= fileBytesLimit) continue;
    complain(reading, stdinName, `has more than ${fileBytesLimit} bytes`, "split it");
    return undefined;
  }
  return Buffer.concat(chunks);
}

/** False when no more should be read. */
async function loadBytes(reading: Reading, file: string, bytes: Uint8Array): Promise<boolean> {
  reading.bytes += bytes.length;
  const key = contentKey(bytes);
  reading.onRead?.({ file, sha256: Buffer.from(key, "base64url").toString("hex") });
  const kept = reading.cache.get(key);
  const manifests = kept ?? (await parseBytes(reading, file, bytes)) ?? [];
  for (const manifest of manifests) reading.manifests.push(placed(file, manifest));
  if (!kept && manifests.length > 0) reading.cache.put(key, manifests);
  if (reading.bytes > totalBytesLimit)
    complain(reading, file, `is where all files together pass ${totalBytesLimit} bytes`, "name fewer files");
  else if (reading.manifests.length > documentsLimit)
    complain(reading, file, `is where all files together pass ${documentsLimit} documents`, "name fewer files");
  else return true;
  return false;
}

/** The manifests of a file without problems; else undefined, and the problems are told. */
async function parseBytes(reading: Reading, file: string, bytes: Uint8Array): Promise<CachedManifest[] | undefined> {
  const before = reading.problems.length;
  const text = decode(bytes);
  if (typeof text !== "string") {
    reading.problems.push(textProblem(file, text));
    return undefined;
  }
  const { parseText } = await import("./parse.ts");
  const { documents, problems } = parseText(text, documentsLimit);
  for (const problem of problems) reading.problems.push(textProblem(file, problem));
  const manifests = documents.flatMap((document) => checked(reading, file, document));
  if (documents.length === 0 && problems.length === 0) {
    complain(reading, file, "has no document in it", "write a manifest into it or delete it");
  }
  return reading.problems.length > before ? undefined : manifests;
}

function checked(reading: Reading, file: string, document: ParsedDocument): CachedManifest[] {
  // What was cut off says nothing about what it would have been.
  const { findings, manifest } = document.isWhole ? checkManifest(document.value, document) : { findings: [] };
  const told = new Set(document.findings.map((finding) => pathText(finding.path)));
  // A value that could not be read stands as null: one error about it is enough.
  const all = [...document.findings, ...findings.filter((finding) => !told.has(pathText(finding.path)))];
  for (const finding of all) reading.problems.push(located(file, document, finding));
  if (!manifest || all.length > 0) return [];
  const spec = canonicalSpec(manifest);
  const prefix =
    "name" in manifest
      ? { name: ["name"], replicas: ["replicas"] }
      : { name: ["metadata", "name"], replicas: ["spec", "replicas"] };
  return [
    {
      spec,
      revision: revisionOf(spec.template),
      manifestHash: manifestHashOf(spec),
      name: lineColumn(document, prefix.name),
      ...(spec.replicas === undefined ? {} : { replicas: lineColumn(document, prefix.replicas) }),
    },
  ];
}

function lineColumn(document: ParsedDocument, path: readonly string[]): readonly [number, number] {
  const { line, column } = document.locate(path, "value");
  return [line, column];
}

function placed(file: string, { spec, revision, manifestHash, name, replicas }: CachedManifest): LoadedManifest {
  return {
    spec,
    revision,
    manifestHash,
    place: { file, line: name[0], column: name[1] },
    ...(replicas ? { replicasPlace: { file, line: replicas[0], column: replicas[1] } } : {}),
  };
}

function located(file: string, document: ParsedDocument, { path, at, message, hint }: Finding): Problem {
  return { file, ...document.locate(path, at), path: pathText(path), message, ...(hint === undefined ? {} : { hint }) };
}

function textProblem(file: string, problem: TextProblem): Problem {
  return { file, path: "", ...problem };
}

function complain(reading: Reading, file: string, message: string, hint: string): void {
  reading.problems.push({ file, path: "", message, hint });
}
