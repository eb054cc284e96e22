// The columns of `get`: rows as people read them. Pure.
import { formatCpu } from "../../model/quantity.ts";
import type { SourceCommit } from "../../model/source.ts";
import { age, type Cell, type Column, type Tone } from "../print.ts";
import { fit } from "../width.ts";
import type { NodeRow } from "./node-rows.ts";
import type { DeploymentRow, DeploymentState, PodRow } from "./rows.ts";

const stateTones: Readonly<Record<DeploymentState, Tone>> = Object.freeze({
  waiting: "busy",
  progressing: "busy",
  failed: "bad",
  degraded: "bad",
  ready: "good",
  deleting: "dim",
  orphaned: "bad",
});

export function deploymentColumns(nowMs: number): readonly Column<DeploymentRow>[] {
  return [
    { header: "DEPLOYMENT", cell: ({ name }) => name },
    { header: "READY", cell: ({ ready, replicas }) => `${ready}/${replicas}` },
    { header: "UPDATED", cell: ({ updated }) => String(updated) },
    { header: "REVISION", cell: ({ revision }) => revision },
    { header: "AGE", cell: ({ createdAt }) => age(createdAt || undefined, nowMs) },
    { header: "IMAGE", cell: ({ image }) => image, wide: true },
    { header: "SOURCE", cell: ({ source }) => source, wide: true },
    { header: "COMMIT", cell: ({ commit }) => (commit ? commitText(shortened(commit)) : "-"), wide: true },
    { header: "STATUS", cell: (row) => ({ text: deploymentStatus(row), tone: stateTones[row.state] }) },
  ];
}

/** Of a commit's id, where it is read and not used: as many as Git itself shows of a large repository. */
const commitDigits = 10;

/** A commit in words. Git allows an empty message always, and an empty author in what other programs have written. */
export function commitText({ id, author, subject }: SourceCommit): string {
  return `${id.slice(0, commitDigits)} by ${author || "nobody named"}: ${subject || "(no message)"}`;
}

/** In a table the columns behind it should stay in sight. */
const authorColumns = 16;
const subjectColumns = 40;

function shortened({ id, author, subject }: SourceCommit): SourceCommit {
  return { id, author: fit(author, authorColumns), subject: fit(subject, subjectColumns) };
}

/** The state, and what else one should know: an override by `scale`, the protection, the reason of a failure. */
export function deploymentStatus({ state, reason, override, protected: isProtected }: DeploymentRow): string {
  const notes: string[] = [];
  if (override?.kept) notes.push(`${override.count} replicas kept from the file's last count`);
  else if (override) {
    const manifest = override.manifest === undefined ? "" : `, the manifest says ${override.manifest}`;
    notes.push(`scaled to ${override.count} by ${override.by}${manifest}`);
  }
  if (isProtected) notes.push("protected");
  const text = state === "waiting" ? "waiting for orchestra up" : state;
  return `${reason === undefined ? text : `${text}: ${reason}`}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`;
}

export function podColumns(nowMs: number): readonly Column<PodRow>[] {
  return [
    { header: "POD", cell: ({ name }) => name },
    { header: "PHASE", cell: phaseCell },
    { header: "READY", cell: ({ ready }) => (ready ? "yes" : "no") },
    { header: "RESTARTS", cell: ({ restarts }) => String(restarts) },
    { header: "NODE", cell: ({ node }) => node ?? "-" },
    { header: "IP", cell: ({ ip }) => ip ?? "-" },
    { header: "AGE", cell: ({ startedAt }) => age(startedAt, nowMs) },
    { header: "ID", cell: ({ id }) => id, wide: true },
    { header: "REVISION", cell: ({ revision }) => revision, wide: true },
    { header: "IMAGE", cell: ({ image }) => image, wide: true },
    { header: "REASON", cell: ({ reason }) => reason?.message ?? "-" },
  ];
}

function phaseCell({ phase, pulled, live, node }: PodRow): Cell {
  // What an absent worker saw last is shown as it was, and is not dressed up as good news.
  if (node !== undefined && !live) return { text: phase, tone: "dim" };
  if (phase === "ready") return { text: phase, tone: "good" };
  if (phase === "failed") return { text: phase, tone: "bad" };
  if (pulled !== undefined) return { text: `${phase} ${pulled}%`, tone: "busy" };
  return { text: phase, tone: phase === "stopping" || phase === "stopped" ? "dim" : "busy" };
}

export function nodeColumns(nowMs: number): readonly Column<NodeRow>[] {
  return [
    { header: "NODE", cell: ({ name }) => name },
    { header: "STATUS", cell: (row) => nodeStatus(row, nowMs) },
    { header: "PODS", cell: ({ pods }) => String(pods) },
    {
      header: "CPU",
      cell: ({ reserved, capacity }) => `${formatCpu(reserved.cpuMilli)}/${formatCpu(capacity.cpuMilli)}`,
    },
    {
      header: "MEMORY",
      cell: ({ reserved, capacity }) => `${bytes(reserved.memoryBytes)}/${bytes(capacity.memoryBytes)}`,
    },
    { header: "ADDRESS", cell: ({ address }) => address, wide: true },
    { header: "RANGE", cell: ({ networkRange }) => networkRange ?? "-", wide: true },
    { header: "PLATFORM", cell: ({ platform }) => platform, wide: true },
    { header: "KERNEL", cell: ({ versions }) => versions.kernel, wide: true },
    { header: "LABELS", cell: ({ labels }) => labelsText(labels), wide: true },
    { header: "VERSIONS", cell: ({ versions }) => `orchestra ${versions.orchestra}, docker ${versions.docker}` },
  ];
}

function nodeStatus({ state, since, cordoned, drained, hold, engine, pods }: NodeRow, nowMs: number): Cell {
  const absence = state === "present" ? state : `${state}${since === undefined ? "" : ` for ${age(since, nowMs)}`}`;
  const tone: Tone = state !== "present" || hold !== undefined || engine ? "bad" : cordoned ? "busy" : "good";
  const words = drained ? [pods > 0 ? "draining" : "drained"] : cordoned ? ["cordoned"] : [];
  const silence = engine ? [`engine silent for ${age(engine.since, nowMs)}`] : [];
  return { text: [absence, ...(hold === undefined ? [] : ["holds"]), ...silence, ...words].join(", "), tone };
}

/** Bytes for people: rounded, because a machine's memory is no round number. */
export function bytes(count: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)}${units[unit] ?? ""}`;
}

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}
