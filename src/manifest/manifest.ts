// The room `manifest/`: text → Deployments, all of them valid or none. Start here.
// Reads the files and folders that the user names, and keeps results by content in a cache folder; writes nothing else.
import type { PodTemplate } from "../model/template.ts";
import { canonicalSpec } from "./canonical.ts";
import { manifestHashOf, revisionOf } from "./hash.ts";
import { loadFiles } from "./load.ts";
import type { Loaded, LoadedManifest, LoadOptions } from "./loaded.ts";
import { type Finding, type Problem, pathText, problemsError, sortProblems } from "./problem.ts";
import { checkSet } from "./set-checks.ts";
import { checkManifest, checkTemplate } from "./validate.ts";

export { type FileMarks, findFilesInTurns, reasonOf } from "./files.ts";
export { readManifestFile } from "./load.ts";
export type { Loaded, LoadedManifest, LoadOptions, ReadFile } from "./loaded.ts";
export type { Place, Problem } from "./problem.ts";
export { problemText } from "./problem.ts";
export { openTreeReader, type Tree, type TreeFile } from "./tree.ts";

/**
 * Reads files, folders (with everything below them) and `-`. All or nothing: throws one OrchestraError `invalid`
 * with every problem of every file, each with its place; `details.errors` holds them as `Problem`s.
 */
export async function loadManifests(paths: readonly string[], options: LoadOptions = {}): Promise<Loaded> {
  const loaded = await loadFiles(paths, options);
  const set = checkSet(loaded.manifests);
  const problems = [...loaded.problems, ...set.problems];
  if (problems.length > 0) throw problemsError(problems);
  const manifests = [...loaded.manifests].sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  return { manifests, warnings: sortProblems([...loaded.warnings, ...set.warnings]) };
}

/** The Deployment that flags say (`deploy NAME --image I --replicas N`), as a manifest of either form. Throws as `loadManifests` does; the file is `(flags)`. */
export function specFromFlags(flags: object): LoadedManifest {
  const { findings, manifest } = checkManifest(flags, {});
  if (!manifest) throw problemsError(findings.map((finding) => unplaced("(flags)", finding)));
  const spec = canonicalSpec(manifest);
  return { spec, revision: revisionOf(spec.template), manifestHash: manifestHashOf(spec) };
}

/** The template, if it is one that this program could have written. Throws `invalid` with what is wrong: for whoever reads templates from a store. */
export function validateTemplate(template: unknown): PodTemplate {
  const findings = checkTemplate(template);
  if (findings.length > 0) throw problemsError(findings.map((finding) => unplaced("(template)", finding)));
  return template as PodTemplate;
}

function unplaced(file: string, { path, message, hint }: Finding): Problem {
  return { file, path: pathText(path), message, ...(hint === undefined ? {} : { hint }) };
}
