// Drift as people and as programs read it. Pure.
import type { Drift } from "../../apply/drift.ts";
import { oneLine, paint } from "../print.ts";

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
export function driftText({ drifts, engines, notes }: DriftDocument, colour: boolean): string {
  const asked = engines.length === 0 ? "statuses only" : `the engine of ${engines.join(", ")}, and statuses elsewhere`;
  const blocks = drifts.flatMap((drift) => [
    `${paint(subjectOf(drift), "bad", colour)} ${oneLine(drift.message)}${authorText(drift)}`,
    `  corrected by: ${oneLine(drift.correction)}`,
  ]);
  const count = drifts.length === 1 ? "1 difference" : `${drifts.length} differences`;
  const end = `${drifts.length === 0 ? "No drift" : count} between files, store and engines (looked at: ${asked}).`;
  return [...blocks, end, ...notes.map(oneLine)].join("\n");
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
