// How syncs are shown: each with what it follows, how it goes, and what keeps it from its work. Pure.
import { type Act, deploymentsText } from "../../model/deployment.ts";
import type { Drifted, HeldPass, SyncControlDocument, SyncDocument } from "../../model/sync.ts";
import { approvalOf } from "../../sync/approval.ts";
import { hostText } from "../../sync/machine.ts";
import { age, oneLine, paint, type Tone } from "../print.ts";
import { commitText } from "../show/columns.ts";
import { fields } from "../show/describe-text.ts";
import { lastHeard } from "./sync-problems.ts";

/** So many links that are not read are named, the rest is counted. */
const linksNamed = 3;

/** A sync as it is shown. */
export interface SyncView {
  readonly document: SyncDocument;
  readonly control: SyncControlDocument;
  /** Whether anybody follows it now, here or elsewhere. */
  readonly runs: boolean;
}

/** `sync status -o json`. */
export interface SyncStatusDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "SyncStatus";
  readonly syncs: readonly (SyncDocument & {
    /** Whether anybody follows it now. */
    readonly running: boolean;
    readonly paused?: Act;
    /** What it holds, and goes on with as soon as it can. */
    readonly approved?: SyncControlDocument["approved"];
  })[];
}

export function syncStatusDocument(views: readonly SyncView[]): SyncStatusDocument {
  const syncs = views.map(({ document, control, runs }) => {
    const approved = approvalOf(document.held, control.approved);
    const said = { ...(control.paused ? { paused: control.paused } : {}), ...(approved ? { approved } : {}) };
    return { ...withoutMarks(document), running: runs, ...said };
  });
  return { apiVersion: "orchestra/v1", kind: "SyncStatus", syncs };
}

/** Marks are for the sync alone, and as many as there are Deployments. */
function withoutMarks({ applied, ...document }: SyncDocument): SyncDocument {
  if (!applied) return document;
  const { marks: _own, ...shown } = applied;
  return { ...document, applied: shown };
}

export function syncStatusText(views: readonly SyncView[], nowMs: number, colour: boolean): string {
  return views.map((view) => syncText(view, nowMs, colour)).join("\n\n");
}

function syncText({ document, control, runs }: SyncView, nowMs: number, colour: boolean): string {
  const { source, lead, pass, applied, drift, held } = document;
  const approved = approvalOf(held, control.approved);
  const { text, tone } = stateOf({ document, control, runs });
  const ago = (at: string) => `${age(at, nowMs)} ago`;
  const gone = `began ${ago(lead.since)}, was last heard of ${ago(lastHeard(document))}, and is gone`;
  const led = runs ? `for ${age(lead.since, nowMs)}` : gone;
  const end = lead.ended === undefined ? led : `ended ${ago(lead.ended)}`;
  const driftNames = drift?.deployments.map(driftText);
  const head = fields([
    ["Source", oneLine(source)],
    ["State", paint(pass && runs ? `${text}, for ${age(pass.at, nowMs)}` : text, tone, colour)],
    ["Paused", control.paused && `by ${control.paused.by}, ${ago(control.paused.at)}; orchestra sync resume goes on`],
    ["Led by", `${hostText(lead)}, pid ${lead.pid}, ${end}`],
    ["Applied", applied && `${deploymentsText(applied.deployments)}, ${ago(applied.at)}`],
    ["Commit", applied?.commit && commitText(applied.commit)],
    ["Looked at", pass?.commit && commitText(pass.commit)],
    ["Not read", applied?.unread && unreadText(applied.unread)],
    ["Kept", applied?.kept && `${applied.kept.join(", ")}: not in the files, and protected`],
    ...(held ? heldFields(held) : []),
    ["Approved", approved && `by ${approved.by}, ${ago(approved.at)}: it goes on as soon as it can`],
    ["By hand", drift && `${driftNames?.join(", ")}: ${drift.corrected ? "taken back" : "left"} ${ago(drift.at)}`],
  ]);
  const errors = (pass?.errors ?? []).map((error) => `  ${oneLine(error)}`);
  if (pass?.more !== undefined) errors.push(`  … and ${pass.more} more`);
  return errors.length === 0 ? head : [head, "To look at:", ...errors].join("\n");
}

function stateOf({ document: { pass }, runs }: SyncView): { readonly text: string; readonly tone: Tone } {
  if (!runs) return { text: "not running: start it again with orchestra sync", tone: "bad" };
  if (!pass) return { text: "starting", tone: "busy" };
  switch (pass.outcome) {
    case "synced":
      return { text: "synced", tone: "good" };
    case "waiting":
      return { text: "applied, and not yet pruned", tone: "busy" };
    case "held":
      return { text: "held, because it is more than usual: nothing of it is applied", tone: "bad" };
    case "paused":
      return { text: "paused", tone: "dim" };
    case "refused":
      return { text: "refused: nothing of it is applied", tone: "bad" };
    case "partial":
      return { text: "partial: what is valid is applied, and nothing is pruned", tone: "bad" };
    case "away":
      return { text: "away: what was applied stays", tone: "bad" };
    case "failed":
      return { text: "failed: what was applied stays, and it is tried again", tone: "bad" };
    case "drifted":
      return { text: "drifted: changed by others, and left so", tone: "bad" };
    default:
      return pass.outcome satisfies never;
  }
}

/** Links out of the folder, and in Git all of them. */
function unreadText(links: readonly string[]): string {
  const named = links.slice(0, linksNamed).join(", ");
  const more = links.length - linksNamed;
  return more > 0 ? `links, as ${named} and ${more} more` : `${named} (${links.length === 1 ? "a link" : "links"})`;
}

function driftText({ name, by, source }: Drifted): string {
  const where = source === undefined ? "" : ` for ${source}`;
  return by === undefined ? name : `${name} (by ${by}${where})`;
}

/** What would be approved: all of it in numbers, and the first of each by name. */
function heldFields(held: HeldPass): (readonly [label: string, value: string | undefined])[] {
  const {
    token,
    created,
    updated,
    deleted,
    creates = [],
    updates = [],
    deletes,
    renamed = 0,
    renames = [],
    pods,
  } = held;
  const only = renamed > 0 ? ` (${renamed} of them only renamed)` : "";
  const what = `${created} to create, ${updated} to update, ${deleted} to delete${only}`;
  const olds = new Map(renames.map(({ from, to }) => [to, `renamed from ${from}`]));
  const news = new Map(renames.map(({ from, to }) => [from, `renamed to ${to}`]));
  return [
    ["Held", `${what}; orchestra sync approve ${token} lets just this pass`],
    ["Creates", firstText(creates, created, olds)],
    ["Updates", firstText(updates, updated)],
    ["Deletes", firstText(deletes, deleted, news)],
    ["Pods", pods && `${pods.replaced} replaced, ${pods.stopped} stopped`],
  ];
}

function firstText(names: readonly string[], count: number, notes: ReadonlyMap<string, string> = new Map()): string {
  const told = names.map((name) => (notes.has(name) ? `${name} (${notes.get(name)})` : name)).join(", ");
  const more = count - names.length;
  return names.length > 0 && more > 0 ? `${told} and ${more} more` : told;
}
