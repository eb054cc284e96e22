// Drift as people and as programs read it. Pure.
import type { Drift } from "../../apply/drift.ts";
import { oneLine, paint } from "../print.ts";
import { fenced, firstLines } from "./fenced.ts";

/** `diff --live -o json`. */
export interface DriftDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Drift";
  readonly drifts: readonly Drift[];
  /** Nodes whose engine was asked itself; of all others their statuses tell. */
  readonly engines: readonly string[];
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

/** One line for what differs and one for what corrects it; then what was looked at. */
export function driftText(document: DriftDocument, colour: boolean): string {
  const lines = document.drifts.flatMap((drift) => linesOf(drift, colour));
  return [...lines, `${headOf(document)} (looked at: ${askedOf(document)}).`, ...document.notes.map(oneLine)].join(
    "\n",
  );
}

/** So many lines stay below what GitHub takes as a comment, however long they are. */
const linesLimit = 150;

/** The same as a comment; of very many the first. */
export function driftMarkdown(document: DriftDocument): string {
  const lines = document.drifts.flatMap((drift) => linesOf(drift, false));
  const notes = [`Looked at: ${askedOf(document)}.`, ...document.notes.map(oneLine)];
  const blocks = [...fenced("text", firstLines(lines, linesLimit)), ...fenced("text", firstLines(notes, noteLimit))];
  return [`### ${headOf(document)}`, "", ...blocks].join("\n").trimEnd();
}

const noteLimit = 20;

function linesOf(drift: Drift, colour: boolean): string[] {
  return [
    `${paint(subjectOf(drift), "bad", colour)} ${oneLine(drift.message)}${authorText(drift)}`,
    `  corrected by: ${oneLine(drift.correction)}`,
  ];
}

function headOf({ drifts }: DriftDocument): string {
  const count = drifts.length === 1 ? "1 difference" : `${drifts.length} differences`;
  return `${drifts.length === 0 ? "No drift" : count} between files, store and engines`;
}

function askedOf({ engines }: DriftDocument): string {
  return engines.length === 0 ? "statuses only" : `the engine of ${engines.join(", ")}, and statuses elsewhere`;
}

function subjectOf({ name, node, container }: Drift): string {
  const place = node === undefined ? "" : ` on ${node}`;
  return `${name}${place}${container === undefined ? "" : ` (${container})`}:`;
}

function authorText({ kind, by }: Drift): string {
  if (!by) return "";
  return kind === "changed" || kind === "blocked"
    ? ` (last written by ${by.by} at ${by.at})`
    : ` by ${by.by} at ${by.at}`;
}
