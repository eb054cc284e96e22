// A plan as people read it: what changes, and what that does to the pods. Pure.

import type { FieldChange, FieldValue } from "../../apply/fields.ts";
import type { Forecast, Forecasts, PodForecast } from "../../apply/forecast.ts";
import type { Plan, PlanAction, PlanItem } from "../../apply/plan.ts";
import { renamesOf } from "../../apply/prune.ts";
import { podsText } from "../../model/pod.ts";
import { mask, paint, printable, type Tone } from "../print.ts";
import { overrideOf, summaryOf } from "./plan-document.ts";
import { roomText } from "./room-text.ts";

export interface PlanTextOptions {
  readonly showValues: boolean;
  readonly colour: boolean;
}

const signs: Readonly<Record<PlanAction, { readonly sign: string; readonly tone: Tone }>> = Object.freeze({
  create: { sign: "+", tone: "good" },
  update: { sign: "~", tone: "busy" },
  delete: { sign: "-", tone: "bad" },
  unchanged: { sign: "=", tone: "dim" },
  blocked: { sign: "!", tone: "bad" },
});

/** A summary with more lines than a screen or two is no summary: the rest is counted, and `diff` shows it. */
const summaryLinesLimit = 50;
/** So many pods are named in a line, the rest is counted. */
const namedPodsLimit = 8;

