// Whose folder a source is: that of one machine. Host names are given twice, keys are not; what another machine has at the same path is something else. Pure.
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { shellWord } from "../model/shell-word.ts";
import type { SyncDocument } from "../model/sync.ts";

export interface Machine {
  /** As `machineId` gives it. */
  readonly id: string;
  /** This boot of it; absent where the system tells none. */
  readonly boot?: string;
  /** Whether other machines use the store too: where none does, whoever is here follows a folder of this machine. */
  readonly isShared: boolean;
}

/** Why this machine must not lead where `document` is what the source says of itself; undefined: it may. */
export function whyForeign(document: SyncDocument | undefined, { id, isShared }: Machine): OrchestraError | undefined {
  if (!isShared || !document?.machine || document.machine.id === id) return undefined;
  const { source, machine, lead } = document;
  const since = machine.by === undefined ? machine.since : `${machine.since}, when ${machine.by} handed it over`;
  const last = `${hostText(lead)} since ${lead.since}${lead.ended === undefined ? "" : ` until ${lead.ended}`}`;
  const hints = [
    "another machine needs a name of its own (remove node.json from its state folder, if no container of ours runs there, and set ORCHESTRA_NODE) or another path",
    "this one the state folder that it had (ORCHESTRA_STATE_DIR, in a container on a volume; each user has another), or a branch in Git, which any machine may follow",
    `where this one takes the other's place for good: orchestra sync handover ${shellWord(source)} --to ${id}`,
  ];
  return new OrchestraError(
    "conflict",
    `${source} is the folder of another machine of this name, or of another state folder of this one: ${machine.id}, since ${since}; it was led last by ${last}`,
    { hint: hints.join("; ") },
  );
}

/**
 * Why this machine must not lead although it has the key of the one that does, which has led for longer than a session of an earlier boot lasts;
 * undefined: it may.
 */
export function whyCopy(
  document: SyncDocument | undefined,
  { id, boot, isShared }: Machine,
): OrchestraError | undefined {
  if (!isShared || !document || document.machine?.id !== id || document.lead.ended !== undefined) return undefined;
  const { source, lead } = document;
  if (boot === undefined || lead.boot === undefined || lead.boot === boot) return undefined;
  const hint =
    "on a copy of a machine delete the state folder: it becomes a node of its own; where that other one is the copy, do it there; then start this sync again";
  return new OrchestraError(
    "conflict",
    `another machine, ${hostText(lead)}, follows ${source} with this machine's key: one is a copy of the other`,
    { hint, details: { copy: true } },
  );
}

export function isCopy(error: unknown): boolean {
  return isOrchestraError(error, "conflict") && error.details?.["copy"] === true;
}

/** Who leads, for people who have more than one machine of that name. */
export function hostText({ host, address }: Pick<SyncDocument["lead"], "host" | "address">): string {
  return address === undefined ? host : `${host} (${address})`;
}

/** What is noted of the machine that leads from now on. */
export function machineAfter(
  before: SyncDocument["machine"],
  { id }: Machine,
  now: string,
): NonNullable<SyncDocument["machine"]> {
  return before?.id === id ? before : { id, since: now };
}
