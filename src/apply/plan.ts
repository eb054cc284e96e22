// The plan: what must be written so that the store says what the manifests, `scale` or `delete` say. Pure; diff and apply share it.
// Reads Deployments and revisions with their versions; the plan names the versions it rests on, and `commit.ts` writes it.
import type { Act, DeploymentDocument } from "../model/deployment.ts";
import { OrchestraError } from "../model/errors.ts";
import { deploymentKey, revisionKey } from "../model/keys.ts";
import { nearest } from "../model/nearest.ts";
import { shellWord } from "../model/shell-word.ts";
import { cliSource } from "../model/source.ts";
import type { PodTemplate } from "../model/template.ts";
import { type Author, countChange, nextDocument, type Wanted, written } from "./document.ts";
import { type FieldChange, fieldChanges } from "./fields.ts";
import { ownedBy, pruned, withRenames } from "./prune.ts";

export interface Known<T> {
  readonly value: T;
  readonly version: number;
}

/** What the store holds: Deployments by name, revisions by `<deployment>/<revision>`. */
export interface KnownState {
  readonly deployments: ReadonlyMap<string, Known<DeploymentDocument>>;
  readonly revisions: ReadonlyMap<string, Known<PodTemplate>>;
  /** Documents of both kinds that are there and cannot be understood, by key. */
  readonly damaged?: ReadonlyMap<string, { readonly version: number; readonly why: string }>;
}

/** `blocked`: must not be done; `reason` says why. */
export type PlanAction = "create" | "update" | "unchanged" | "delete" | "blocked";

export interface PlanItem {
  readonly name: string;
  readonly action: PlanAction;
  readonly changes: readonly FieldChange[];
  /** What it rests on; absent for a creation. */
  readonly before?: Known<DeploymentDocument>;
  /** What is written; absent when nothing is. */
  readonly after?: DeploymentDocument;
  /** The revision that `after` names: written, or already there in this version. */
  readonly revision?: {
    readonly template: PodTemplate;
    readonly version: number | "absent";
    /** What is there cannot be understood, and is written again. */
    readonly damaged?: true;
  };
  /** With `blocked`: why and what helps. `changes` are those that its manifest would make. */
  readonly reason?: { readonly message: string; readonly hint: string };
  /** Of the same source, and not in its manifests: deleted last, once all others are ready. */
  readonly pruned?: true;
  /** The pruned Deployment that had the same spec, or the new one that has. */
  readonly renamedFrom?: string;
  readonly renamedTo?: string;
}

export interface Plan {
  /** One for each Deployment that was asked for, in the order of the request, then those that are pruned. */
  readonly items: readonly PlanItem[];
  /** Deployments of the same source that the manifests lack: named to the user, never touched. Where the plan prunes, those that are protected. */
  readonly notInFiles: readonly string[];
  /** What the manifests lack is deleted. */
  readonly prunes?: true;
}

/**
 * Makes the store say what the manifests say. An override by `scale` stays until the manifest's own count changes.
 * With `prune`, Deployments of the author's source that the manifests lack are deleted, unless they are protected.
 */
export function planApply(
  state: KnownState,
  manifests: readonly Wanted[],
  author: Author,
  { prune = false }: { readonly prune?: boolean } = {},
): Plan {
  const named = new Set(manifests.map(({ spec }) => spec.name));
  const lacking = ownedBy(state, author.source).filter(([name]) => !named.has(name));
  const items = manifests.map((wanted) => applyOne(state, wanted, author));
  if (!prune) return { items, notInFiles: lacking.map(([name]) => name) };
  const { kept = [], gone = [] } = Object.groupBy(lacking, ([, { value }]) => (value.protect ? "kept" : "gone"));
  const deletions = gone.map(([name, before]) => pruned(name, before, author));
  return { items: withRenames([...items, ...deletions]), notInFiles: kept.map(([name]) => name), prunes: true };
}

/** Sets how many replicas run, whatever the manifest says; `undefined` gives the count back to the manifest. */
export function planScale(state: KnownState, name: string, count: number | undefined, author: Author): Plan {
  const before = existing(state, name);
  const { file, override } = before.value.replicas;
  if (before.value.deleted) throw beingDeleted(name, before.value.deleted);
  if (count === undefined && override?.kept) return single({ name, action: "unchanged", changes: [], before });
  if (count === undefined && file === undefined && override) {
    throw new OrchestraError("conflict", `the manifest of ${name} says no count to go back to`, {
      hint: `say how many: orchestra scale ${name} ${override.count}`,
    });
  }
  // The count that the file says anyway needs no override: it would say the same.
  const keepsFile = count === undefined || (file !== undefined && count === file);
  const replicas = keepsFile
    ? { ...(file === undefined ? {} : { file }) }
    : { ...(file === undefined ? {} : { file }), override: { count, by: author.by, at: author.at } };
  const changes = countChange(before.value, { replicas });
  if (changes.length === 0) return single({ name, action: "unchanged", changes, before });
  const after = written({ ...before.value, replicas }, before.value, author);
  return single({ name, action: "update", changes, before, after, ...keptRevision(state, name, after) });
}

/** Marks Deployments as deleted; the master then stops their pods and removes their documents. */
export function planDelete(state: KnownState, names: readonly string[], force: boolean, author: Author): Plan {
  return { items: [...new Set(names)].map((name) => deleteOne(state, name, force, author)), notInFiles: [] };
}

