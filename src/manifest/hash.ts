// The names of contents: twelve hex digits of the SHA-256 of canonical JSON. A golden test pins them.
import { createHash } from "node:crypto";
import type { DeploymentSpec } from "../model/deployment.ts";
import type { PodTemplate } from "../model/template.ts";

/** Digits of a revision or manifest hash: 48 bits, far beyond what the ten revisions of one Deployment need. */
const hashDigits = 12;

/** JSON with sorted keys and without spaces: equal values give equal text, whatever order they were written in. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`).join(",")}}`;
}

/** The name of a template. It must be canonical and sparse, as `canonicalSpec` makes it. */
export function revisionOf(template: PodTemplate): string {
  return hashOf(template);
}

/** Over everything that a manifest says, annotations too. */
export function manifestHashOf(spec: DeploymentSpec): string {
  return hashOf(spec);
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, hashDigits);
}
