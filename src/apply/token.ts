// What a plan is bound to, and the short name of exactly that: the same change of the same documents has the same token, whoever plans it
// and when, and any other has another one. Pure; kept plans and held passes of a sync are recognised by it.
import { createHash } from "node:crypto";
import { canonicalJson } from "../manifest/hash.ts";
import { type DeploymentDocument, wantedReplicas } from "../model/deployment.ts";
import type { Plan, PlanAction, PlanItem } from "./plan.ts";

/** Digits of a token: as many as a revision has, and as easy to read out or paste. */
const tokenDigits = 12;

/** Where a plan is to be carried out. */
export interface PlanPlace {
  /** The cluster's id; absent where the first write is to make one. */
  readonly cluster?: string | undefined;
  readonly source: string;
}

/** One item of a plan: what it rests on, and what it writes. */
export interface BoundItem {
  readonly name: string;
  readonly action: PlanAction;
  /** The Deployment as the plan found it; absent: there was none. */
  readonly base?: { readonly uid: string; readonly version: number; readonly generation: number };
  /** Absent where nothing is written. */
  readonly writes?: {
    readonly manifestHash: string;
    readonly revision: string;
    /** How many pods there are to be then: the files' own count, or one by hand that is kept. Absent where it is deleted. */
    readonly replicas?: number;
  };
}

/** Everything that a plan is bound to. */
export interface Bond extends PlanPlace {
  /** Sorted by name. */
  readonly items: readonly BoundItem[];
}

/** What `plan` is bound to when it is carried out there. */
export function bondOf({ items }: Plan, { cluster, source }: PlanPlace): Bond {
  const bound = items.map(boundItem).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ...(cluster === undefined ? {} : { cluster }), source, items: bound };
}

/** Twelve hex digits that name a bond. */
export function tokenOf({ cluster, source, items }: Bond): string {
  // What is absent is said: a field that is left out must not look like one that was never known.
  const said = {
    cluster: cluster ?? null,
    source,
    items: items.map(({ name, action, base, writes }) => ({
      name,
      action,
      version: base?.version ?? null,
      uid: base?.uid ?? null,
      manifestHash: writes?.manifestHash ?? null,
      revision: writes?.revision ?? null,
      ...(writes?.replicas === undefined ? {} : { replicas: writes.replicas }),
    })),
  };
  return createHash("sha256").update(canonicalJson(said)).digest("hex").slice(0, tokenDigits);
}

function boundItem({ name, action, before, after }: PlanItem): BoundItem {
  return {
    name,
    action,
    ...(before
      ? { base: { uid: before.value.uid, version: before.version, generation: before.value.generation } }
      : {}),
    ...(after ? { writes: writesOf(after) } : {}),
  };
}

function writesOf(after: DeploymentDocument): NonNullable<BoundItem["writes"]> {
  const { manifestHash, revision, deleted } = after;
  return { manifestHash, revision, ...(deleted ? {} : { replicas: wantedReplicas(after) }) };
}