/** Whether the plan writes anything. */
export function changesAnything(plan: Plan): boolean {
  return plan.items.some((item) => item.after !== undefined);
}

function applyOne(state: KnownState, { spec, revision, manifestHash }: Wanted, author: Author): PlanItem {
  const { name, template } = spec;
  const damage = state.damaged?.get(deploymentKey(name));
  if (damage) return { name, action: "blocked", changes: [], reason: damagedReason(name, damage.why) };
  const before = state.deployments.get(name);
  const old = before?.value;
  const said = nextDocument(old, { spec, revision, manifestHash }, author);
  // The master cannot go on without the template, and asks for this: an apply brings it back.
  const isTorn = old !== undefined && said === old && !state.revisions.has(`${name}/${revision}`);
  const after = isTorn ? written(old, old, author) : said;
  if (before && after === old) return { name, action: "unchanged", changes: [], before };
  const oldTemplate = old && state.revisions.get(`${name}/${old.revision}`)?.value;
  const fields = fieldChanges(old && { document: old, template: oldTemplate }, { document: after, template });
  const changes = [...countChange(old, after), ...fields];
  // What is being deleted belongs to nobody: a moment later the name would be free.
  const isForeign = before !== undefined && before.value.source !== author.source && !before.value.deleted;
  if (isForeign && !author.adopt) return foreign({ name, before, changes }, author);
  return {
    name,
    action: old ? "update" : "create",
    changes: [...restoration(old), ...sourceChange(old, after), ...changes],
    ...(before ? { before } : {}),
    after,
    revision: { template, ...revisionBefore(state, name, revision) },
  };
}

function deleteOne(state: KnownState, name: string, force: boolean, author: Author): PlanItem {
  const before = existing(state, name);
  if (before.value.deleted) return { name, action: "unchanged", changes: [], before };
  if (before.value.protect && !force) {
    const reason = {
      message: `${name} is protected (protect: true in its manifest)`,
      hint: "--force deletes it all the same",
    };
    return { name, action: "blocked", changes: [], before, reason };
  }
  const after = written({ ...before.value, deleted: { by: author.by, at: author.at } }, before.value, author);
  return { name, action: "delete", changes: [], before, after };
}

/** A Deployment that keeps its revision still checks that it exists: a commit never names a missing one. */
function keptRevision(state: KnownState, name: string, { revision }: DeploymentDocument): Pick<PlanItem, "revision"> {
  const known = state.revisions.get(`${name}/${revision}`);
  return known ? { revision: { template: known.value, version: known.version } } : {};
}

function restoration(old: DeploymentDocument | undefined): FieldChange[] {
  return old?.deleted ? [{ path: "deleted", old: `by ${old.deleted.by} at ${old.deleted.at}` }] : [];
}

function sourceChange(old: DeploymentDocument | undefined, { source }: DeploymentDocument): FieldChange[] {
  return old && old.source !== source ? [{ path: "source", old: old.source, new: source }] : [];
}

/** With what an adoption would change besides its source. */
function foreign(
  { name, before, changes }: Required<Pick<PlanItem, "name" | "before" | "changes">>,
  author: Author,
): PlanItem {
  const told = (source: string) => (source === cliSource ? "cli (plain apply and deploy)" : source);
  const message = `${name} belongs to ${told(before.value.source)}, not to ${told(author.source)}`;
  const { source: owner } = before.value;
  const shown = owner === cliSource ? "" : ` (diff --source ${shellWord(owner)} shows what that does)`;
  const hint = `change it where it comes from${shown}, or take it over with --adopt`;
  return { name, action: "blocked", changes, before, reason: { message, hint } };
}

/** A damaged one is written again: it says what the manifest says, or nothing. */
function revisionBefore(state: KnownState, name: string, revision: string) {
  const damage = state.damaged?.get(revisionKey(name, revision));
  if (damage) return { version: damage.version, damaged: true } as const;
  return { version: state.revisions.get(`${name}/${revision}`)?.version ?? "absent" } as const;
}

function damagedReason(name: string, why: string): { message: string; hint: string } {
  const message = `the document ${deploymentKey(name)} is damaged (${why}); its pods are kept as they are`;
  return { message, hint: "put it back from a backup, with the tools of the store" };
}

function existing(state: KnownState, name: string): Known<DeploymentDocument> {
  const known = state.deployments.get(name);
  if (known) return known;
  const damage = state.damaged?.get(deploymentKey(name));
  if (damage) {
    const { message, hint } = damagedReason(name, damage.why);
    throw new OrchestraError("conflict", message, { hint });
  }
  throw new OrchestraError("not-found", `there is no Deployment "${name}"`, { hint: meantBy(state, name) });
}

function meantBy({ deployments }: KnownState, name: string): string {
  const owner = /^(.+)-\d+$/.exec(name)?.[1];
  if (owner !== undefined && deployments.has(owner)) return `${name} is a pod's name; its Deployment is ${owner}`;
  const meant = nearest(name, deployments.keys());
  return meant === undefined ? "orchestra get lists what there is" : `did you mean ${meant}?`;
}

function beingDeleted(name: string, deleted: Act): OrchestraError {
  return new OrchestraError("conflict", `${name} is being deleted (by ${deleted.by} at ${deleted.at})`, {
    hint: "apply its manifest again to keep it",
  });
}

function single(item: PlanItem): Plan {
  return { items: [item], notInFiles: [] };
}
