// What a pass writes of its plan: the rest first, what is pruned later. Each commit holds only while nobody else has begun to lead.
import { commitPlan, knownState } from "../apply/commit.ts";
import { commitPrune } from "../apply/commit-prune.ts";
import type { KnownState, Plan } from "../apply/plan.ts";
import { renamesOf, withoutPrune } from "../apply/prune.ts";
import type { Log } from "../log.ts";
import { OrchestraError } from "../model/errors.ts";
import { syncControlKey, syncKey } from "../model/keys.ts";
import { errorsKept, type LetThrough, type Renamed } from "../model/sync.ts";
import { type Check, put, type Snapshot, type Store } from "../store/store.ts";
import type { Found } from "./ground.ts";
import type { Meter } from "./meter.ts";
import { isOwn } from "./record.ts";

export interface WriterOptions {
  readonly store: Store;
  readonly meter: Meter;
  readonly log: Log;
}

/** Plans anew, on what the store says meanwhile. */
type Planning = (state: KnownState) => Plan;

/** Noted before the rest is written: whoever goes on after us must know what was looked at. Gives what is found then. */
export async function noteLetThrough(store: Store, found: Found, letThrough: LetThrough): Promise<Found> {
  const key = syncKey(found.document.source);
  const document = { ...found.document, letThrough };
  await store.commit({ changes: [put(key, document, found.version)] });
  const now = await store.read(key);
  if (!now || !isOwn(now.value.lead, found.document.lead)) throw new OrchestraError("conflict", "another sync leads");
  return { ...found, document: now.value, version: now.version };
}

/** What is to be written, and what it was decided on. */
export interface Writing {
  readonly found: Found;
  readonly plan: Planning;
  readonly whole: Snapshot;
}

/** All of the plan but what it prunes. */
export async function writeRest(options: WriterOptions, { plan, whole, ...on }: Writing): Promise<void> {
  const rest: Planning = (state) => withoutPrune(plan(state));
  const checks = await checksOf(options.store, { ...on, whole });
  const written = await commitPlan(options.store, rest(knownState(whole)), rest, checks);
  said(options, "applied", written, renamesOf(written));
}

export async function prune(options: WriterOptions, { plan, whole, ...on }: Writing): Promise<void> {
  const checks = await checksOf(options.store, { ...on, whole });
  const written = await commitPrune(options.store, plan(knownState(whole)), plan, checks);
  const names = new Set(written.items.map(({ name }) => name));
  const renames = on.found.document.letThrough?.renames?.filter(({ from }) => names.has(from));
  said(options, "pruned", written, renames ?? []);
}

/** Nobody else has become the leader since, nor said anything about this sync. Throws `conflict` where somebody has for the first time. */
async function checksOf(
  store: Store,
  { found: { document, version }, whole }: Pick<Writing, "found" | "whole">,
): Promise<Check[]> {
  const leads = { key: syncKey(document.source), version };
  const control = syncControlKey(document.source);
  const said = whole.get(control);
  if (said) return [leads, { key: control, version: said.version }];
  // No commit can check that a document is not there, and a large plan takes a second to make.
  if (await store.read(control)) throw new OrchestraError("conflict", "somebody has just spoken about this sync");
  return [leads];
}

function said(
  { meter, log }: WriterOptions,
  what: "applied" | "pruned",
  { items }: Plan,
  renames: readonly Renamed[],
): void {
  const names = items.filter(({ after }) => after).map(({ name }) => name);
  const renamed = renames.length > 0 ? { renames: renames.slice(0, errorsKept) } : {};
  const fields = { count: names.length, deployments: names.slice(0, errorsKept), ...renamed };
  meter.wrote(what, names.length);
  if (names.length > 0) log.info(`sync ${what}`, fields);
}
