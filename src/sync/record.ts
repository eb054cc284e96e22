// What a sync tells of itself in its document: who follows what, and how it goes. Pure. The same again is the same document, and is not written.
import { sameValue } from "../apply/fields.ts";
import type { SourceCommit } from "../model/source.ts";
import {
  type Drifted,
  errorLength,
  errorsKept,
  type HeldPass,
  type LetThrough,
  type Renamed,
  type SyncDocument,
  type SyncOutcome,
} from "../model/sync.ts";
import { holdAfter, letThroughAfter } from "./approval.ts";
import type { Decision } from "./decide.ts";

/** What a pass has come to. */
export interface Report {
  readonly outcome: SyncOutcome;
  readonly errors: readonly string[];
  /** What was applied; absent where nothing was. */
  readonly applied?: Omit<NonNullable<SyncDocument["applied"]>, "at">;
  readonly held?: HeldPass;
  /** What may be pruned later, where that was not noted before. */
  readonly letThrough?: LetThrough;
  /** Nothing is left to do. */
  readonly isDone?: true;
  /** What nothing was applied of. */
  readonly commit?: SourceCommit;
  /** Why the source cannot be read now: what it was decided on may not be the latest. */
  readonly trouble?: string;
  /** Deployments that are to be deleted when the rest is ready, and what of them only has another name. */
  readonly waits?: { readonly prunes: readonly string[]; readonly renames?: readonly Renamed[] };
  readonly drift?: { readonly corrected: boolean; readonly deployments: readonly Drifted[] };
}

/** Where a pass has read what it applies, and why that may not be the latest. */
export interface Origin {
  readonly commit?: SourceCommit;
  readonly trouble?: string;
}

/** What is told of a decision that is carried out. `heals`: what was changed by hand is taken back. */
export function reportOf(decision: Decision, { commit, trouble }: Origin, heals: boolean): Report {
  const { outcome, errors, tree, deployments, drifted, unread, kept, marks } = decision;
  const where = {
    ...(marks === undefined ? {} : { marks }),
    ...(commit ? { commit } : {}),
    ...(unread.length > 0 ? { unread } : {}),
    ...(kept.length > 0 ? { kept: kept.slice(0, errorsKept) } : {}),
  };
  return {
    ...(trouble === undefined ? { outcome, errors } : { outcome: "away", errors: [trouble, ...errors] }),
    ...(tree === undefined && commit ? { commit } : {}),
    ...(tree === undefined ? {} : { applied: { tree, deployments, ...where } }),
    ...(drifted.length > 0 ? { drift: { corrected: heals, deployments: drifted } } : {}),
  };
}

/** The same, where nothing is left to do. */
export function doneReport(report: Report): Report {
  return { ...report, isDone: true };
}

/** The same, where what is to be pruned has to wait for these reasons; `waits`: what it is, where it waits for the rest. */
export function waitingReport(
  { outcome, errors, ...report }: Report,
  reasons: readonly string[],
  { letThrough, waits }: Pick<Report, "letThrough" | "waits">,
): Report {
  const told = outcome === "away" ? outcome : "waiting";
  const noted = letThrough ? { letThrough } : {};
  return { ...report, outcome: told, errors: [...errors, ...reasons], ...noted, ...(waits ? { waits } : {}) };
}

/** What is told where all of it waits for a person. `takenBack`: what it takes back from whom. */
export function heldReport(
  { errors }: Report,
  { reasons, held }: { readonly reasons: readonly string[]; readonly held: HeldPass },
  { commit, trouble, takenBack }: Origin & { readonly takenBack: readonly string[] },
): Report {
  const byHand = takenBack.map((text) => `${text}; taken back with the rest`);
  const origin = { ...(commit ? { commit } : {}), ...(trouble === undefined ? {} : { trouble }) };
  return { outcome: "held", errors: [...reasons, ...byHand, ...errors], held, ...origin };
}

/** The next document, or `old` itself when it says all that already. */
export function nextRecord(old: SyncDocument, report: Report, at: string): SyncDocument {
  const { held: heldBefore, waiting: before, letThrough: _before, ...rest } = old;
  const { applied, drift, waits } = report;
  const held = report.held ? holdAfter(heldBefore, report.held, at) : isUnread(report) ? heldBefore : undefined;
  const letThrough = letThroughOf(old, report);
  const waiting = waits && waitingFor(waits);
  const pass = passOf(report);
  const next: SyncDocument = {
    ...rest,
    ...(sameBut("at", old.pass, pass) ? {} : { pass: { at, ...pass } }),
    ...(!applied || sameBut("at", old.applied, applied) ? {} : { applied: { at, ...applied } }),
    ...(held ? { held } : {}),
    ...(letThrough ? { letThrough } : {}),
    ...(waiting ? { waiting: sameBut("since", before, waiting) && before ? before : { since: at, ...waiting } } : {}),
    ...(!drift || sameBut("at", old.drift, bounded(drift)) ? {} : { drift: { at, ...bounded(drift) } }),
  };
  return sameValue(old, next) ? old : next;
}

/** The pass has come to nothing that the source says now. */
function isUnread({ applied, held, outcome }: Report): boolean {
  return !applied && !held && outcome !== "refused";
}

/** What is refused ends nothing: the files may be mended, and then say what they said. */
function letThroughOf({ letThrough }: SyncDocument, report: Report): LetThrough | undefined {
  if (report.held) return undefined;
  if (!report.applied) return letThrough;
  if (report.isDone) return undefined;
  return report.letThrough ?? letThroughAfter(letThrough, report.applied.tree);
}

function passOf({ outcome, errors, commit, trouble }: Report): Omit<NonNullable<SyncDocument["pass"]>, "at"> {
  const kept = errors.slice(0, errorsKept).map((error) => shortened(error));
  const more = errors.length - kept.length;
  return {
    outcome,
    errors: kept,
    ...(more > 0 ? { more } : {}),
    ...(commit ? { commit } : {}),
    ...(trouble === undefined ? {} : { trouble: shortened(trouble) }),
  };
}

function waitingFor({ prunes, renames }: NonNullable<Report["waits"]>) {
  const kept = prunes.slice(0, errorsKept);
  const more = prunes.length - kept.length;
  return { prunes: kept, ...(more > 0 ? { more } : {}), ...(renames ? { renames } : {}) };
}

function bounded({ corrected, deployments }: NonNullable<Report["drift"]>) {
  return { corrected, deployments: deployments.slice(0, errorsKept) };
}

function shortened(text: string): string {
  return text.length <= errorLength ? text : `${text.slice(0, errorLength - 1)}…`;
}

function sameBut(field: string, old: object | undefined, next: object): boolean {
  return old !== undefined && sameValue({ ...old, [field]: undefined }, { ...next, [field]: undefined });
}

/** Whether the word about who leads is that of this very leader. */
export function isOwn(lead: SyncDocument["lead"], own: SyncDocument["lead"]): boolean {
  return lead.host === own.host && lead.address === own.address && lead.pid === own.pid && lead.since === own.since;
}
