// What differs between two specs, field by field, under the paths a user finds in the manifest. Pure.
import type { DeploymentDocument } from "../model/deployment.ts";
import type { PodTemplate } from "../model/template.ts";

export type FieldValue =
  | string
  | number
  | boolean
  | null
  | readonly FieldValue[]
  | { readonly [key: string]: FieldValue };

/** One field that changes. An absent `old` or `new`: the field is not there on that side, and its default holds. */
export interface FieldChange {
  /** As in the manifest: `spec.env.MODE`, `spec.ports[http].containerPort`, `metadata.labels["a.b/c"]`. */
  readonly path: string;
  readonly old?: FieldValue;
  readonly new?: FieldValue;
  /** The value may be a secret: show that it differs, not what it is. */
  readonly secret?: true;
}

/** The part of a Deployment that a manifest owns, besides the count. */
type Owned = Pick<DeploymentDocument, "labels" | "annotations" | "strategy" | "placement" | "protect">;

/** The fields in which two Deployments differ, in the order of the manifest: metadata, template, then the rest. Absent `old`: everything is new. */
export function fieldChanges(
  old: { readonly document: Owned; readonly template: PodTemplate | undefined } | undefined,
  next: { readonly document: Owned; readonly template: PodTemplate },
): FieldChange[] {
  const before = old?.document;
  const after = next.document;
  const changes: FieldChange[] = [];
  compare("metadata.labels", before?.labels, after.labels, changes);
  compare("metadata.annotations", before?.annotations, after.annotations, changes);
  compare("spec", old?.template, next.template, changes);
  compare("spec.strategy", before?.strategy, after.strategy, changes);
  compare("spec.placement", before?.placement, after.placement, changes);
  compare("spec.protect", before?.protect, after.protect, changes);
  return changes;
}

/** Whether two JSON values are equal, whatever the order of their keys. */
export function sameValue(a: unknown, b: unknown): boolean {
  const found: FieldChange[] = [];
  compare("", a, b, found);
  return found.length === 0;
}

function compare(path: string, old: unknown, next: unknown, into: FieldChange[]): void {
  if (old === next) return;
  const before = parts(path, old);
  const after = parts(path, next);
  if (before === undefined || after === undefined || (old === undefined && next === undefined)) {
    addLeaf(path, old, next, into);
    return;
  }
  if (path === "spec.ports") addOrder([...before.keys()], [...after.keys()], into);
  // The order of the old side, then what is new: a diff reads like the file it is about.
  for (const key of new Set([...before.keys(), ...after.keys()])) compare(key, before.get(key), after.get(key), into);
}

/** The fields inside a value, by path; undefined when it is shown as one. An absent value has none. */
function parts(path: string, value: unknown): Map<string, unknown> | undefined {
  if (value === undefined) return new Map();
  if (path === "spec.ports" && Array.isArray(value)) return new Map(value.map((port) => [portPath(port), port]));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value).map(([key, inner]) => [path + keyPath(key), inner]));
}

/** Ports listed in another order make another revision, so a plan that rolls pods for it has to say so. */
function addOrder(old: readonly string[], next: readonly string[], into: FieldChange[]): void {
  if (old.length !== next.length || new Set([...old, ...next]).size !== old.length) return;
  const names = (paths: readonly string[]) => paths.map((path) => path.slice("spec.ports[".length, -1));
  addLeaf("spec.ports", names(old), names(next), into);
}

function addLeaf(path: string, old: unknown, next: unknown, into: FieldChange[]): void {
  if (JSON.stringify(old) === JSON.stringify(next)) return;
  into.push({
    path,
    ...(old === undefined ? {} : { old: old as FieldValue }),
    ...(next === undefined ? {} : { new: next as FieldValue }),
    ...(isSecret(path) ? { secret: true as const } : {}),
  });
}

/** Values of the environment and of a probe's headers carry passwords and tokens in practice. */
function isSecret(path: string): boolean {
  return path.startsWith("spec.env.") || path.startsWith("spec.env[") || /\.http\.headers[.[]/.test(path);
}

/** A port is the same port as long as its name is, or without one its number. */
function portPath(port: { name?: string; containerPort: number; protocol?: string }): string {
  return `spec.ports[${port.name ?? `${port.containerPort}${port.protocol === "UDP" ? "/UDP" : ""}`}]`;
}

function keyPath(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
