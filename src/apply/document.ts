// The next document of a Deployment: what the manifest says, with the count, history and generation that follow from the last one. Pure.
import {
  type Act,
  type DeploymentDocument,
  type DeploymentSpec,
  historyLimit,
  wantedReplicas,
} from "../model/deployment.ts";
import type { SourceCommit } from "../model/source.ts";
import { type FieldChange, sameValue } from "./fields.ts";

/** A validated manifest with its hashes, as the room `manifest/` gives it. */
export interface Wanted {
  readonly spec: DeploymentSpec;
  readonly revision: string;
  readonly manifestHash: string;
}

/** Who plans, and what a pure function cannot make itself. */
export interface Author extends Act {
  /** Where the manifests come from. */
  readonly source: string;
  /** Take over Deployments of other sources. */
  readonly adopt?: true;
  /** What the manifests were read from, where that is Git. */
  readonly commit?: SourceCommit;
  /** What `scale` said ends where the manifest says a count. */
  readonly takesBack?: true;
  /** Sixteen random hex digits for a Deployment that is created. */
  readonly newUid: () => string;
}

/** What the manifest makes of the Deployment; `old` itself when it says just that already. */
export function nextDocument(
  old: DeploymentDocument | undefined,
  { spec, revision, manifestHash }: Wanted,
  author: Author,
): DeploymentDocument {
  const from = { source: author.source, ...(author.commit ? { commit: author.commit } : {}) };
  const said = { ...ownedFields(spec), revision, ...from, manifestHash };
  const replicas = nextReplicas(old, spec.replicas, author);
  if (!old) {
    const created = { by: author.by, at: author.at };
    return { uid: author.newUid(), ...said, history: [], replicas, generation: 1, created, updated: created };
  }
  // Equal hashes are a hint only: the fields themselves are compared, so that a hash can never hide a change.
  const same = old.revision === revision && sameOwned(old, said) && sameValue(old.replicas, replicas);
  if (same && old.source === author.source && !old.deleted) return old;
  return written({ ...unowned(old), ...said, history: nextHistory(old, revision), replicas }, old, author);
}

/** What no manifest says: who the Deployment is, and whatever a newer release has written there. */
function unowned(
  old: DeploymentDocument,
): Omit<DeploymentDocument, (typeof ownedNames)[number] | "commit" | "deleted"> {
  const { labels: _l, annotations: _a, strategy: _s, placement: _p, protect: _r, ...rest } = old;
  const { commit: _c, deleted: _d, ...others } = rest;
  return others;
}

/** A document with the next generation, and who and when. */
export function written(
  next: Omit<DeploymentDocument, "generation" | "updated">,
  old: DeploymentDocument,
  { by, at }: Author,
): DeploymentDocument {
  return { ...next, generation: old.generation + 1, updated: { by, at } };
}

/** How the count in force changes, or else the manifest's own line about it. */
export function countChange(
  old: Pick<DeploymentDocument, "replicas"> | undefined,
  next: Pick<DeploymentDocument, "replicas">,
): FieldChange[] {
  const inForce = old && wantedReplicas(old);
  if (inForce !== wantedReplicas(next)) return [replicasChange(inForce, wantedReplicas(next))];
  const before = old?.replicas.file;
  return before === next.replicas.file ? [] : [replicasChange(before, next.replicas.file)];
}

/**
 * The count after this apply. The manifest's line decides when it changed. When the line went away the count in force stays,
 * as an override: nobody who deletes the line means "now run one".
 */
function nextReplicas(
  old: DeploymentDocument | undefined,
  file: number | undefined,
  { by, at, takesBack }: Author,
): DeploymentDocument["replicas"] {
  // Applying what was just deleted starts afresh, as it would a moment later.
  if (!old || old.deleted) return file === undefined ? {} : { file };
  if (file !== undefined && takesBack && old.replicas.override) return { file };
  if (file === old.replicas.file) return old.replicas;
  if (file !== undefined) return { file };
  return { override: old.replicas.override ?? { count: wantedReplicas(old), kept: true, by, at } };
}

function nextHistory(old: DeploymentDocument, revision: string): readonly string[] {
  if (old.revision === revision) return old.history;
  const earlier = old.history.filter((known) => known !== revision && known !== old.revision);
  return [old.revision, ...earlier].slice(0, historyLimit);
}

const ownedNames = ["labels", "annotations", "strategy", "placement", "protect"] as const;
type Owned = Pick<DeploymentDocument, (typeof ownedNames)[number]>;

function ownedFields({ labels, annotations, strategy, placement, protect }: DeploymentSpec): Owned {
  return {
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(strategy ? { strategy } : {}),
    ...(placement ? { placement } : {}),
    ...(protect ? { protect } : {}),
  };
}

/** Whether both say the same besides template and count. */
export function sameOwned(old: Owned, said: Owned): boolean {
  return ownedNames.every((name) => sameValue(old[name], said[name]));
}

function replicasChange(before: number | undefined, after: number | undefined): FieldChange {
  return {
    path: "spec.replicas",
    ...(before === undefined ? {} : { old: before }),
    ...(after === undefined ? {} : { new: after }),
  };
}