/** All that `diff` says: every field that changes with its old and new value, the consequences, and what becomes of the nodes' free room. */
export function diffText(plan: Plan, forecasts: Forecasts, options: PlanTextOptions): string {
  const shown = plan.items.filter(({ action }) => action !== "unchanged");
  if (shown.length === 0) return ["No differences.", ...noticesOf(plan)].join("\n");
  const blocks = shown.map((item) => itemText(item, forecasts.deployments.get(item.name), options));
  const parts = [legendOf(plan, options), ...blocks, roomText(forecasts.nodes), closingText(plan)];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** What `apply` says before it writes: one line for each Deployment, with the consequences only. */
export function summaryText(plan: Plan, forecasts: Forecasts, { colour }: PlanTextOptions): string {
  const changed = plan.items.filter(({ after }) => after !== undefined);
  const lines = changed.slice(0, summaryLinesLimit).map((item) => {
    const { sign, tone } = signs[item.action];
    return `${paint(`${sign} ${item.name}`, tone, colour)}: ${summaryOfItem(item, forecasts.deployments.get(item.name))}`;
  });
  if (changed.length > lines.length)
    lines.push(`… and ${changed.length - lines.length} more (orchestra diff shows all)`);
  return [...lines, closingText(plan)].join("\n");
}

/** The counts, overrides that stay, and what the files lack. */
export function closingText(plan: Plan): string {
  const counts = countsText(plan);
  return [...(counts === undefined ? [] : [`Plan: ${counts}.`]), ...noticesOf(plan)].join("\n");
}

/** `1 to create, 2 unchanged`; undefined where nothing changes. */
export function countsText(plan: Plan): string | undefined {
  const { create, update, unchanged, delete: deleted } = summaryOf(plan);
  const counts = [
    ...(create > 0 ? [`${create} to create`] : []),
    ...(update > 0 ? [`${update} to update`] : []),
    ...(deleted > 0 ? [`${deleted} to delete`] : []),
    `${unchanged} unchanged`,
  ];
  return create + update + deleted > 0 ? counts.join(", ") : undefined;
}

/** What people should know although nothing is done about it. */
export function noticesOf(plan: Plan): string[] {
  const { items, notInFiles, prunes } = plan;
  const overrides = items.flatMap((item) => {
    const text = overrideText(item);
    return text === undefined ? [] : [`${item.name}: ${text}`];
  });
  const renames = renamesOf(plan).map(({ from, to }) => `${from} → ${to}`);
  const renamed = renames.length > 0 ? [`Renamed, and otherwise as it was: ${listText(renames)}.`] : [];
  if (notInFiles.length === 0) return [...renamed, ...overrides];
  const left = listText(notInFiles);
  const text = prunes
    ? `Not in these files, and kept because protected: ${left} (orchestra delete --force removes one).`
    : `Not in these files, and left alone: ${left} (orchestra delete removes one).`;
  return [...renamed, ...overrides, text];
}

/** The first names, and how many more there are. */
export function listText(names: readonly string[]): string {
  const named = names.slice(0, namedPodsLimit).join(", ");
  return names.length > namedPodsLimit ? `${named} and ${names.length - namedPodsLimit} more` : named;
}

/** `replicas 9 (scaled by ann, file says 3)`, where an override is in force after the plan. */
function overrideText(item: PlanItem): string | undefined {
  const override = (item.after ?? item.before?.value)?.deleted ? undefined : overrideOf(item);
  if (!override) return undefined;
  if (override.kept) return `replicas ${override.count} (kept from the file's last count)`;
  const file = override.manifest === undefined ? "the file says no count" : `file says ${override.manifest}`;
  return `replicas ${override.count} (scaled by ${override.by}, ${file})`;
}

function legendOf({ items }: Plan, { colour }: PlanTextOptions): string {
  const used = (["create", "update", "delete"] as const).filter((action) =>
    items.some((item) => item.action === action),
  );
  return used.map((action) => paint(`${signs[action].sign} ${action}`, signs[action].tone, colour)).join("   ");
}

function itemText(item: PlanItem, forecast: Forecast | undefined, options: PlanTextOptions): string {
  const { sign, tone } = signs[item.action];
  const note = pruneNote(item);
  const lines = [paint(`${sign} ${item.name}${note === "" ? "" : ` (${note})`}`, tone, options.colour)];
  for (const change of item.changes) lines.push(`    ${changeText(change, options)}`);
  if (forecast) for (const line of consequences(forecast)) lines.push(`  ${line}`);
  if (item.reason) lines.push(`  ${item.reason.message}: ${item.reason.hint}`);
  return lines.join("\n");
}

/** One field with both values. */
export function changeText(
  { path, old, new: next, secret }: FieldChange,
  { showValues, colour }: PlanTextOptions,
): string {
  const hidden = secret === true && !showValues;
  if (old === undefined) return paint(`+ ${path}: ${hidden ? mask : valueText(next)}`, "good", colour);
  if (next === undefined) return paint(`- ${path}: ${hidden ? mask : valueText(old)}`, "bad", colour);
  const [before, after] = [valueText(old), valueText(next)];
  // A number and the text of it, say.
  const shown = before === after ? [quoted(old), quoted(next)] : [before, after];
  const values = hidden ? `${mask} (before) → ${mask} (after)` : shown.join(" → ");
  return paint(`~ ${path}: ${values}`, "busy", colour);
}

/** Text stands as it is where a reader sees all of it: no line breaks, control characters or blanks at its ends. */
function valueText(value: FieldValue | undefined): string {
  const isPlain = typeof value === "string" && value !== "" && value === value.trim() && printable(value) === value;
  return isPlain && !/[\r\n\t]/.test(value) ? value : quoted(value);
}

/** As JSON, with every character in it that does not show as itself. */
function quoted(value: FieldValue | undefined): string {
  return [...JSON.stringify(value ?? null)].map((one) => (printable(one) === one ? one : escaped(one))).join("");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function summaryOfItem(item: PlanItem, forecast: Forecast | undefined): string {
  const { action, changes } = item;
  const note = pruneNote(item);
  const fields = action === "update" ? [`${changes.length} ${changes.length === 1 ? "field" : "fields"}`] : [];
  return [...(note === "" ? [] : [note]), ...fields, ...(forecast ? consequences(forecast) : [])].join("; ");
}

/** Why it is deleted, or where it comes from; "" for what has no such story. */
export function pruneNote({ pruned, renamedFrom, renamedTo }: PlanItem): string {
  if (renamedFrom !== undefined) return `renamed from ${renamedFrom}`;
  if (renamedTo !== undefined) return `renamed to ${renamedTo}`;
  return pruned ? "not in these files" : "";
}

/** One line for each kind of consequence. */
export function consequences(forecast: Forecast): string[] {
  const { created, replaced, moved, stopped, unplaced, more = 0, problem } = forecast;
  const waits = [...replaced, ...moved].filter(({ stopFirst }) => stopFirst);
  const lines = [
    ...group("created", created),
    ...group("replaced", replaced),
    ...movedTexts(moved),
    ...(waits.length > 0 ? [`${namesOf(waits)}: stops before its successor starts, which needs its place`] : []),
    ...(more > 0 ? [`${more} more replaced in the same way`] : []),
    ...group("stopped", stopped),
    ...untouchedTexts(forecast),
    ...unplacedTexts(unplaced),
    ...readyTexts(forecast),
    ...(problem === undefined ? [] : [problem]),
  ];
  return lines.length > 0 ? lines : ["no pods"];
}

function group(what: "created" | "replaced" | "stopped", pods: readonly PodForecast[]): string[] {
  if (pods.length === 0) return [];
  const isNew = what !== "stopped";
  const nodes = [...Map.groupBy(pods, ({ node }) => node)];
  const places = nodes.map(([node, there]) =>
    node === undefined ? `${namesOf(there)}${isNew ? " (no node yet)" : ""}` : `${namesOf(there)} on ${node}`,
  );
  return [`${podsText(pods.length)} ${what}: ${places.join("; ")}`];
}

/** By where from and where to. */
function movedTexts(moved: Forecast["moved"]): string[] {
  const ways = [...Map.groupBy(moved, ({ from, node }) => `from ${from} to ${node ?? "a node"}`)];
  const told = ways.map(([way, pods]) => `${namesOf(pods)} ${way}`);
  return moved.length === 0 ? [] : [`${podsText(moved.length)} moved: ${told.join("; ")}`];
}

/** Those whose successors have no place yet go later. Where a strategy stops them first they are told as pods without a place. */
function untouchedTexts({ untouched, waiting = 0 }: Forecast): string[] {
  if (untouched === 0) return [];
  const later = Math.min(waiting, untouched);
  if (later === 0) return [`${podsText(untouched)} untouched`];
  const once = `once ${later === 1 ? "its successor has" : "their successors have"} a place`;
  return [`${podsText(later)} replaced ${once}`, `${podsText(untouched)} untouched until then`];
}

/** Only what hurts: that a deletion ends the service is what was asked for. */
function readyTexts({ ready: { now, least, wanted }, downtime }: Forecast): string[] {
  if (downtime) return downtime.why === "delete" && wanted === 0 ? [] : [`downtime: ${downtime.message}`];
  return least < Math.min(now, wanted) ? [`at least ${least} of ${podsText(wanted)} ready on the way`] : [];
}

/** Pods with the same reason are told together. */
function unplacedTexts(unplaced: Forecast["unplaced"]): string[] {
  const reasons = [
    ...Map.groupBy(unplaced, ({ reason, remedy }) => (remedy === undefined ? reason : `${reason}; ${remedy}`)),
  ];
  return reasons.map(([reason, pods]) => `${podsText(pods.length)} without a place: ${namesOf(pods)}: ${reason}`);
}

function namesOf(pods: readonly { readonly name: string }[]): string {
  return listText(pods.map(({ name }) => name));
}
