// A sync: what keeps the Deployments of one source equal to a folder or to a branch of a Git repository.
import { createHash } from "node:crypto";
import type { Act } from "./deployment.ts";
import type { SourceCommit } from "./source.ts";

/** What a source follows. `node`: whose folder it is, by the name that a machine keeps whatever its host is called. */
export type Followed =
  | { readonly kind: "directory"; readonly node: string; readonly path: string }
  | { readonly kind: "git"; readonly url: string; readonly branch: string; readonly path: string };

/**
 * How the last pass ended.
 * - `synced`: the store says what the source says
 * - `waiting`: the same, and what is to be pruned waits until the rest is ready
 * - `held`: it would do more than usual, and waits for a person; nothing of it was applied
 * - `refused`: something in the source is wrong, or belongs to somebody else; nothing of it was applied
 * - `partial`: something in it is wrong, and what is valid was applied (`--partial`); or something in it is newly not read, and nothing is pruned
 * - `away`: the source cannot be read now; what was applied stays
 * - `failed`: it could not be decided or written, for the reason that is told; it is tried again, with growing pauses
 * - `paused`: the operator said so
 * - `drifted`: changed by hand, and left so (`--no-self-heal`)
 */
export type SyncOutcome =
  | "synced"
  | "waiting"
  | "held"
  | "refused"
  | "partial"
  | "away"
  | "failed"
  | "paused"
  | "drifted";

/** `syncs/<id>`. Written by that sync, and by `sync handover` and `sync forget` while none leads; only when something in it changes. */
export interface SyncDocument {
  readonly source: string;
  readonly follows: Followed;
  /** Who follows it now, or did last. */
  readonly lead: {
    readonly host: string;
    /** Tells it from another machine that is called so. Absent in documents of earlier programs. */
    readonly address?: string;
    /** Tells it from a copy of its machine, and is absent where the system tells no boot, or the source is a branch. */
    readonly boot?: string;
    readonly pid: number;
    readonly since: string;
    readonly ended?: string;
  };
  /** Whose folder it is, and since when; no other machine leads here until it is handed over, and `by` whom it was. Absent of a branch, which any may follow. */
  readonly machine?: { readonly id: string; readonly since: string; readonly by?: string };
  /** `at`: since when it has been so. */
  readonly pass?: {
    readonly at: string;
    readonly outcome: SyncOutcome;
    /** At most 20 (`errorsKept`), each at most 300 characters long (`errorLength`). */
    readonly errors: readonly string[];
    /** How many more there are. */
    readonly more?: number;
    /** What it was about, where nothing of it was applied and the source is Git. */
    readonly commit?: SourceCommit;
    /** While something is held: why the source cannot be read now, so that this may not be the latest. */
    readonly trouble?: string;
  };
  /** What was applied last. */
  readonly applied?: {
    readonly at: string;
    /** Names what all the manifests say together. */
    readonly tree: string;
    readonly deployments: number;
    /** Each Deployment with what its manifest said, as `sync/marks.ts` writes it; only where what is changed by hand is left so. Not shown. */
    readonly marks?: string;
    /** What it was read from, where that is Git. */
    readonly commit?: SourceCommit;
    /** Places in it that were not read, and hid nothing that was there before; at most `unreadKept`. */
    readonly unread?: readonly string[];
    /** The first `errorsKept` of the Deployments that the files lack and that stay because they are protected. */
    readonly kept?: readonly string[];
  };
  /** While it waits for a person: from the outcome `held` until the source is read again and says something else. */
  readonly held?: HeldPass;
  /** While what is to be pruned waits until the rest is ready: the first `errorsKept` of it. */
  readonly waiting?: {
    readonly since: string;
    readonly prunes: readonly string[];
    readonly more?: number;
    /** What of it only has another name by now. */
    readonly renames?: readonly Renamed[];
  };
  /** What may be pruned once the rest is ready: it was looked at together with the rest. Ends with that, with other files, and where it is held. */
  readonly letThrough?: LetThrough;
  /** What was changed by hand, last. */
  readonly drift?: { readonly at: string; readonly corrected: boolean; readonly deployments: readonly Drifted[] };
}

/** What a pass would do that waits for a person. */
export interface HeldPass {
  /** Names exactly this. */
  readonly token: string;
  /** Since when: the same that was not held between is held anew. Absent where an earlier release holds it. */
  readonly since?: string;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  /** The names of the first 20 (`errorsKept`) of each. Those besides `deletes` are absent where an earlier release holds it. */
  readonly creates?: readonly string[];
  readonly updates?: readonly string[];
  readonly deletes: readonly string[];
  /** How many of those that are created and deleted are one and the same under another name, and the first of them. */
  readonly renamed?: number;
  readonly renames?: readonly Renamed[];
  /** Pods that run now: those that get a successor, and those that go, in the end and in all. */
  readonly pods?: { readonly replaced: number; readonly stopped: number };
}

/** A Deployment that has the same spec under a new name. */
export interface Renamed {
  readonly from: string;
  readonly to: string;
}

/** Exactly these deletions, for exactly these files. */
export interface LetThrough {
  readonly tree: string;
  readonly token: string;
  /** The limits that they were within; absent: a person has approved them. */
  readonly limits?: string;
  /** The first of what only gets another name: who goes on finds the new one there already. */
  readonly renames?: readonly Renamed[];
}

/** A Deployment that somebody changed besides its source; `by` and `at` tell who wrote it last, where it is still there. */
export interface Drifted extends Partial<Act> {
  readonly name: string;
  /** The one that has taken it over, where it is no more this sync's own. */
  readonly source?: string;
}

/** `controls/syncs/<id>`. Written by operators. */
export interface SyncControlDocument {
  readonly paused?: Act;
  /** The one pass that may do more than usual, for as long as it is held since `held`. */
  readonly approved?: Act & { readonly token: string; readonly held?: string };
  /** Look at once; a later one asks again. */
  readonly trigger?: Act;
}

export const errorsKept = 20;
export const errorLength = 300;
/** A link beyond these counts as new in each pass: where something is lacking, nothing is pruned then. */
export const unreadKept = 200;

/** Tells machines apart that have one name, by the key that each keeps in its state folder. */
export function machineId(key: string): string {
  return createHash("sha256").update(`orchestra sync ${key}`).digest("hex").slice(0, 12);
}

/** The election of those who would follow a source. */
export function syncElection(source: string): `sync-${string}` {
  return `sync-${sourceId(source)}`;
}

/** Names a source in keys, which are shorter than paths and URLs may be. */
export function sourceId(source: string): string {
  return createHash("sha256").update(source).digest("hex").slice(0, 16);
}
