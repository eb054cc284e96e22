// What one file says: its manifests, or all that is wrong with it. Pure, once the parser is loaded.
import type { CachedManifest } from "./cache.ts";
import { canonicalSpec } from "./canonical.ts";
import { decode, type TextProblem } from "./decode.ts";
import { manifestHashOf, revisionOf } from "./hash.ts";
import { documentsLimit } from "./limits.ts";
import type { LoadedManifest } from "./loaded.ts";
import type { ParsedDocument } from "./parse.ts";
import { type Finding, type Problem, pathText } from "./problem.ts";
import { checkManifest } from "./validate.ts";

export interface Content {
  /** None where there is a problem. */
  readonly manifests: readonly CachedManifest[];
  readonly problems: readonly Problem[];
}

/** `file`: as people call it. */
export async function contentOf(file: string, bytes: Uint8Array): Promise<Content> {
  const text = decode(bytes);
  if (typeof text !== "string") return broken(textProblem(file, text));
  // The parser is not loaded where every file is known already.
  const { parseText } = await import("./parse.ts");
  const { documents, problems: syntax } = parseText(text, documentsLimit);
  const problems = syntax.map((problem) => textProblem(file, problem));
  if (documents.length === 0 && problems.length === 0) {
    const hint = "write a manifest into it or delete it";
    return broken({ file, path: "", message: "has no document in it", hint });
  }
  const manifests = documents.flatMap((document) => checked(problems, file, document));
  return problems.length > 0 ? broken(...problems) : { manifests, problems };
}

/** A manifest of a file that is called so. */
export function placed(file: string, { spec, revision, manifestHash, name, replicas }: CachedManifest): LoadedManifest {
  return {
    spec,
    revision,
    manifestHash,
    place: { file, line: name[0], column: name[1] },
    ...(replicas ? { replicasPlace: { file, line: replicas[0], column: replicas[1] } } : {}),
  };
}

function broken(...problems: readonly Problem[]): Content {
  return { manifests: [], problems };
}

function checked(problems: Problem[], file: string, document: ParsedDocument): CachedManifest[] {
  // What was cut off says nothing about what it would have been.
  const { findings, manifest } = document.isWhole ? checkManifest(document.value, document) : { findings: [] };
  const told = new Set(document.findings.map((finding) => pathText(finding.path)));
  // A value that could not be read stands as null: one error about it is enough.
  const all = [...document.findings, ...findings.filter((finding) => !told.has(pathText(finding.path)))];
  for (const finding of all) problems.push(located(file, document, finding));
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

function located(file: string, document: ParsedDocument, { path, at, message, hint }: Finding): Problem {
  return { file, ...document.locate(path, at), path: pathText(path), message, ...(hint === undefined ? {} : { hint }) };
}

function textProblem(file: string, problem: TextProblem): Problem {
  return { file, path: "", ...problem };
}
